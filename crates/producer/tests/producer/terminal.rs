//! A terminal of our own, in which the binary runs.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcgetattr, tcsetwinsize};
use vt100::{Parser, Screen};

/// The longest that anything may take to be shown.
const LONGEST: Duration = Duration::from_mins(1);

pub(crate) struct Terminal {
    child: Child,
    keyboard: File,
    /// Open as long as the terminal is to be looked at, also after the binary has ended.
    line: OwnedFd,
    output: Receiver<Vec<u8>>,
    parser: Parser,
    /// How the line was before.
    before: String,
}

impl Terminal {
    /// Runs a command in a terminal of so many columns and rows, of which it is the foreground.
    pub(crate) fn run(command: &Command, columns: u16, rows: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&master).expect("a terminal");
        unlockpt(&master).expect("a terminal");
        let name = ptsname(&master, Vec::new()).expect("its name");
        let line = rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("its line");
        tcsetwinsize(&line, size(columns, rows)).expect("its size");
        let before = state(&line);
        let end = || Stdio::from(line.try_clone().expect("its line"));
        let mut wrapped = Command::new("setsid");
        wrapped.arg("--ctty").arg(command.get_program()).args(command.get_args()).env_clear();
        if let Some(folder) = command.get_current_dir() {
            wrapped.current_dir(folder);
        }
        let environment = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        wrapped.envs(environment).env("TERM", "xterm").env("PATH", std::env::var_os("PATH").unwrap_or_default());
        let child = wrapped.stdin(end()).stdout(end()).stderr(end()).spawn().expect("setsid runs");
        let keyboard = File::from(master);
        let mut screen = keyboard.try_clone().expect("the terminal");
        let (sender, output) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read) = screen.read(&mut buffer) {
                if read == 0 || sender.send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        let parser = Parser::new(nonzero(rows), nonzero(columns), 0);
        Self { child, keyboard, line, output, parser, before }
    }

    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        self.parser.screen_mut().set_size(nonzero(rows), nonzero(columns));
        tcsetwinsize(&self.line, size(columns, rows)).expect("its size");
    }

    /// Types something; `\r` is Enter, `\u{1b}` Escape.
    pub(crate) fn type_in(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Waits until the screen is as it should be, and returns its text.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, is: impl Fn(&Screen) -> bool) -> String {
        while !is(self.parser.screen()) {
            match self.output.recv_timeout(LONGEST) {
                Ok(bytes) => self.parser.process(&bytes),
                Err(error) => panic!("never: {what} ({error})\n{}", self.parser.screen().contents()),
            }
        }
        self.parser.screen().contents()
    }

    /// Waits until the text is somewhere on the screen.
    #[track_caller]
    pub(crate) fn until_shown(&mut self, text: &str) -> String {
        self.until(text, |screen| screen.contents().contains(text))
    }

    /// Waits for the end of the binary; the terminal must be as it was before.
    #[track_caller]
    pub(crate) fn end(mut self) -> ExitStatus {
        let status = self.child.wait().expect("it ends");
        self.until("the screen from before, with a cursor", |screen| {
            !screen.alternate_screen() && !screen.hide_cursor()
        });
        assert_eq!(state(&self.line), self.before);
        status
    }
}

fn size(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

fn nonzero(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).expect("a size")
}

fn state(line: impl AsFd) -> String {
    format!("{:?}", tcgetattr(line).expect("a terminal"))
}
