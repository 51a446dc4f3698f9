//! `tests/chaos/RESULTS.md`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::account::Outcome;

/// A scenario that was played.
pub(super) struct Played {
    pub(super) what: &'static str,
    pub(super) certificates: i64,
    pub(super) seed: u64,
    pub(super) seconds: f64,
    /// What it came to, or with which words it failed.
    pub(super) outcome: Result<Outcome, String>,
}

impl Played {
    fn row(&self) -> String {
        let Self { what, certificates, seed, seconds, outcome } = self;
        let (figures, remarks) = match outcome {
            Err(words) => {
                let words = words.split_whitespace().take(60).collect::<Vec<_>>().join(" ");
                ("? | ? | ? | ? | ?".to_owned(), format!("**failed**, CHAOS_SEED={seed}: {words}"))
            }
            Ok(Outcome { left_out: Some(why), .. }) => {
                ("– | – | – | – | –".to_owned(), format!("**not played**: {why}"))
            }
            Ok(outcome) => {
                let recovery =
                    outcome.recovery_seconds.map_or_else(|| "–".to_owned(), |seconds| format!("{seconds:.1}"));
                assert_eq!(outcome.certificates, *certificates);
                let Outcome { lost, duplicated, wrongly_failed, late_results, .. } = outcome;
                (
                    format!("{lost} | {duplicated} | {wrongly_failed} | {late_results} | {recovery}"),
                    outcome.notes.join("; "),
                )
            }
        };
        format!("| {what} | {} | {figures} | {seconds:.0} | {} |", thousands(*certificates), remarks.replace('|', "/"))
    }

    /// For whoever waits.
    pub(super) fn line(&self) -> String {
        self.row().trim_matches(['|', ' ']).to_owned()
    }
}

fn thousands(number: i64) -> String {
    let digits = number.to_string();
    let chunks: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|chunk| std::str::from_utf8(chunk).unwrap()).collect();
    chunks.join(",")
}

const EXPLANATION: &str = "
Each scenario runs real producers and workers on a real server, over the 2,000 cases of `tests/cases` and over generated
certificates of which about 18 % cannot be migrated. *Lost*: in the source, but neither migrated, failed, skipped nor waiting
with its job. *Duplicated*: in the destination without being exactly one status row's. *Wrongly failed*: failed, though nothing
is wrong with it. *Late results*: a worker that was thought dead came back with a certificate that another had finished;
nothing changes, and it is counted. *Recovery*: seconds from the return of what was away until more certificates were finished, the
longest where it was away more than once. *Took*: seconds from the first worker's preparation to the account.

Each ends with the same account: selected = migrated + failed + skipped + queued; migrated counted in the destination; every
row of either side accounted for by the other; and for the cases every value as `expected.jsonl` has it. A worker that ends
otherwise than by a signal fails its scenario, and so does an attempt charged for an outage. The workers are debug builds, held
to a steady rate each (`source.max_rows_per_second`), so the rates say something about each other and nothing about speed;
`bench/RESULTS.md` has speed.
";

/// The whole page.
pub(super) fn page(played: &[Played], postgres: &str) -> String {
    let mut page = String::from("# Results of `make chaos`\n\n");
    for (name, what) in circumstances(postgres) {
        writeln!(page, "- {name}: {what}").unwrap();
    }
    page.push_str(EXPLANATION);
    page.push_str(
        "\n| scenario | certificates | lost | duplicated | wrongly failed | late results | recovery, s | took, s | remarks |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n",
    );
    for one in played {
        writeln!(page, "{}", one.row()).unwrap();
    }
    page
}

pub(super) fn write(page: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("chaos/RESULTS.md");
    std::fs::write(&path, page).unwrap();
    path
}

fn circumstances(postgres: &str) -> Vec<(&'static str, String)> {
    let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let processor = processor.map_or("unknown processor", |(_, name)| name.trim()).to_owned();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let folder = env!("CARGO_MANIFEST_DIR");
    let revision = said("git", &["-C", folder, "rev-parse", "--short", "HEAD"]);
    let changes = said("git", &["-C", folder, "status", "--porcelain", "--untracked-files=no"]);
    let more = if changes.is_empty() { "" } else { " and changes" };
    vec![
        ("date", chrono::Utc::now().format("%Y-%m-%d %H:%M UTC").to_string()),
        ("machine", format!("{cores} cores ({processor})")),
        ("system", said("uname", &["-srm"])),
        ("PostgreSQL", postgres.to_owned()),
        ("Certferry", format!("{}, revision {revision}{more}", env!("CARGO_PKG_VERSION"))),
    ]
}

/// What a program prints, or that it is not there.
fn said(program: &str, arguments: &[&str]) -> String {
    match Command::new(program).args(arguments).output() {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        _ => "unknown".to_owned(),
    }
}

#[test]
fn a_number_is_written_in_thousands() {
    assert_eq!([7, 2000, 1_234_567].map(thousands), ["7", "2,000", "1,234,567"]);
}
