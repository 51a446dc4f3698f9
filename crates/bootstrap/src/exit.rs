//! How a process ends: one rendering of errors for people, and the exit codes of the contract: 0 done, 1 could not do
//! its work, 2 wrong usage or configuration, 3 done and something found that a person must look at.

use std::any::Any;
use std::cell::Cell;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::anyhow;

use crate::output::OutputError;
use crate::{ConfigError, hide_passwords};

const FAILED: u8 = 1;
const USAGE: u8 = 2;
const FOUND: u8 = 3;

/// The work is done, and something was found that a person must look at: exit code 3. What it is, is the message.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Attention(pub String);

/// How long blocking work that nobody waits for may hold up the end of the process.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Runs the process's one future to its end, renders its error and gives the exit code. A panic is an error like any
/// other: a sentence, no backtrace.
pub fn run(main: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    panic::set_hook(Box::new(log_panic));
    let result = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(anyhow::Error::from);
    let result = result.and_then(|runtime| {
        let result = panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(main))).unwrap_or_else(|payload| {
            Err(anyhow!("internal error: {}", panic_message(&*payload)))
                .hint("this is a mistake in Certferry itself; please report it with the log")
        });
        runtime.shutdown_timeout(LAST_WORDS);
        result
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.chain().any(|cause| matches!(cause.downcast_ref(), Some(OutputError::Closed))) => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            // With standard error gone too there is nobody left to tell; the exit code still says it.
            drop(std::io::stderr().write_all(render(&error).as_bytes()));
            ExitCode::from(code(&error))
        }
    }
}

/// `error:` (or `attention:`) and the message, `caused by:` for each deeper cause, `hint:` last. Passwords in URLs are hidden.
#[must_use]
pub fn render(error: &anyhow::Error) -> String {
    let kind = if is_attention(error) { "attention" } else { "error" };
    let mut text = format!("{kind}: {error}\n");
    let mut last = error.to_string();
    for cause in error.chain().skip(1) {
        let message = cause.to_string();
        // Some libraries repeat the cause in their own message.
        if !last.contains(&message) {
            writeln!(text, "  caused by: {}", message.replace('\n', "\n    "))
                .expect("writing to a String cannot fail");
            last = message;
        }
    }
    for cause in error.chain() {
        let explained = cause.downcast_ref::<Explained>().and_then(|explained| explained.hint.as_deref());
        if let Some(hint) = explained.or_else(|| cause.downcast_ref::<ConfigError>().and_then(ConfigError::hint)) {
            writeln!(text, "hint: {hint}").expect("writing to a String cannot fail");
        }
    }
    hide_passwords(&text)
}

fn code(error: &anyhow::Error) -> u8 {
    let is_usage = error.chain().any(|cause| {
        cause.is::<ConfigError>() || cause.downcast_ref::<Explained>().is_some_and(|explained| explained.is_usage)
    });
    if is_usage {
        USAGE
    } else if is_attention(error) {
        FOUND
    } else {
        FAILED
    }
}

fn is_attention(error: &anyhow::Error) -> bool {
    let is_found = |explained: &Explained| explained.error.is::<Attention>();
    error.is::<Attention>() || error.downcast_ref().is_some_and(is_found)
}

/// The cause that is of this type, also where it has a hint.
#[must_use]
pub fn cause<E: std::error::Error + Send + Sync + 'static>(error: &anyhow::Error) -> Option<&E> {
    error.chain().find_map(|found| {
        let explained = || cause(&found.downcast_ref::<Explained>()?.error);
        found.downcast_ref().or_else(explained)
    })
}

/// What to tell the person beside the error itself.
pub trait Hint<T> {
    /// Adds what to do next: `.hint("run `producer setup` first")`.
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T>;

    /// Marks the error as one of usage or configuration: exit code 2.
    fn usage(self) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> Hint<T> for Result<T, E> {
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T> {
        self.map_err(|error| {
            let explained = Explained::of(error.into());
            Explained { hint: Some(hint.into()), ..explained }.into()
        })
    }

    fn usage(self) -> anyhow::Result<T> {
        self.map_err(|error| Explained { is_usage: true, ..Explained::of(error.into()) }.into())
    }
}

/// For errors that know themselves what to do next.
pub trait HintFrom<T, E> {
    /// Adds what the error itself advises: `.hint_from(store::Error::hint)`.
    fn hint_from<H: Into<String>>(self, advice: impl FnOnce(&E) -> Option<H>) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> HintFrom<T, E> for Result<T, E> {
    fn hint_from<H: Into<String>>(self, advice: impl FnOnce(&E) -> Option<H>) -> anyhow::Result<T> {
        self.or_else(|error| match advice(&error) {
            Some(hint) => Err(error).hint(hint),
            None => Err(error.into()),
        })
    }
}

/// An error with advice; it stands in the place of the error it explains.
#[derive(Debug)]
struct Explained {
    error: anyhow::Error,
    hint: Option<String>,
    is_usage: bool,
}

impl Explained {
    fn of(error: anyhow::Error) -> Self {
        error.downcast().unwrap_or_else(|error| {
            let is_usage = code(&error) == USAGE;
            let hint = error.downcast_ref::<ConfigError>().and_then(ConfigError::hint).map(str::to_owned);
            Self { error, hint, is_usage }
        })
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Explained {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.chain().nth(1)
    }
}

/// A panic that was caught where it was to be expected; its message is what the panic said.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Panicked(String);

thread_local! {
    /// Whether a panic of this thread is on its way into [`catching`], which tells of it.
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Calls a library that panics where it should return an error, and makes an error of it, without a word in the log.
pub fn catching<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    let before = CATCHING.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(before);
    result.map_err(|payload| Panicked(panic_message(&*payload).to_owned()))
}

fn log_panic(info: &PanicHookInfo<'_>) {
    if CATCHING.get() {
        return;
    }
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(location, "internal error: a part of the program panicked");
    // The message may quote data.
    tracing::debug!(message = panic_message(info.payload()), "what the panic said");
}

fn panic_message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic")
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    fn failed(message: &'static str) -> anyhow::Result<()> {
        Err(anyhow!(message))
    }

    #[test]
    fn an_error_is_rendered_with_its_causes_and_hints() {
        let error = failed("relation \"certferry.mapping\" does not exist")
            .context("could not read the mappings")
            .hint("run `producer setup` first")
            .context("could not enqueue certificates from postgres://app:s3cret@db/legacy")
            .unwrap_err();
        insta::assert_snapshot!(render(&error), @r#"
        error: could not enqueue certificates from postgres://app:***@db/legacy
          caused by: could not read the mappings
          caused by: relation "certferry.mapping" does not exist
        hint: run `producer setup` first
        "#);
        assert_eq!(code(&error), FAILED);
    }

    #[test]
    fn a_cause_that_was_said_is_not_said_again() {
        let error = failed("pool timed out").context("no connection: pool timed out").unwrap_err();
        assert_eq!(render(&error), "error: no connection: pool timed out\n");
    }

    #[test]
    fn a_cause_is_found_under_context_and_hints() {
        let found = || Err::<(), _>(Attention("3 rows cannot be addressed".to_owned()));
        for error in [
            found().map_err(anyhow::Error::from).unwrap_err(),
            found().hint("give each an id").unwrap_err(),
            found().hint("give each an id").usage().unwrap_err(),
            found().hint("give each an id").context("could not go on").hint("try again").unwrap_err(),
        ] {
            assert_eq!(cause::<Attention>(&error).unwrap().0, "3 rows cannot be addressed");
            assert!(cause::<OutputError>(&error).is_none());
        }
    }

    #[test]
    fn usage_errors_keep_their_code_under_context_and_hints() {
        for error in [
            failed("line 3 is not an id").usage().context("could not read the ids").unwrap_err(),
            failed("line 3 is not an id").usage().hint("write one id a line").unwrap_err(),
            failed("line 3 is not an id").hint("write one id a line").usage().unwrap_err(),
            Err::<(), _>(ConfigError::missing_url("database.url", "DATABASE_URL")).context("no").unwrap_err(),
            Err::<(), _>(ConfigError::missing_url("database.url", "DATABASE_URL")).hint("see README").unwrap_err(),
        ] {
            assert_eq!(code(&error), USAGE, "{error:?}");
        }
        let error = failed("line 3 is not an id").hint("write one id a line").usage().unwrap_err();
        assert_eq!(render(&error), "error: line 3 is not an id\nhint: write one id a line\n");
    }

    #[test]
    fn what_a_person_must_look_at_is_no_error() {
        let found = || Err::<(), _>(Attention("3 rows cannot be addressed".to_owned()));
        assert_eq!(render(&found().unwrap_err().into()), "attention: 3 rows cannot be addressed\n");
        let error = found().hint("give each an id").unwrap_err();
        assert_eq!(render(&error), "attention: 3 rows cannot be addressed\nhint: give each an id\n");
        assert_eq!(code(&error), FOUND);
    }

    #[test]
    fn an_expected_panic_becomes_an_error() {
        let error = catching(|| panic!("no space left")).map(|()| "never").unwrap_err();
        assert_eq!(error.to_string(), "no space left");
        assert_eq!(catching(|| 7).unwrap(), 7);
        assert!(!CATCHING.get());
    }

    #[test]
    fn a_closed_reader_is_no_failure_and_a_panic_is_an_error() {
        assert_eq!(run(async { Err(OutputError::Closed.into()) }), ExitCode::SUCCESS);
        assert_eq!(run(async { panic!("never to be seen") }), ExitCode::from(FAILED));
        assert_eq!(run(async { failed("no") }), ExitCode::from(FAILED));
        assert_eq!(run(async { failed("no").usage() }), ExitCode::from(USAGE));
        assert_eq!(run(async { Ok(()) }), ExitCode::SUCCESS);
    }
}
