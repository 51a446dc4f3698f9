use std::path::{Path, PathBuf};

use certferry_bootstrap::{ConfigArgs, Documentation, FilterArgs, OutputFile};

use clap::ValueEnum as _;

use crate::since::Since;

/// Writes the report: what became of every certificate that was ever enqueued.
///
/// The report shows one moment, may be written while workers run, and replaces the file only when it is complete. A report about
/// all certificates is compared with the source, where source.url says which it is, and with the destination: it ends with 3
/// where something does not add up or one of them knows certificates that the others do not.
#[derive(Debug, clap::Parser)]
#[command(name = "reporter", version, long_version = certferry_bootstrap::version::long())]
pub struct Cli {
    /// Where to write, `-` for standard output; else `report.output` of the configuration, with the ending of the format.
    ///
    /// A new file is readable by its owner alone; one that is replaced keeps its rights.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// The form of the report; else what the ending of --output says, else xlsx.
    #[arg(short, long, value_enum)]
    pub format: Option<Format>,

    /// Print the counts as one JSON document.
    #[arg(long)]
    pub json: bool,

    /// Only certificates that were finished at this time or later, or enqueued then where they are still queued: a date or time,
    /// in dates.timezone unless it has an offset.
    #[arg(long, value_name = "WHEN", value_parser = Since::parse, help_heading = "Which certificates")]
    pub since: Option<Since>,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would print it as the help of the flattened flags")]
    pub filter: FilterArgs,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would print it as the help of the flattened flags")]
    pub configuration: ConfigArgs,

    #[command(subcommand)]
    pub(crate) documentation: Option<Documentation>,
}

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// An Excel workbook: a summary with charts, and all certificates.
    Xlsx,
    /// One table of all certificates, comma separated, UTF-8, text in quotes; where a spreadsheet could take text for a formula, an apostrophe stands before it.
    Csv,
    /// One JSON object a line for every certificate.
    Jsonl,
    /// One page for a browser or a mail: the summary with charts, and the most frequent causes.
    Html,
}

impl Format {
    /// The usual ending of a file of this form.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Html => "html",
        }
    }

    fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_lowercase();
        Self::value_variants().iter().copied().find(|format| format.extension() == extension)
    }
}

impl Cli {
    /// Where the report goes and in which form.
    #[must_use]
    pub fn target(&self, configured: &Path) -> (PathBuf, Format) {
        match (&self.output, self.format) {
            (Some(output), format) => (output.clone(), format.or_else(|| Format::of(output)).unwrap_or(Format::Xlsx)),
            (None, Some(format))
                if Format::of(configured) != Some(format) && !OutputFile::is_standard_output(configured) =>
            {
                (configured.with_extension(format.extension()), format)
            }
            (None, format) => {
                (configured.to_path_buf(), format.or_else(|| Format::of(configured)).unwrap_or(Format::Xlsx))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_ending_says_the_form_unless_a_flag_does() {
        for (arguments, configured, output, format) in [
            (vec![], "report.xlsx", "report.xlsx", Format::Xlsx),
            (vec![], "report.csv", "report.csv", Format::Csv),
            (vec![], "report", "report", Format::Xlsx),
            (vec!["--format", "csv"], "report.xlsx", "report.csv", Format::Csv),
            (vec!["--format", "xlsx"], "REPORT.XLSX", "REPORT.XLSX", Format::Xlsx),
            (vec!["--output", "a.html"], "report.xlsx", "a.html", Format::Html),
            (vec!["--output", "a.jsonl"], "report.xlsx", "a.jsonl", Format::Jsonl),
            (vec!["--output", "-"], "report.csv", "-", Format::Xlsx),
            (vec!["--format", "csv"], "-", "-", Format::Csv),
            (vec!["--output", "a"], "report.csv", "a", Format::Xlsx),
            (vec!["--output", "a.csv", "--format", "jsonl"], "report.xlsx", "a.csv", Format::Jsonl),
        ] {
            let cli = Cli::parse_from([&["reporter"], arguments.as_slice()].concat());
            assert_eq!(cli.target(Path::new(configured)), (PathBuf::from(output), format), "{arguments:?}");
        }
    }
}
