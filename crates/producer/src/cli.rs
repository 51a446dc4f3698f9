//! The command line. Its documentation is what `--help` prints.
#![expect(clippy::doc_markdown, reason = "what `--help` prints is no Markdown")]

use std::path::PathBuf;

use certferry_bootstrap::{ConfigArgs, Documentation, FilterArgs};
use certferry_certificate::CodePage;
use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};

/// Prepares a migration, fills the queue, and says how far it is.
///
/// In this order: `setup` once, `import-mappings`, `enqueue`; then start workers. `status` at any time; after mending
/// what failed, `retry`.
#[derive(Debug, Parser)]
#[command(name = "producer", version, long_version = certferry_bootstrap::version::long(), arg_required_else_help = true)]
pub struct Cli {
    /// Print the result as one JSON document.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) config: ConfigArgs,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create or upgrade the queue and the schema certferry. Safe to repeat, also while workers run.
    Setup(Setup),
    /// Record mapping files: all of them or, if one has a mistake, none.
    ///
    /// Importing the same files again changes nothing. An entry that contradicts what is recorded is refused.
    ImportMappings(ImportMappings),
    /// Write the four mapping files: users, customers, technicians, and the certificates migrated so far.
    ExportMappings(ExportMappings),
    /// Say what stands in the way of a migration, and what would become of every certificate.
    ///
    /// Looks at everything and writes nothing: whether both databases answer and what they are, whether the destination
    /// has its tables, columns and grants, whether the source queries return the columns they must, in types that can be
    /// read, and whether their ids are unique and found by an index. Then every certificate that is not migrated is
    /// planned: how many would be migrated, how many would fail and why, and what to mend first. Exits 3 when something
    /// must be mended before a migration; certificates that would fail are no such thing.
    Check(Check),
    /// Queue certificates of the source that were never queued before.
    ///
    /// Safe to repeat and to run several times at once: a certificate gets one job. Without --ecu, --id and --ids-file
    /// all certificates are selected; ids and ECU numbers together select the certificates that have both. An id that the
    /// source does not have is named and not queued.
    Enqueue(Enqueue),
    /// Queue failed certificates again; without a filter, all of them.
    ///
    /// Conditions narrow each other, and one that is repeated is met by any of its values. Kind, code and field are those of
    /// a certificate's first issue, under which `status` counts it.
    Retry(Retry),
    /// Set queued and failed certificates aside, with who and why; workers leave them alone until they are retried.
    Skip(Skip),
    /// Set aside what is still queued of a run; what workers have in hand is finished.
    Cancel(Cancel),
    /// Take a run or some certificates back: say what would go and what stands in the way, and with --execute do it.
    ///
    /// Certificates and their vehicles go from the destination, devices that the migration blocked for them are free again,
    /// customers and technicians that it created go when nobody else needs them. What was changed since, or is referred to by
    /// rows of other tables, stays, is named, and makes the exit code 3.
    Revert(Revert),
    /// Hold every certificate against its row in the source, planned anew, against the destination, and against what was written.
    ///
    /// Says for each whether all agree, and if not, which column was changed where; then whether all rows of both sides are
    /// accounted for. Writes nothing but what it finds. What does not match is looked at again, after 2, 10 and 30 seconds.
    /// Several processes can share the work: start others with --join. Exits 3 when a person must look at something.
    Verify(Verify),
    /// List the runs: every enqueue and retry, who began it, what it selected, and what became of that.
    Runs(Runs),
    /// Show everything about one certificate: its state, its issues and what to do about them, all attempts, its row in the
    /// source beside what it would become and what the destination has.
    ///
    /// Exits 1 for an id that neither the status table nor the source has.
    Show(Show),
    /// Say how far the migration is.
    Status(Status),
    /// Say what a code of a failure or warning means, why it happens and what to do; without CODE, list them all.
    ///
    /// Needs no configuration and no database.
    Explain(Explain),
    #[command(flatten)]
    Documentation(Documentation),
    /// Have all workers stop claiming, within a second; certificates in hand are finished.
    ///
    /// Recorded with who, when and why. Workers that drain wait until the run is resumed.
    Pause(Pause),
    /// Limit how many certificates a second all workers together take up, or lift the limit; without a flag, say what it is.
    ///
    /// May be changed while they run; they follow within two seconds. Recorded with who set it.
    Limit(Limit),
    /// Have the workers go on, whether a person paused the run or the circuit breaker.
    Resume,
}

#[derive(Debug, Args)]
pub(crate) struct Setup {
    /// Also create the tables of the reference destination, in a database that has none of them.
    #[arg(long)]
    pub(crate) reference_destination: bool,

    /// Have what is configured now in place of what the migration was begun with: the source, its queries, the
    /// destination's tables, the time zone, status words, brands and on_missing. Stop the workers before.
    ///
    /// What was in force before is kept in certferry.manifest, with who changed it and when.
    #[arg(long)]
    pub(crate) accept_changes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ImportMappings {
    /// The folder with user_mappings.json, customer_mappings.json, technicians_mapping.json and
    /// certificates_mappings.json, or some of them.
    #[arg(required_unless_present_any = ["users", "customers", "technicians", "certificates"])]
    pub(crate) dir: Option<PathBuf>,
    /// The mapping file of users, in place of the one in DIR.
    #[arg(long, value_name = "FILE")]
    pub(crate) users: Option<PathBuf>,
    /// The mapping file of customers, in place of the one in DIR.
    #[arg(long, value_name = "FILE")]
    pub(crate) customers: Option<PathBuf>,
    /// The mapping file of technicians, in place of the one in DIR.
    #[arg(long, value_name = "FILE")]
    pub(crate) technicians: Option<PathBuf>,
    /// The mapping file of certificates, in place of the one in DIR; they count as migrated.
    #[arg(long, value_name = "FILE")]
    pub(crate) certificates: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ExportMappings {
    /// The folder to write to; created if it is not there.
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Plan no certificates.
    #[arg(long, conflicts_with_all = ["sample", "save"])]
    pub(crate) quick: bool,
    /// Plan about so many certificates, spread over all of them; the figures are then those of the sample.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) sample: Option<u64>,
    /// Keep the forecast, which `producer status` then shows beside the outcome.
    #[arg(long)]
    pub(crate) save: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Enqueue {
    /// Only certificates of this ECU number, whatever white space is around it; may be repeated.
    #[arg(long, value_name = "ECU", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) ecu: Vec<String>,
    /// Only the certificate with this legacy id; may be repeated.
    #[arg(long, value_name = "ID", allow_negative_numbers = true)]
    pub(crate) id: Vec<i64>,
    /// Only certificates whose legacy ids are in this file: one a line; empty lines and # comments are skipped.
    #[arg(long, value_name = "FILE")]
    pub(crate) ids_file: Option<PathBuf>,
    /// Queue at most so many.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
    /// Write nothing; say what would be queued.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Retry {
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Skipped certificates in place of failed ones.
    #[arg(long, conflicts_with_all = ["state", "kind", "code", "field"])]
    pub(crate) skipped: bool,
    /// Reverted certificates in place of failed ones.
    #[arg(long, conflicts_with_all = ["state", "kind", "code", "field"])]
    pub(crate) reverted: bool,
    /// Only the certificates that are left in sheet Unmigrated of a report, edited and saved as .xlsx. Delete the rows that are not
    /// to be retried: rows that a filter hides are in the file all the same.
    #[arg(long, value_name = "REPORT.xlsx", conflicts_with_all = ["id", "ids_file"])]
    pub(crate) from: Option<PathBuf>,
    /// Write nothing; say what would be queued.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Skip {
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Why, for whoever reads it later.
    #[arg(long, value_name = "TEXT", value_parser = words)]
    pub(crate) reason: String,
    /// Write nothing; say what would be set aside.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// The run's number; `producer runs` lists them.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    pub(crate) run: i64,
    /// Write nothing; say what would be set aside.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub(crate) struct Revert {
    /// The migrated certificates of this run.
    #[arg(long, value_name = "N", group = "which", value_parser = clap::value_parser!(i64).range(1..))]
    pub(crate) run: Option<i64>,
    /// The certificate with this legacy id; may be repeated.
    #[arg(long, value_name = "ID", group = "which", allow_negative_numbers = true, conflicts_with = "run")]
    pub(crate) id: Vec<i64>,
    /// Do it: the token that the same command gave without this flag, so that what goes is what was shown.
    #[arg(long, value_name = "TOKEN", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) execute: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Look at about so many certificates, chosen by chance.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) sample: Option<u64>,
    /// Write what was found to this file, a JSON document a line; - is standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) findings: Option<PathBuf>,
    /// Share in the work of this run, or go on with it where it was interrupted.
    #[arg(
        long, value_name = "RUN", value_parser = clap::value_parser!(i64).range(1..),
        conflicts_with_all = ["sample", "state", "kind", "code", "field", "ecu", "id", "ids_file", "run"]
    )]
    pub(crate) join: Option<i64>,
    /// Settle what the last verification found of the certificate with this legacy id, until the value moves again.
    #[arg(
        long, value_name = "ID", allow_negative_numbers = true, requires = "reason",
        conflicts_with_all = [
            "sample", "join", "findings", "state", "kind", "code", "field", "ecu", "id", "ids_file", "run"
        ]
    )]
    pub(crate) accept: Option<i64>,
    /// Why, for whoever reads it later.
    #[arg(long, value_name = "TEXT", value_parser = words, requires = "accept")]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Runs {
    /// At most so many, the newest first.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The certificate's legacy id.
    #[arg(value_name = "ID", allow_negative_numbers = true)]
    pub(crate) id: i64,
}

#[derive(Debug, Args)]
pub(crate) struct Pause {
    /// Why, for whoever finds the run paused.
    #[arg(long, value_name = "TEXT", value_parser = words)]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Limit {
    /// Certificates a second, over all workers; above 0, also with decimals.
    #[arg(long, value_name = "N", value_parser = rate, conflicts_with = "off")]
    pub(crate) rate: Option<f64>,
    /// No limit any more.
    #[arg(long)]
    pub(crate) off: bool,
}

/// Text that says something.
fn words(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() { Err("it says nothing".to_owned()) } else { Ok(text.to_owned()) }
}

/// A rate that a limit may have.
pub(crate) fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate >= 0.001 => Ok(rate),
        Ok(_) => Err("a limit is 0.001 a second or more; `producer pause` stops all workers".to_owned()),
        Err(_) => Err("it is no number".to_owned()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Look again and again: on a terminal a full screen, which `q` leaves; elsewhere a line every three seconds, with --json a
    /// document every second.
    #[arg(long)]
    pub(crate) watch: bool,
    /// Of one run alone: what became of its certificates.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    pub(crate) run: Option<i64>,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The code, as `producer status` and the report show it.
    #[arg(value_parser = pages(), hide_possible_values = true)]
    pub(crate) code: Option<CodePage>,
}

fn pages() -> impl TypedValueParser<Value = CodePage> {
    PossibleValuesParser::new(CodePage::all().map(CodePage::code))
        .map(|name| CodePage::of(&name).expect("it is one of these names"))
}

#[cfg(test)]
mod tests {
    use certferry_certificate::{Code, Kind};
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn wrong_usage_is_refused() {
        for arguments in [
            &["import-mappings"][..],
            &["enqueue", "--limit", "0"],
            &["enqueue", "--id", "one"],
            &["enqueue", "--id", "9223372036854775808"],
            &["enqueue", "--ecu", ""],
            &["retry", "--code", "no_such_code"],
            &["retry", "--kind", "Mapping"],
            &["retry", "--skipped", "--code", "missing_device"],
            &["retry", "--from", "report.xlsx", "--id", "1"],
            &["explain", "no_such_code"],
            &["explain", "missing_device", "missing_field"],
            &["retry", "--run", "0"],
            &["skip", "--code", "missing_device"],
            &["skip", "--reason", ""],
            &["skip", "--id", "1", "--reason", "  "],
            &["cancel"],
            &["revert"],
            &["revert", "--run", "1", "--id", "2"],
            &["limit", "--rate", "0"],
            &["limit", "--rate", "-5"],
            &["limit", "--rate", "inf"],
            &["limit", "--rate", "5", "--off"],
            &["show"],
            &["pause", "--forever"],
            &["check", "--sample", "0"],
            &["check", "--quick", "--save"],
            &["verify", "--sample", "0"],
            &["verify", "--join", "3", "--sample", "5"],
            &["verify", "--join", "3", "--id", "5"],
            &["verify", "--accept", "5"],
            &["verify", "--reason", "fine"],
            &["verify", "--accept", "5", "--reason", " "],
            &["verify", "--accept", "5", "--reason", "fine", "--run", "1"],
        ] {
            let all = ["producer"].iter().chain(arguments);
            assert!(Cli::try_parse_from(all).is_err(), "{arguments:?}");
        }
    }

    #[test]
    fn filters_are_read() {
        let all = "producer retry --kind database --code unique_violation --id -5 --id 7 --json --config a.toml";
        let cli = Cli::try_parse_from(all.split(' ')).expect("a command line");
        let Some(Command::Retry(retry)) = cli.command else { panic!("another command") };
        let FilterArgs { kind, code, id, .. } = retry.filter;
        assert_eq!((kind, code, id), (vec![Kind::Database], vec![Code::UniqueViolation], vec![-5, 7]));
        assert!(cli.json);
    }
}
