//! Points of a batch's way at which a test can kill or delay the process. Without the feature `failpoints` there are
//! none.

/// Does what the environment variable FAILPOINTS says of the point `name`: `return` kills the process there and then, as
/// a failing machine would; `sleep(MS)` holds it up; `panic(WORDS)` panics.
#[cfg(feature = "failpoints")]
pub fn crash_point(name: &str) {
    fail::fail_point!(name, |_| std::process::abort());
}

/// Nothing.
#[cfg(not(feature = "failpoints"))]
pub const fn crash_point(_: &str) {}

/// Holds every plan against the independent checker; a wrong one ends the process before anything is written.
#[cfg(feature = "failpoints")]
pub(crate) fn abort_on_violations(prepared: &[crate::Prepared]) {
    for certificate in prepared {
        let certferry_certificate::Outcome::Migrate(plan) = &certificate.outcome else { continue };
        let Some(record) = &certificate.record else { continue };
        let violations = certferry_certificate::violations(record, plan);
        if !violations.is_empty() {
            tracing::error!(certificate.id = plan.id.0, ?violations, "the plan breaks the rules; nothing was written");
            std::process::abort();
        }
    }
}
