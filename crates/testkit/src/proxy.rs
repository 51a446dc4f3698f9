//! A TCP proxy that puts a local server as far away as one wants, or takes it away.
//!
//! What goes through is delayed, not slowed: bytes are on their way for half the latency in each direction, and as many
//! as like are on their way together. It also counts how often a client had to wait for an answer.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use std::time::Duration;
//! use certferry_testkit::proxy::Proxy;
//!
//! let proxy = Proxy::start(([127, 0, 0, 1], 5432).into(), Duration::from_millis(20)).await?;
//! println!("postgres://postgres@{}/postgres", proxy.address());
//! proxy.cut();
//! proxy.restore();
//! # Ok(())
//! # }
//! ```

mod clock;
mod pump;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use clock::Clock;

/// Connections carried at once; whoever comes on top of them waits to be accepted.
const CONNECTIONS: usize = 1000;

/// How long to leave off after a connection that could not be accepted: there are too many files open, say.
const AFTER_REFUSAL: Duration = Duration::from_millis(50);

/// What becomes of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Open,
    Silent,
    Broken,
}

/// The state of the way between clients and server.
#[derive(Debug, Clone, Copy)]
struct Link {
    mode: Mode,
    /// How often it was cut. A connection ends when this changes, however soon the link is restored.
    cuts: u64,
    /// How often the servers were lost. A connection hears nothing any more when this changes.
    losses: u64,
}

#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    link: watch::Sender<Link>,
    latency_nanos: AtomicU64,
    connections: AtomicUsize,
    exchanges: AtomicU64,
    clock: Clock,
}

impl Shared {
    /// How long bytes are on their way in one direction.
    fn one_way(&self) -> Duration {
        Duration::from_nanos(self.latency_nanos.load(Ordering::Relaxed) / 2)
    }
}

/// A running proxy. When it is dropped, it ends with every connection through it.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free port of the loopback address and connects each client to `upstream`; `latency` is added to
    /// what a client waits for an answer.
    pub async fn start(upstream: SocketAddr, latency: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            upstream,
            link: watch::channel(Link { mode: Mode::Open, cuts: 0, losses: 0 }).0,
            latency_nanos: AtomicU64::new(nanos(latency)),
            connections: AtomicUsize::new(0),
            exchanges: AtomicU64::new(0),
            clock: Clock::start()?,
        });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Ok(Self { address, shared, accepting })
    }

    /// Where clients connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the latency for bytes that come from now on.
    pub fn set_latency(&self, latency: Duration) {
        self.shared.latency_nanos.store(nanos(latency), Ordering::Relaxed);
    }

    /// Breaks every connection, as a server or a cable that goes away does; new ones break at once too, until
    /// [`Self::restore`].
    pub fn cut(&self) {
        self.shared.link.send_modify(|link| *link = Link { mode: Mode::Broken, cuts: link.cuts + 1, ..*link });
    }

    /// Lets nothing through in either direction and says so to nobody: connections stay and hear nothing, new ones are
    /// accepted and hear nothing. What was held up arrives after [`Self::restore`], as TCP has it.
    pub fn blackhole(&self) {
        self.shared.link.send_modify(|link| link.mode = Mode::Silent);
    }

    /// Takes the server away from every connection there is and leaves it half open: the server sees it broken, the client
    /// sees nothing, whatever it says and however long it waits, as when a machine loses its power. New connections work.
    pub fn lose_server(&self) {
        self.shared.link.send_modify(|link| link.losses += 1);
    }

    /// Ends what [`Self::cut`] or [`Self::blackhole`] began.
    pub fn restore(&self) {
        self.shared.link.send_modify(|link| link.mode = Mode::Open);
    }

    /// How many connections are being carried now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// How often a client began to speak after the server had spoken, over all connections so far: the round trips.
    /// Requests that were sent together without waiting count once.
    #[must_use]
    pub fn exchanges(&self) -> u64 {
        self.shared.exchanges.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn nanos(latency: Duration) -> u64 {
    u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX)
}

/// The connections end with this future.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((client, _)) => {
                    connections.spawn(carry(client, shared.clone()));
                }
                Err(_) => tokio::time::sleep(AFTER_REFUSAL).await,
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

/// Carries one connection to its end. What goes wrong on one side is for the other side to see, as a closed connection.
async fn carry(mut client: TcpStream, shared: Arc<Shared>) {
    let _counted = Counted::new(&shared.connections);
    let mut link = shared.link.subscribe();
    let Link { cuts, losses, .. } = *link.borrow_and_update();
    let is_cut = move |link: &Link| link.mode == Mode::Broken || link.cuts != cuts;
    let mut server = None;
    let mut ending = {
        let carrying = pump::both_ways(&mut client, &mut server, &shared);
        tokio::select! {
            biased;
            changed = link.wait_for(|link| is_cut(link) || link.losses != losses) => match changed {
                Ok(link) if !is_cut(&link) => Ending::ServerLost,
                _ => Ending::Cut,
            },
            ended = carrying => if ended.is_err() { Ending::Cut } else { Ending::Orderly },
        }
    };
    if ending == Ending::ServerLost {
        reset(server.take());
        ending = tokio::select! {
            _ = link.wait_for(is_cut) => Ending::Cut,
            () = pump::into_nothing(&mut client) => Ending::Orderly,
        };
    }
    if ending == Ending::Cut {
        reset([Some(client), server].into_iter().flatten());
    }
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Orderly,
    Cut,
    ServerLost,
}

/// A reset and not an orderly end. A connection that is gone already needs none.
fn reset(streams: impl IntoIterator<Item = TcpStream>) {
    for stream in streams {
        stream.set_zero_linger().ok();
    }
}

struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
