//! `worker --probe`: asks the worker of this machine how it is, so that an image needs no program for that.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::anyhow;
use certferry_bootstrap::{Config, Hint, output};
use certferry_web::ask;
use clap::ValueEnum;

use crate::vitals::{LIVE, READY};

/// How long the worker may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// What to ask a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Question {
    /// Whether its batches make progress.
    Live,
    /// Whether it can work.
    Ready,
}

/// Asks the worker that listens where this configuration says; an error where it is not well.
pub(crate) async fn run(config: &Config, question: Question) -> anyhow::Result<()> {
    let Some(listen) = config.worker.listen else {
        return Err(anyhow!("worker.listen is not set, so that no worker can be asked"))
            .hint("set it to a port, for the worker and for the probe: CERTFERRY__WORKER__LISTEN=9464")
            .usage();
    };
    let path = match question {
        Question::Live => LIVE,
        Question::Ready => READY,
    };
    let answer = ask(reachable(listen.address()), path, PATIENCE).await?;
    let said = answer.body.trim_end();
    if answer.status == 200 { Ok(output::line(said)?) } else { Err(anyhow!("the worker is not well: {said}")) }
}

/// Where to ask whoever listens on all addresses.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_listens_everywhere_is_asked_here() {
        for (listens, asked) in [
            ("0.0.0.0:9464", "127.0.0.1:9464"),
            ("[::]:9464", "[::1]:9464"),
            ("10.0.0.7:80", "10.0.0.7:80"),
            ("127.0.0.1:1", "127.0.0.1:1"),
        ] {
            assert_eq!(reachable(listens.parse().unwrap()), asked.parse().unwrap());
        }
    }
}
