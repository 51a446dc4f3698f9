use certferry_store::Verified;
use serde::Serialize;

/// How a connection is secured.
#[derive(Debug, Serialize)]
pub(super) struct Security {
    /// Whether nobody between the two can read along; null where that cannot be known.
    encrypted: Option<bool>,
    protocol: Option<String>,
    /// What of the server was verified: `nothing`, `certificate`, or `certificate_and_name`.
    verified: &'static str,
    mode: &'static str,
    #[serde(skip)]
    pub(super) sentence: String,
}

impl From<certferry_store::Security> for Security {
    fn from(security: certferry_store::Security) -> Self {
        let verified = match security.verified {
            Verified::AuthorityAndName if security.encrypted != Some(false) => "certificate_and_name",
            Verified::Authority if security.encrypted != Some(false) => "certificate",
            _ => "nothing",
        };
        let sentence = security.to_string();
        Self { encrypted: security.encrypted, protocol: security.protocol, verified, mode: security.mode, sentence }
    }
}
