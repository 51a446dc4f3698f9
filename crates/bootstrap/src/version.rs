//! Which version of Certferry a binary is.

/// The commit that this was built from, twelve digits of it; `unknown` in a build for development.
pub const COMMIT: &str = env!("CERTFERRY_COMMIT");

/// The day of that commit, by the committer; empty where it is not known.
const DATE: &str = env!("CERTFERRY_COMMIT_DATE");

/// The version alone.
pub const NUMBER: &str = env!("CARGO_PKG_VERSION");

/// What `--version` says: version, commit and date.
#[must_use]
pub fn long() -> &'static str {
    static LONG: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| described(NUMBER, COMMIT, DATE));
    &LONG
}

fn described(number: &str, commit: &str, date: &str) -> String {
    match date {
        "" => format!("{number} (commit {commit})"),
        date => format!("{number} (commit {commit} of {date})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_commit_and_date_are_said_as_far_as_they_are_known() {
        assert_eq!(described("1.2.3", "0123456789ab", "2026-11-25"), "1.2.3 (commit 0123456789ab of 2026-11-25)");
        assert_eq!(described("1.2.3", "unknown", ""), "1.2.3 (commit unknown)");
        assert!(long().starts_with(NUMBER));
    }
}
