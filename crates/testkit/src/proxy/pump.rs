//! Carrying the bytes of one connection.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::{Link, Mode, Shared};

/// Bytes of one connection that are on their way in one direction at most: enough for 200 MB/s over 20 ms.
const WINDOW: u32 = 4 << 20;

/// Bytes read at a time.
const CHUNK: usize = 16 << 10;

/// What even the smallest chunk takes of the window, for what it costs to hold it.
const LEAST_ROOM: usize = 256;

/// Bytes on their way.
struct Chunk {
    bytes: Vec<u8>,
    due: Instant,
    room: OwnedSemaphorePermit,
}

/// Who speaks in one direction, and who spoke last in either.
struct Direction<'a> {
    of_client: bool,
    server_spoke_last: &'a AtomicBool,
    shared: &'a Shared,
}

impl Direction<'_> {
    fn note_exchange(&self) {
        let server_spoke_last = self.server_spoke_last.swap(!self.of_client, Ordering::Relaxed);
        if self.of_client && server_spoke_last {
            self.shared.exchanges.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Connects to the server as soon as the link is open and carries bytes until both sides have said all they had to.
pub(super) async fn both_ways(
    client: &mut TcpStream,
    server: &mut Option<TcpStream>,
    shared: &Shared,
) -> io::Result<()> {
    opened(&mut shared.link.subscribe()).await?;
    let server = server.insert(TcpStream::connect(shared.upstream).await?);
    // Each chunk is sent when it is due, and not when there is more of it.
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let server_spoke_last = AtomicBool::new(true);
    let requests = Direction { of_client: true, server_spoke_last: &server_spoke_last, shared };
    let answers = Direction { of_client: false, server_spoke_last: &server_spoke_last, shared };
    tokio::try_join!(one_way(from_client, to_server, requests), one_way(from_server, to_client, answers))?;
    Ok(())
}

/// Takes what the client says, for nobody, until it leaves.
pub(super) async fn into_nothing(client: &mut TcpStream) {
    let mut buffer = vec![0; CHUNK];
    while client.read(&mut buffer).await.is_ok_and(|length| length > 0) {}
}

async fn one_way(from: ReadHalf<'_>, to: WriteHalf<'_>, direction: Direction<'_>) -> io::Result<()> {
    // Bounded by the window.
    let (sent, on_their_way) = mpsc::unbounded_channel();
    let arriving = deliver(on_their_way, to, direction.shared);
    tokio::try_join!(take(from, sent, direction), arriving)?;
    Ok(())
}

/// Reads until the end and sends each chunk on its way.
async fn take(mut from: ReadHalf<'_>, sent: mpsc::UnboundedSender<Chunk>, direction: Direction<'_>) -> io::Result<()> {
    let mut link = direction.shared.link.subscribe();
    let window = Arc::new(Semaphore::new(WINDOW as usize));
    let mut buffer = vec![0; CHUNK];
    loop {
        opened(&mut link).await?;
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        direction.note_exchange();
        let due = Instant::now() + direction.shared.one_way();
        let room = u32::try_from(length.max(LEAST_ROOM)).unwrap_or(WINDOW);
        let room = window.clone().acquire_many_owned(room).await.map_err(io::Error::other)?;
        let bytes = buffer[..length].to_vec();
        sent.send(Chunk { bytes, due, room }).map_err(|_| io::ErrorKind::BrokenPipe)?;
    }
}

/// Writes each chunk when it is due, and closes the direction after the last.
async fn deliver(
    mut on_their_way: mpsc::UnboundedReceiver<Chunk>,
    mut to: WriteHalf<'_>,
    shared: &Shared,
) -> io::Result<()> {
    let mut link = shared.link.subscribe();
    while let Some(Chunk { bytes, due, room }) = on_their_way.recv().await {
        shared.clock.until(due).await;
        opened(&mut link).await?;
        to.write_all(&bytes).await?;
        drop(room);
    }
    to.shutdown().await
}

/// Returns when the link lets bytes through.
async fn opened(link: &mut watch::Receiver<Link>) -> io::Result<()> {
    link.wait_for(|link| link.mode == Mode::Open).await.map(drop).map_err(io::Error::other)
}
