//! Files with one legacy id a line.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, anyhow};
use certferry_certificate::OldId;

use crate::Hint;

/// Reads the ids of a file: one a line; empty lines and comments (`# …`) are skipped. The first mistake refuses it all.
pub fn read_ids(path: &Path) -> anyhow::Result<Vec<OldId>> {
    let file = File::open(path)
        .with_context(|| format!("could not read the ids file {}", path.display()))
        .hint("name another file with --ids-file")
        .usage()?;
    ids(BufReader::new(file), path)
}

fn ids(lines: impl BufRead, path: &Path) -> anyhow::Result<Vec<OldId>> {
    let mut ids = Vec::new();
    for (at, line) in lines.lines().enumerate() {
        let place = || format!("{}:{}", path.display(), at + 1);
        let line = line.with_context(|| format!("could not read {}", place())).usage()?;
        let text = line.trim_start_matches('\u{feff}').split('#').next().unwrap_or_default().trim();
        if !text.is_empty() {
            let id = text.parse().map_err(|_| anyhow!("{}: `{}` is not a certificate id", place(), shown(text)));
            ids.push(OldId(id.hint("write one id a line, a whole number within BIGINT; nothing was queued").usage()?));
        }
    }
    Ok(ids)
}

/// The beginning of a value that may be long.
#[must_use]
pub fn shown(text: &str) -> String {
    const ENOUGH: usize = 40;
    match text.char_indices().nth(ENOUGH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit;

    fn parsed(text: &str) -> Result<Vec<i64>, String> {
        let ids = ids(text.as_bytes(), Path::new("ids.txt"));
        ids.map(|ids| ids.iter().map(|id| id.0).collect()).map_err(|error| exit::render(&error))
    }

    #[test]
    fn ids_stand_one_a_line() {
        let text = "\u{feff}# certificates\n 1 \r\n\n-7 # negative\n9223372036854775807\n   # the end";
        assert_eq!(parsed(text), Ok(vec![1, -7, i64::MAX]));
        assert_eq!(parsed(""), Ok(vec![]));
    }

    #[test]
    fn the_first_bad_line_is_named() {
        for (text, line, value) in [
            ("1\n2\nthree\nfour", 3, "three"),
            ("1,2", 1, "1,2"),
            ("\n9223372036854775808", 2, "9223372036854775808"),
            ("1.0", 1, "1.0"),
        ] {
            let hint = "hint: write one id a line, a whole number within BIGINT; nothing was queued\n";
            let expected = format!("error: ids.txt:{line}: `{value}` is not a certificate id\n{hint}");
            assert_eq!(parsed(text), Err(expected));
        }
        assert!(ids(&b"1\n\xff\n"[..], Path::new("ids.txt")).expect_err("no text").to_string().ends_with("ids.txt:2"));
    }
}
