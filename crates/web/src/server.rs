use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// The most connections at once; others wait until one of them ends.
const CONNECTIONS: usize = 32;

/// The longest that a connection may last, from its first byte to the last one of its answer.
const LONGEST: Duration = Duration::from_secs(15);

/// The longest that a request's head may take.
const LONGEST_HEAD: Duration = Duration::from_secs(5);

/// The largest head and body of a request, in bytes.
const LARGEST_HEAD: usize = 16 << 10;
const LARGEST_BODY: usize = 64 << 10;

/// How long to wait after a connection could not be taken: the process has no file descriptor left, perhaps.
const PAUSE: Duration = Duration::from_millis(200);

/// An address that is listened on.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Listens on an address; port 0 is any free one.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers for as long as it is polled, one request a connection.
    pub async fn serve(self, router: Router) {
        let router = router.layer(DefaultBodyLimit::max(LARGEST_BODY));
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        // Dropped, and so ended, with this future.
        let mut connections = JoinSet::new();
        loop {
            let Ok(permit) = room.clone().acquire_owned().await else { return };
            while connections.try_join_next().is_some() {}
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let answering = answer(stream, router.clone());
                    connections.spawn(async move {
                        answering.await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::debug!(%error, "a connection could not be taken");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// Answers the one request of a connection.
async fn answer(stream: TcpStream, router: Router) {
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(LONGEST_HEAD)
        .max_buf_size(LARGEST_HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    match tokio::time::timeout(LONGEST, serving).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a request was not answered"),
        Err(_) => tracing::debug!("a request took too long, and was not answered"),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::ask;

    async fn served() -> (SocketAddr, tokio::task::JoinHandle<()>) {
        let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
        let address = server.address();
        let router = Router::new().route("/hello", get(|| async { "hello\n" }));
        (address, tokio::spawn(server.serve(router)))
    }

    #[tokio::test]
    async fn a_question_is_answered() {
        let (address, _serving) = served().await;
        let answer = ask(address, "/hello", LONGEST).await.unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, "hello\n"));
        assert_eq!(ask(address, "/other", LONGEST).await.unwrap().status, 404);
    }

    #[tokio::test]
    async fn whoever_says_nothing_keeps_nobody_from_asking() {
        let (address, _serving) = served().await;
        let mut silent = Vec::new();
        for _ in 0..CONNECTIONS - 1 {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        assert_eq!(ask(address, "/hello", LONGEST).await.unwrap().status, 200);
    }

    #[tokio::test]
    async fn a_head_without_end_is_refused() {
        let (address, _serving) = served().await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let endless = format!("GET /hello HTTP/1.1\r\nhost: a\r\nx: {}", "y".repeat(2 * LARGEST_HEAD));
        // The server may have closed the connection before all of it is written.
        let written = stream.write_all(endless.as_bytes()).await;
        let mut said = String::new();
        let read = stream.read_to_string(&mut said).await;
        assert!(said.starts_with("HTTP/1.1 431") || written.is_err() || read.is_err(), "{said}");
        assert!(!said.contains("200 OK"), "{said}");
    }
}
