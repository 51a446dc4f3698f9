//! The steps of a batch's way, each with a span of its own, from which traces and durations are made. Where neither is asked
//! for, a step is nothing but its work.

use certferry_certificate::Code;
use tracing::field::Empty;
use tracing::{Span, info_span};

/// The target of the spans, by which whoever makes traces of them knows them, and by which the log leaves them out.
const SPANS: &str = "certferry::span";

/// A step of a batch's way. Its span has no name of a certificate, no SQL and no message of a database in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The batch is read from the legacy database, an engine of this name, and looked up in the destination.
    Read(&'static str),
    /// What is to become of each certificate is found out.
    Plan,
    /// Certificates and their results are written.
    Write,
    /// What was written becomes permanent.
    Commit,
}

impl Step {
    /// Does the work of the step for so many certificates. The span has the code of the error that it ends with.
    pub async fn of<T, E>(
        self,
        certificates: usize,
        code: impl Fn(&E) -> Code,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        // Not entered: the driver would enter the span that is current once for each row.
        let span = self.span(certificates);
        let result = Box::pin(work).await;
        if let Err(error) = &result {
            span.record("otel.status_code", "ERROR");
            span.record("error.type", code(error).as_str());
        }
        result
    }

    fn span(self, certificates: usize) -> Span {
        match self {
            Self::Read(system) => info_span!(
                target: SPANS, "read", otel.kind = "client", otel.status_code = Empty, "error.type" = Empty,
                db.system.name = system, db.operation.name = "SELECT", db.operation.batch.size = certificates,
            ),
            Self::Plan => info_span!(
                target: SPANS, "plan", otel.kind = "internal", otel.status_code = Empty, "error.type" = Empty,
                certferry.certificates = certificates,
            ),
            Self::Write => info_span!(
                target: SPANS, "write", otel.kind = "client", otel.status_code = Empty, "error.type" = Empty,
                db.system.name = "postgresql", db.operation.name = "INSERT", db.operation.batch.size = certificates,
            ),
            Self::Commit => info_span!(
                target: SPANS, "commit", otel.kind = "client", otel.status_code = Empty, "error.type" = Empty,
                db.system.name = "postgresql", db.operation.name = "COMMIT",
            ),
        }
    }
}
