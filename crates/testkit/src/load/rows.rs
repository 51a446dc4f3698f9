//! Rows in the text format of PostgreSQL's `COPY`.

use std::fmt::Write;

/// How large a chunk is sent, so that a million rows need no more memory than a few thousand.
const CHUNK: usize = 1 << 18;

/// What can be copied into a table.
pub(crate) trait Row {
    /// The columns that `write` fills, in that order.
    const COLUMNS: &'static str;

    /// Writes the fields of one row.
    fn write(&self, line: &mut Line<'_>);
}

/// One row while it is written.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    text: &'a mut String,
    first: bool,
}

impl Line<'_> {
    pub(crate) fn number(&mut self, value: impl Into<Option<i64>>) -> &mut Self {
        self.separate();
        match value.into() {
            Some(value) => write!(self.text, "{value}").expect("a string takes any text"),
            None => self.text.push_str(r"\N"),
        }
        self
    }

    pub(crate) fn text<'v>(&mut self, value: impl Into<Option<&'v str>>) -> &mut Self {
        self.separate();
        let Some(value) = value.into() else {
            self.text.push_str(r"\N");
            return self;
        };
        for character in value.chars() {
            match character {
                '\\' => self.text.push_str(r"\\"),
                '\t' => self.text.push_str(r"\t"),
                '\n' => self.text.push_str(r"\n"),
                '\r' => self.text.push_str(r"\r"),
                other => self.text.push(other),
            }
        }
        self
    }

    fn separate(&mut self) {
        if !self.first {
            self.text.push('\t');
        }
        self.first = false;
    }
}

/// Rows, gathered into chunks.
#[derive(Debug)]
pub(crate) struct Chunks<I> {
    rows: I,
}

impl<R: Row, I: Iterator<Item = R>> Chunks<I> {
    pub(crate) fn of(rows: I) -> Self {
        Self { rows }
    }
}

impl<R: Row, I: Iterator<Item = R>> Iterator for Chunks<I> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut text = String::with_capacity(CHUNK + 4096);
        for row in self.rows.by_ref() {
            row.write(&mut Line { text: &mut text, first: true });
            text.push('\n');
            if text.len() >= CHUNK {
                break;
            }
        }
        (!text.is_empty()).then(|| text.into_bytes())
    }
}

/// The line that a row writes.
#[cfg(test)]
pub(super) fn line(write: impl FnOnce(&mut Line<'_>)) -> String {
    let mut text = String::new();
    write(&mut Line { text: &mut text, first: true });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pair(Option<i64>, Option<&'static str>);

    impl Row for Pair {
        const COLUMNS: &'static str = "number, words";

        fn write(&self, line: &mut Line<'_>) {
            line.number(self.0).text(self.1);
        }
    }

    #[test]
    fn what_copy_would_take_for_its_own_is_escaped() {
        let rows = [Pair(Some(-1), Some("a\tb\\N\r\n")), Pair(None, None), Pair(Some(2), Some(""))];
        let chunks: Vec<_> = Chunks::of(rows.into_iter()).collect();
        assert_eq!(chunks, [b"-1\ta\\tb\\\\N\\r\\n\n\\N\t\\N\n2\t\n".to_vec()]);
    }

    #[test]
    fn no_chunk_is_much_larger_than_the_others() {
        let rows = (0..100_000).map(|number| Pair(Some(number), Some("some words")));
        let chunks: Vec<_> = Chunks::of(rows).collect();
        assert!(chunks.len() > 3);
        assert!(chunks.iter().all(|chunk| chunk.len() < CHUNK + 4096));
    }
}
