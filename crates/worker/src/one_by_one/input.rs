//! Lines of standard input, read by a thread of its own: nobody can end a read that waits for a person.

use std::io::{self, BufRead, Read as _};

use tokio::sync::mpsc;

/// The longest line in bytes.
const LONGEST: u64 = 64 * 1024;

/// Lines as they come, each or what is wrong with it; none after the end of the input.
pub(super) struct Input(mpsc::Receiver<Result<String, String>>);

impl Input {
    /// Begins to read.
    pub(super) fn begin() -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel(1);
        std::thread::Builder::new().name("answers".to_owned()).spawn(move || {
            let mut stdin = io::stdin().lock();
            // The channel is closed when nobody asks any more.
            while let Some(line) = read_line(&mut stdin) {
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self(receiver))
    }

    /// The next line.
    pub(super) async fn next(&mut self) -> Option<Result<String, String>> {
        self.0.recv().await
    }
}

/// A line without its end; none at the end of the input, and where it cannot be read. The rest of one that is too long is
/// passed over, for it is no answer of its own.
fn read_line(input: &mut impl BufRead) -> Option<Result<String, String>> {
    let mut line = Vec::new();
    let mut is_too_long = false;
    loop {
        match input.take(LONGEST).read_until(b'\n', &mut line) {
            Ok(0) if line.is_empty() && !is_too_long => return None,
            Ok(read) => {
                let is_whole = line.ends_with(b"\n") || (read as u64) < LONGEST;
                if is_whole && is_too_long {
                    return Some(Err(format!("an answer has at most {LONGEST} bytes")));
                }
                if is_whole {
                    let text = String::from_utf8(line).map_err(|_| "the answer is no text in UTF-8".to_owned());
                    return Some(text.map(|text| text.trim_end_matches(['\r', '\n']).to_owned()));
                }
                is_too_long = true;
                line.clear();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "the input ends here");
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_one_by_one_and_the_last_needs_no_end() {
        let mut input = &b"m\r\n\ns why\n\xff\nq"[..];
        let mut next = || read_line(&mut input);
        assert_eq!(next(), Some(Ok("m".to_owned())));
        assert_eq!(next(), Some(Ok(String::new())));
        assert_eq!(next(), Some(Ok("s why".to_owned())));
        assert!(matches!(next(), Some(Err(_))));
        assert_eq!(next(), Some(Ok("q".to_owned())));
        assert_eq!(next(), None);
    }

    #[test]
    fn no_part_of_a_line_that_is_too_long_is_an_answer() {
        let text = format!("{}m\nd\n", "x".repeat(usize::try_from(LONGEST).unwrap() * 2));
        let mut input = text.as_bytes();
        assert!(matches!(read_line(&mut input), Some(Err(_))));
        assert_eq!(read_line(&mut input), Some(Ok("d".to_owned())));
        assert_eq!(read_line(&mut input), None);
    }
}
