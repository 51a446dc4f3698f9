//! The terminal: taken whole, and given back as it was, whatever happens.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use certferry_bootstrap::telemetry;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};
use tokio::sync::mpsc::{self, Receiver, Sender};

/// How soon the thread that reads keys hears that it is to end.
const POLL: Duration = Duration::from_millis(50);

/// Keys that wait until they are read.
const KEYS: usize = 64;

/// The terminal as a full screen, with its keys. Dropping it gives the terminal back; a panic does, too.
pub(super) struct Screen {
    pub(super) terminal: DefaultTerminal,
    events: Receiver<io::Result<Event>>,
    is_over: Arc<AtomicBool>,
    reading: Option<JoinHandle<()>>,
}

impl Screen {
    /// Takes the terminal. Until it is given back, lines of the log wait.
    pub(super) fn take() -> io::Result<Self> {
        telemetry::hold();
        let terminal = ratatui::try_init().inspect_err(|_| give_back())?;
        let (sender, events) = mpsc::channel(KEYS);
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = is_over.clone();
        let reading = std::thread::spawn(move || read(&sender, &ends));
        Ok(Self { terminal, events, is_over, reading: Some(reading) })
    }

    /// The next key or change of size; an error when the terminal is gone.
    pub(super) async fn event(&mut self) -> io::Result<Event> {
        self.events.recv().await.unwrap_or_else(|| Err(io::Error::from(io::ErrorKind::BrokenPipe)))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // In this order: the thread may wait for room, and must not read what is typed after the end.
        self.is_over.store(true, Ordering::Relaxed);
        self.events.close();
        if let Some(reading) = self.reading.take()
            && reading.join().is_err()
        {
            tracing::debug!("the thread that reads keys panicked");
        }
        if let Err(error) = self.terminal.show_cursor() {
            tracing::debug!("the cursor could not be shown: {error}");
        }
        give_back();
    }
}

fn give_back() {
    if let Err(error) = ratatui::try_restore() {
        tracing::warn!("the terminal could not be given back as it was ({error}); `reset` does it");
    }
    telemetry::release();
}

fn read(sender: &Sender<io::Result<Event>>, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        let event = match event::poll(POLL) {
            Ok(false) => continue,
            Ok(true) => event::read(),
            Err(error) => Err(error),
        };
        let is_error = event.is_err();
        if sender.blocking_send(event).is_err() || is_error {
            return;
        }
    }
}
