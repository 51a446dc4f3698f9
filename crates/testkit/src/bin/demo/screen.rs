//! What a person reads.

use std::io::Write;
use std::path::Path;

/// Prints a line. That nobody reads it (`make demo | head`) is no reason to stop half-way.
pub(crate) fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").unwrap_or_default();
}

/// Prints what is done next.
pub(crate) fn step(title: &str) {
    say(&format!("\n==> {title}"));
}

/// A path as one would type it here.
pub(crate) fn short(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let inside = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    inside.as_deref().unwrap_or(path).display().to_string()
}
