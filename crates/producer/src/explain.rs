use std::fmt::Write as _;

use certferry_bootstrap::output;
use certferry_certificate::{CodePage, Kind};
use serde::Serialize;

use crate::cli;

/// The page of a code: the document of `producer explain CODE --json`.
#[derive(Debug, Serialize)]
struct Explanation {
    code: &'static str,
    /// None of a warning.
    kind: Option<Kind>,
    permanent: bool,
    meaning: &'static str,
    causes: &'static str,
    remedy: &'static str,
    example: &'static str,
}

impl From<CodePage> for Explanation {
    fn from(page: CodePage) -> Self {
        Self {
            code: page.code(),
            kind: page.kind(),
            permanent: page.is_permanent(),
            meaning: page.meaning(),
            causes: page.causes(),
            remedy: page.remedy(),
            example: page.example(),
        }
    }
}

/// Prints the page of a code, or all codes with a line each.
pub(crate) fn run(arguments: &cli::Explain, json: bool) -> anyhow::Result<()> {
    let text = match (arguments.code, json) {
        (Some(page), false) => page.text().trim_end().to_owned(),
        (Some(page), true) => serde_json::to_string(&Explanation::from(page))?,
        (None, false) => list(),
        (None, true) => serde_json::to_string(&CodePage::all().map(Explanation::from).collect::<Vec<_>>())?,
    };
    Ok(output::line(text)?)
}

/// Every code with its kind and meaning, a line each.
fn list() -> String {
    let width = CodePage::all().map(|page| page.code().len()).max().unwrap_or_default();
    let mut text = String::new();
    for page in CodePage::all() {
        let kind = page.kind().map_or("warning", Kind::as_str);
        writeln!(text, "{:<width$}  {kind:<10}  {}", page.code(), page.summary())
            .expect("writing to a String cannot fail");
    }
    text + "\nfor one of them: producer explain CODE"
}
