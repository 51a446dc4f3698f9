use certferry_certificate::OldId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use ulid::Ulid;

/// The queue's name. It ends in the version of [`Payload`]'s form; workers of one version leave another's jobs alone.
pub(crate) const QUEUE: &str = "certferry.certificate.v1";

/// What a job carries: the certificate's id and nothing else, so that a retry reads the row again.
#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    certificate_id: OldId,
}

/// A claimed job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The queue's key of the job.
    pub id: String,
    /// The certificate to migrate.
    pub certificate_id: OldId,
    /// How many times it ran before.
    pub attempts: i32,
    /// How many workers died with it.
    pub crashes: i32,
    /// When it was claimed, by the server's clock.
    pub claimed_at: DateTime<Utc>,
}

/// Jobs that were claimed together and are worked on together; never empty.
pub type Batch = Vec<Job>;

/// A new job's key: a ULID of this millisecond and the certificate's id, so that keys grow with time and ids.
pub(crate) fn new_id(certificate_id: OldId) -> String {
    let millis = u64::try_from(Utc::now().timestamp_millis()).unwrap_or_default();
    Ulid::from_parts(millis, u128::from(certificate_id.0.cast_unsigned())).to_string()
}

pub(crate) fn encode(certificate_id: OldId) -> String {
    serde_json::to_string(&Payload { certificate_id }).expect("a struct of one number is always JSON")
}

pub(crate) fn decode(payload: &[u8]) -> Result<OldId, serde_json::Error> {
    serde_json::from_slice::<Payload>(payload).map(|payload| payload.certificate_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_of_version_1_is_read_as_it_was_written() {
        assert_eq!(encode(OldId(-7)), r#"{"certificate_id":-7}"#);
        assert_eq!(decode(encode(OldId(i64::MAX)).as_bytes()).unwrap(), OldId(i64::MAX));
        assert!(decode(b"{}").is_err());
    }

    #[test]
    fn keys_are_ulids_and_differ_by_certificate() {
        let (one, other) = (new_id(OldId(1)), new_id(OldId(-1)));
        assert_ne!(one, other);
        assert!(one.parse::<Ulid>().is_ok());
    }
}
