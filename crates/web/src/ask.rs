use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The most of an answer that is read, in bytes.
const LARGEST_ANSWER: u64 = 1 << 20;

/// What a server of ours said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// 200 where all is well.
    pub status: u16,
    /// Its text.
    pub body: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens there, or the connection broke.
    #[error("could not ask {0}")]
    Connection(SocketAddr, #[source] std::io::Error),
    /// It took too long.
    #[error("{address} did not answer within {} s", within.as_secs())]
    Unanswered {
        /// Who was asked.
        address: SocketAddr,
        /// How long an answer was waited for.
        within: Duration,
    },
    /// Somebody else listens there.
    #[error("what {0} answered is no HTTP")]
    NoHttp(SocketAddr),
}

/// Asks a server of ours on this machine for a path.
pub async fn ask(address: SocketAddr, path: &str, within: Duration) -> Result<Answer, AskError> {
    let asking = tokio::time::timeout(within, exchange(address, path)).await;
    let said = asking.map_err(|_| AskError::Unanswered { address, within })?;
    let said = said.map_err(|error| AskError::Connection(address, error))?;
    parse(&said).ok_or(AskError::NoHttp(address))
}

async fn exchange(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut said = Vec::new();
    stream.take(LARGEST_ANSWER).read_to_end(&mut said).await?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

/// The answer in what a server said that closes the connection behind it.
fn parse(said: &str) -> Option<Answer> {
    let (head, body) = said.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_body_are_told_apart() {
        let answer = parse("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 3\r\n\r\nno\n").unwrap();
        assert_eq!(answer, Answer { status: 503, body: "no\n".to_owned() });
        for said in ["", "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 ok\r\n\r\n"] {
            assert_eq!(parse(said), None, "{said}");
        }
    }
}
