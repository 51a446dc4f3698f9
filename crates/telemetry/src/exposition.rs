use prometheus::{Registry, TextEncoder};

/// What Prometheus reads: every metric of the process as it is now.
#[derive(Clone, Debug)]
pub struct Exposition(pub(crate) Registry);

impl Exposition {
    /// The content type of the text.
    pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

    /// The metrics in the text format of Prometheus.
    pub fn text(&self) -> anyhow::Result<String> {
        Ok(TextEncoder::new().encode_to_string(&self.0.gather())?)
    }
}
