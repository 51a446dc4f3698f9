use std::error::Error;
use std::fmt;
use std::io;

use rustls::CertificateError;

/// Why a connection could not be secured as the URL asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsProblem {
    /// Nobody who is trusted vouches for the server's certificate.
    UnknownAuthority,
    /// The certificate is for other names; what the library says of them.
    WrongName(String),
    /// The certificate has run out; what the library says of the time.
    Expired(String),
    /// The certificate is not valid yet; what the library says of the time.
    NotYetValid(String),
    /// The server does not speak TLS.
    Unsupported,
    /// Anything else, in the library's words.
    Other(String),
}

impl TlsProblem {
    /// What an error of the driver says of TLS, if it does.
    #[must_use]
    pub fn of(error: &sqlx::Error) -> Option<Self> {
        match error {
            sqlx::Error::Io(error) => of_io(error),
            sqlx::Error::Tls(error) => {
                Some(of_library(&**error).or_else(|| error.downcast_ref::<io::Error>().and_then(of_io)).unwrap_or_else(
                    || {
                        // The driver has no type for it.
                        if error.to_string() == "server does not support TLS" {
                            Self::Unsupported
                        } else {
                            Self::Other(error.to_string())
                        }
                    },
                ))
            }
            _ => None,
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::UnknownAuthority => {
                "name the file of its authority's certificate in the URL: sslrootcert=FILE, or ssl-ca=FILE for mysql://"
            }
            Self::WrongName(_) => {
                "write the host in the URL as its certificate has it, or have it certified for this name"
            }
            Self::Expired(_) => "renew the certificate at the server; if it is not old, look at this machine's clock",
            Self::NotYetValid(_) => "look at this machine's clock",
            Self::Unsupported => {
                "switch TLS on at the server; where it is not wanted, write sslmode=disable, or ssl-mode=DISABLED for mysql://"
            }
            Self::Other(_) => {
                "look at the files that the URL names; where TLS is not wanted, write sslmode=disable, or ssl-mode=DISABLED for mysql://"
            }
        }
    }
}

fn of_io(error: &io::Error) -> Option<TlsProblem> {
    of_library(error.get_ref()?)
}

fn of_library(error: &(dyn Error + 'static)) -> Option<TlsProblem> {
    let error = error.downcast_ref::<rustls::Error>()?;
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return Some(TlsProblem::Other(error.to_string()));
    };
    let said = certificate.to_string();
    Some(match certificate {
        // The second is of an authority that has the name of one that is trusted.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => TlsProblem::UnknownAuthority,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsProblem::WrongName(said)
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsProblem::Expired(said),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => TlsProblem::NotYetValid(said),
        _ => TlsProblem::Other(said),
    })
}

impl fmt::Display for TlsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownAuthority => f.write_str("the server's certificate is of an authority that is not trusted"),
            Self::WrongName(said) => write!(f, "the server's certificate is for another name: {said}"),
            Self::Expired(said) => write!(f, "the server's certificate has expired: {said}"),
            Self::NotYetValid(said) => write!(f, "the server's certificate is not valid yet: {said}"),
            Self::Unsupported => f.write_str("the server does not offer TLS"),
            Self::Other(said) => write!(f, "TLS fails: {said}"),
        }
    }
}
