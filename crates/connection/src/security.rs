use std::fmt;

use sqlx::postgres::PgSslMode;

use crate::Connections;

/// How a connection to a database is secured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Security {
    /// What the URL, or the driver where the URL says nothing, asks for: `verify-full`, `VERIFY_IDENTITY`.
    pub mode: &'static str,
    /// Whether nobody between the two can read along; `None` where that cannot be known.
    pub encrypted: Option<bool>,
    /// The version of TLS, as the server has it.
    pub protocol: Option<String>,
    /// What of the server was verified, where the connection is encrypted.
    pub verified: Verified,
}

/// What of a server was verified before anything was said to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// Nothing: whoever answers is trusted.
    Nothing,
    /// Its certificate, whatever the name.
    Authority,
    /// Its certificate, and that it is for the name that was asked for.
    AuthorityAndName,
}

impl fmt::Display for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = self.mode;
        match (self.encrypted, &self.protocol) {
            (Some(false), _) => return write!(f, "not encrypted ({mode})"),
            (None, _) => return write!(f, "not known whether encrypted ({mode})"),
            (Some(true), Some(protocol)) => write!(f, "encrypted with {protocol}, ")?,
            (Some(true), None) => f.write_str("encrypted, ")?,
        }
        match self.verified {
            Verified::Nothing => write!(f, "server not verified ({mode})"),
            Verified::Authority => write!(f, "server's certificate verified, whatever its name ({mode})"),
            Verified::AuthorityAndName => write!(f, "server's certificate and name verified ({mode})"),
        }
    }
}

impl Connections {
    /// How the connections are secured. Behind a pooler the server only knows of the pooler's own connections to it.
    pub async fn security(&self) -> Result<Security, sqlx::Error> {
        let (mode, verified, enforced) = match self.ssl_mode() {
            PgSslMode::Disable => ("disable", Verified::Nothing, Some(false)),
            PgSslMode::Allow => ("allow", Verified::Nothing, Some(false)),
            PgSslMode::Prefer => ("prefer", Verified::Nothing, None),
            PgSslMode::Require => ("require", Verified::Nothing, Some(true)),
            PgSslMode::VerifyCa => ("verify-ca", Verified::Authority, Some(true)),
            PgSslMode::VerifyFull => ("verify-full", Verified::AuthorityAndName, Some(true)),
        };
        let mut security = Security { mode, encrypted: enforced, protocol: None, verified };
        if self.are_pooled() {
            return Ok(security);
        }
        let mut session = self.session().await?;
        let own = "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        match sqlx::query_as(own).fetch_optional(&mut *session).await {
            Ok(Some((encrypted, protocol))) => {
                security.encrypted = Some(encrypted);
                security.protocol = protocol;
            }
            // A server without that view, or one that does not show it.
            Ok(None) | Err(sqlx::Error::Database(_)) => {}
            Err(error) => return Err(error),
        }
        session.end().await?;
        Ok(security)
    }
}
