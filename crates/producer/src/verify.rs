//! `producer verify`: is all of it there, and is it right?

use std::collections::BTreeSet;
use std::fmt;
use std::io::{BufWriter, Write as _};

use anyhow::{Context, anyhow};
use certferry_bootstrap::exit::Attention;
use certferry_bootstrap::{Config, Hint, HintFrom, OutputFile, Shutdown};
use certferry_certificate::{Comparison, Filter, Finding, OldId, RulesFingerprint, Verdict};
use certferry_migration::Planner;
use certferry_operations::{Error, Participant, Verification, Verify, operator};
use certferry_source::Selection;
use certferry_store::{Database, RunKind};
use serde::Serialize;
use serde_json::json;

use crate::page_by_page::{PageByPage, interrupted};
use crate::{cli, connections, figures};

/// Created customers or technicians that are looked at together.
const PEOPLE: i64 = 2_000;

/// Findings that are read at a time.
const PAGE: i64 = 5_000;

/// How many findings are named to a person.
const NAMED: usize = 20;

/// What came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Verified {
    run: i64,
    #[serde(flatten)]
    verification: Option<Verification>,
    /// How sure a sample makes one, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    sample: Option<String>,
    complete: bool,
    #[serde(skip)]
    first: Vec<Finding>,
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(verification) = &self.verification else {
            return write!(f, "run {} was interrupted; to go on: producer verify --join {}", self.run, self.run);
        };
        write!(f, "run {}: verified {}", self.run, certificates(verification.verified))?;
        let verdicts = verification.by_verdict.iter().rev();
        for (verdict, certificates) in verdicts.filter(|(_, certificates)| **certificates > 0) {
            write!(f, "\n{:>12}  {}", figures::grouped(*certificates), verdict.as_str())?;
            if *verdict != Verdict::Match && *verdict != Verdict::Edited {
                write!(f, ": {}", verdict.remedy())?;
            }
        }
        if verification.accepted > 0 {
            write!(f, "\n{} findings were accepted before", figures::grouped(verification.accepted))?;
        }
        if verification.existence_only > 0 {
            write!(
                f,
                "\nof {} that were imported, or migrated by an older version, only the existence was looked at",
                figures::grouped(verification.existence_only)
            )?;
        }
        if let Some(sample) = &self.sample {
            write!(f, "\n{sample}")?;
        }
        for equation in &verification.equations {
            let (left, right) = (figures::grouped(equation.left), figures::grouped(equation.right));
            let holds = if equation.holds { "holds" } else { "DOES NOT HOLD" };
            write!(f, "\n{holds}: {}: {left} = {right}", equation.says)?;
        }
        for finding in &self.first {
            let id = finding.certificate_id.map_or_else(String::new, |id| format!("certificate {id}: "));
            let field = finding.field.as_deref().unwrap_or("its row in the source");
            write!(f, "\n{id}{} {field}", finding.verdict.as_str())?;
        }
        if verification.findings > i64::try_from(self.first.len()).unwrap_or(i64::MAX) {
            write!(f, "\n… {} in all; --findings FILE writes them", figures::grouped(verification.findings))?;
        }
        Ok(())
    }
}

impl Verified {
    /// An error when it was interrupted, and when somebody must look at something.
    pub(crate) fn into_result(self) -> anyhow::Result<()> {
        let Some(verification) = &self.verification else { return interrupted() };
        if !verification.alarms() {
            return Ok(());
        }
        let alarms = verification.by_verdict.iter().filter(|(verdict, _)| verdict.is_alarm());
        let alarming: i64 = alarms.map(|(_, certificates)| certificates).sum();
        let broken = verification.equations.iter().filter(|equation| !equation.holds).count();
        let broken = match broken {
            0 => String::new(),
            1 => ", 1 equation does not hold".to_owned(),
            _ => format!(", {broken} equations do not hold"),
        };
        Err(Attention(format!("{} must be looked at{broken}", certificates(alarming)))).hint(
            "--findings FILE writes each with what is expected and what was found; docs/rules.md explains the verdicts",
        )
    }
}

fn certificates(number: i64) -> String {
    if number == 1 { "1 certificate".to_owned() } else { format!("{} certificates", figures::grouped(number)) }
}

/// What was accepted.
#[derive(Debug, Serialize)]
pub(crate) struct Accepted {
    certificate_id: OldId,
    accepted: Vec<AcceptedFinding>,
}

#[derive(Debug, Serialize)]
struct AcceptedFinding {
    verdict: Verdict,
    field: Option<String>,
}

impl fmt::Display for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "accepted of certificate {}:", self.certificate_id)?;
        for AcceptedFinding { verdict, field } in &self.accepted {
            write!(f, " {} {}", verdict.as_str(), field.as_deref().unwrap_or_default())?;
        }
        Ok(())
    }
}

/// Settles what the last verification found of a certificate, until the value moves again.
pub(crate) async fn accept(config: &Config, id: i64, reason: &str, shutdown: &Shutdown) -> anyhow::Result<Accepted> {
    let accepting = async {
        let database = connections::steering_database(config).await?;
        let found = certferry_store::accept_findings(&database, OldId(id), reason, &operator().to_string()).await;
        let found = found.hint_from(certferry_store::Error::hint)?;
        database.close().await;
        if found.is_empty() {
            return Err(anyhow!("the last verification found nothing of certificate {id}"))
                .hint("run `producer verify` to its end first");
        }
        let accepted = found.into_iter().map(|(verdict, field)| AcceptedFinding { verdict, field });
        anyhow::Ok(Accepted { certificate_id: OldId(id), accepted: accepted.collect() })
    };
    shutdown.interrupting(Box::pin(accepting)).await.context("interrupted; nothing was accepted")?
}

/// Verifies, alone or together with other processes.
pub(crate) async fn run(config: &Config, arguments: &cli::Verify, shutdown: &Shutdown) -> anyhow::Result<Verified> {
    let findings_file = arguments.findings.as_deref().map(|path| OutputFile::create(path, "the findings")).transpose();
    let findings_file = findings_file.hint("name another file with --findings")?;
    let filter = arguments.filter.filter()?;
    let preparing = Box::pin(prepare(config, arguments, filter));
    let (verify, total) = shutdown.interrupting(preparing).await.context("interrupted; nothing was verified")??;
    let page_by_page = PageByPage::with_total("verifying certificates", total, shutdown);
    let executed = shutdown.interrupting(Box::pin(verify.execute(&page_by_page))).await;
    let go_on = |error: &Error| {
        let mend = error.hint().unwrap_or_else(|| "mend that".to_owned());
        Some(format!("{mend}; then go on with: producer verify --join {}", verify.run))
    };
    let verification = executed.transpose().hint_from(go_on)?.flatten();
    page_by_page.finish();
    let Planner { source, database, .. } = verify.planner;
    let is_sample = verify.share < 1.0;
    let sample = verification.as_ref().filter(|_| is_sample).map(|it| certainty(it.verified));
    let mut result =
        Verified { run: verify.run, complete: verification.is_some(), verification, sample, first: Vec::new() };
    if result.complete {
        result.first = write(&database, verify.run, findings_file).await?;
        source.close().await;
        database.close().await;
    }
    Ok(result)
}

/// What none wrong in a sample says of all: the rule of three.
fn certainty(verified: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    let share = 300.0 / (verified.max(1) as f64);
    format!(
        "a sample of {}: where none of it is wrong, at most {share:.2} % of all are, with 95 % certainty",
        figures::grouped(verified)
    )
}

async fn prepare(config: &Config, arguments: &cli::Verify, filter: Filter) -> anyhow::Result<(Verify, Option<u64>)> {
    let database = connections::ready_database(config).await?;
    let source = connections::source(config).await?;
    // Another source or destination than the migration's would make every finding meaningless. Rules that have changed are
    // findings themselves.
    let participant =
        Participant { uses_rules: false, ..connections::participant(config, &database, Some(&source), "") };
    participant.agree_without_a_trace().await?;
    let hint = certferry_store::Error::hint;
    let catalog = certferry_store::catalog(&database).await.hint_from(hint)?;
    let total = source.count(&Selection::all()).await.hint_from(certferry_source::Error::hint)?;
    let (run, filter, share) = if let Some(run) = arguments.join {
        join(&database, run).await?
    } else {
        // What a share is of must be known; how far it is need not be.
        let all = if arguments.sample.is_none() {
            0
        } else if filter == Filter::default() {
            source.rows_up_to(None).await.hint_from(certferry_source::Error::hint)?
        } else {
            let counts = certferry_store::selected_counts(&database, &filter).await.hint_from(hint)?;
            counts.iter().map(|(_, certificates)| certificates).sum()
        };
        begin(&database, arguments, filter, all).await?
    };
    let policy = config.policy();
    let memory = config.worker.max_memory;
    let by = operator();
    let verify = Verify {
        comparison: Comparison {
            editable: config.verify.editable.iter().cloned().collect::<BTreeSet<_>>(),
            rules: RulesFingerprint::of(&policy),
        },
        planner: Planner { source, database, policy, catalog },
        // Each reads from both databases, and one more connection commits.
        at_once: connections::at_once(config).saturating_sub(1).max(1),
        worker_memory: (memory.bytes(), memory.to_string()),
        run,
        filter,
        share,
        name: format!("{by}, process {}, {}", std::process::id(), chrono::Utc::now().timestamp_micros()),
    };
    Ok((verify, total.filter(|_| arguments.sample.is_none())))
}

/// What a verification that was begun looks at.
async fn join(database: &Database, run: i64) -> anyhow::Result<(i64, Filter, f64)> {
    let joined = certferry_store::verification(database, run).await.hint_from(certferry_store::Error::hint)?;
    let joined = joined.ok_or_else(|| anyhow!("run {run} is no verification"));
    let joined = joined.hint("`producer runs` lists the runs, with their kinds")?;
    let filter = serde_json::from_value(joined.filter).context("read which certificates the run verifies")?;
    Ok((run, filter, joined.share))
}

async fn begin(
    database: &Database,
    arguments: &cli::Verify,
    filter: Filter,
    total: u64,
) -> anyhow::Result<(i64, Filter, f64)> {
    let hint = certferry_store::Error::hint;
    #[expect(clippy::cast_precision_loss, reason = "a share need not be exact")]
    let share = match (arguments.sample, total) {
        (Some(sample), total) if sample < total => sample as f64 / total as f64,
        _ => 1.0,
    };
    let mut described = serde_json::to_value(&filter)?;
    if let Some(file) = &arguments.filter.ids_file {
        described["ids"] = json!(arguments.filter.id);
        described["ids_file"] = json!(file.display().to_string());
    }
    if let Some(sample) = arguments.sample {
        described["sample"] = json!(sample);
    }
    let by = operator();
    let run =
        certferry_store::begin_run(database, RunKind::Verify, &by.user, &by.host, &described).await.hint_from(hint)?;
    let people = (filter == Filter::default() && share >= 1.0).then_some(PEOPLE);
    let stored = serde_json::to_value(&filter)?;
    certferry_store::begin_verification(database, run, &stored, share, people).await.hint_from(hint)?;
    Ok((run, filter, share))
}

/// Writes the findings, a JSON document a line; returns the first of them.
async fn write(database: &Database, run: i64, mut file: Option<OutputFile>) -> anyhow::Result<Vec<Finding>> {
    let (mut first, mut after) = (Vec::new(), None);
    loop {
        let page = certferry_store::findings_page(database, run, after, PAGE).await;
        let (findings, next) = page.hint_from(certferry_store::Error::hint)?;
        if let Some(file) = &mut file {
            let mut writer = BufWriter::new(file.file());
            for finding in &findings {
                serde_json::to_writer(&mut writer, finding)?;
                writer.write_all(b"\n").context("could not write the findings")?;
            }
            writer.flush().context("could not write the findings")?;
        }
        let is_last = findings.is_empty() || file.is_none();
        let room = NAMED.saturating_sub(first.len());
        first.extend(findings.into_iter().take(room));
        after = next;
        if is_last {
            break;
        }
    }
    file.map_or(Ok(()), OutputFile::finish)?;
    Ok(first)
}
