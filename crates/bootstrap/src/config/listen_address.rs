use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use serde::de::{Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where a process listens. A port alone is one of this machine's own, which nobody else reaches: `9464` is
/// `127.0.0.1:9464`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenAddress(SocketAddr);

const ACCEPTED: &str = "a port, or an address with a port: 9464, 127.0.0.1:9464, 0.0.0.0:9464, [::]:9464";

impl ListenAddress {
    /// The address in full.
    #[must_use]
    pub const fn address(self) -> SocketAddr {
        self.0
    }

    fn of_port(port: u16) -> Self {
        Self(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
    }
}

impl FromStr for ListenAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let port = text.strip_prefix("localhost").unwrap_or(text);
        if let Ok(port) = port.strip_prefix(':').unwrap_or(text).parse() {
            return Ok(Self::of_port(port));
        }
        text.parse().map(Self).map_err(|_| ACCEPTED)
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for ListenAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ListenAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PortOrText)
    }
}

/// A port is written as a number or as text.
struct PortOrText;

impl Visitor<'_> for PortOrText {
    type Value = ListenAddress;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ACCEPTED)
    }

    fn visit_u64<E: serde::de::Error>(self, port: u64) -> Result<ListenAddress, E> {
        let read = u16::try_from(port).map(ListenAddress::of_port);
        read.map_err(|_| E::invalid_value(Unexpected::Unsigned(port), &self))
    }

    fn visit_i64<E: serde::de::Error>(self, port: i64) -> Result<ListenAddress, E> {
        let read = u16::try_from(port).map(ListenAddress::of_port);
        read.map_err(|_| E::invalid_value(Unexpected::Signed(port), &self))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ListenAddress, E> {
        text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_reached_from_this_machine_only() {
        for (written, address) in [
            ("9464", "127.0.0.1:9464"),
            (" :9464 ", "127.0.0.1:9464"),
            ("localhost:9464", "127.0.0.1:9464"),
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("0.0.0.0:9464", "0.0.0.0:9464"),
            ("[::]:9464", "[::]:9464"),
        ] {
            assert_eq!(written.parse::<ListenAddress>().unwrap().to_string(), address, "{written}");
        }
        for text in ["", ":", "localhost", "worker.example:9464", "127.0.0.1", "65536", "http://127.0.0.1:9464", "-1"] {
            assert_eq!(text.parse::<ListenAddress>(), Err(ACCEPTED), "{text}");
        }
    }
}
