//! Running a program and watching what it takes.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::process::{Memory, Stat};

/// The longest that any program may run.
const LONGEST: Duration = Duration::from_hours(2);

/// How often memory and processor time are looked at. The peak is the kernel's own and misses nothing but the last of
/// these.
const LOOK: Duration = Duration::from_millis(20);

/// A program that has ended well.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) name: &'static str,
    pub(crate) seconds: f64,
    /// Processor time in seconds.
    pub(crate) processor: f64,
    pub(crate) peak_memory: u64,
    /// The memory at each look, with the seconds since the start.
    pub(crate) memory: Vec<(f64, u64)>,
    pub(crate) output: String,
}

impl Ended {
    /// The highest memory up to the middle of the run, which is no less than that at the end where it stays flat.
    pub(crate) fn peak_of_first_half(&self) -> u64 {
        let half = self.memory.iter().filter(|(at, _)| *at <= self.seconds / 2.0);
        half.map(|(_, bytes)| *bytes).max().unwrap_or(0)
    }
}

/// A program that runs, with its words in a file.
#[derive(Debug)]
pub(crate) struct Running {
    name: &'static str,
    child: Child,
    clock: Instant,
    log: String,
}

impl Running {
    /// Starts a command with nothing of our environment but what a program needs to run at all.
    pub(crate) fn start(name: &'static str, mut command: Command, log: &Path) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(log);
        let file = file.with_context(|| format!("could not write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file).kill_on_drop(true);
        let clock = Instant::now();
        let child = command.spawn().with_context(|| format!("could not run {name}"))?;
        Ok(Self { name, child, clock, log: log.display().to_string() })
    }

    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until it has ended, and fails if it failed.
    pub(crate) async fn end(mut self) -> Result<Ended> {
        let mut pipe = self.child.stdout.take().context("the program's output was taken already")?;
        let mut ended = Ended {
            name: self.name,
            seconds: 0.0,
            processor: 0.0,
            peak_memory: 0,
            memory: Vec::new(),
            output: String::new(),
        };
        let mut output = String::new();
        let status = {
            let watched = async { tokio::join!(self.watch(&mut ended), pipe.read_to_string(&mut output)) };
            let (status, read) = timeout(LONGEST, watched).await.context("a program ran for too long")?;
            read.context("could not read what a program said")?;
            status?
        };
        if !status.success() {
            bail!("{} ended with {status}; its words are in {}", ended.name, self.log);
        }
        ended.output = output;
        Ok(ended)
    }

    async fn watch(&mut self, ended: &mut Ended) -> Result<std::process::ExitStatus> {
        let id = self.child.id().context("the program has ended already")?;
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                status = self.child.wait() => {
                    ended.seconds = self.clock.elapsed().as_secs_f64();
                    return Ok(status?);
                }
                _ = look.tick() => {
                    if let (Some(memory), Some(stat)) = (Memory::of(id), Stat::of(id)) {
                        ended.peak_memory = memory.peak;
                        ended.memory.push((self.clock.elapsed().as_secs_f64(), memory.now));
                        ended.processor = stat.own;
                    }
                }
            }
        }
    }
}

/// Runs a command to its end.
pub(crate) async fn run(name: &'static str, command: Command, log: &Path) -> Result<Ended> {
    Running::start(name, command, log)?.end().await
}

/// A command with nothing of our environment but what a program needs to run at all, so that no configuration of the
/// person who measures is measured.
pub(crate) fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().current_dir(folder);
    for name in ["PATH", "HOME", "LANG", "TMPDIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}
