//! What Certferry is to reach, as ratios within one run.

use crate::machine;
use crate::options::Options;
use crate::phases::scales;
use crate::report::thousands;
use crate::results::{Results, Row, percentile};

/// Memory of a worker at most.
const MEMORY: u64 = 128 << 20;

/// How much more memory than in its first half a run may take in its second and count as flat.
const FLAT: f64 = 1.1;

/// A core that is busy for this share of a run leaves nothing to be gained but by doing less.
const BUSY: f64 = 0.85;

/// One goal, and what came of it.
#[derive(Debug)]
pub(crate) struct Goal {
    pub(crate) measure: String,
    pub(crate) wanted: String,
    /// What was measured, if it was.
    pub(crate) measured: Option<String>,
    pub(crate) is_reached: bool,
    /// What it is bound by.
    pub(crate) bound: String,
    /// The measurement that says more.
    pub(crate) key: String,
}

impl Goal {
    /// One measurement against another, by the median rates; the ratios of the extremes are told beside.
    fn ratio(results: &Results, measure: &str, keys: (&str, &str), wanted: f64) -> Self {
        let rows = results.row(keys.0).zip(results.row(keys.1));
        let ratio = rows.map(|(row, other)| {
            let ends = |rates: Vec<f64>| (rates.first().copied().unwrap_or(0.0), rates.last().copied().unwrap_or(0.0));
            let ((low, high), (other_low, other_high)) = (ends(row.rates()), ends(other.rates()));
            (row.median_rate() / other.median_rate(), low / other_high, high / other_low)
        });
        Self {
            measure: measure.to_owned(),
            wanted: format!("at least {wanted}×"),
            measured: ratio.map(|(ratio, low, high)| format!("{ratio:.2}× ({low:.2}–{high:.2})")),
            is_reached: ratio.is_some_and(|(ratio, ..)| ratio >= wanted),
            bound: rows.map_or_else(String::new, |(row, _)| bound(row)),
            key: keys.0.to_owned(),
        }
    }

    fn scale(results: &Results, options: &Options) -> Self {
        let sizes = scales(options.certificates, options.full);
        let keys: Vec<String> = sizes.iter().map(|size| format!("scale/{size}")).collect();
        let (small, large) = (sizes.first().copied().unwrap_or(0), sizes.last().copied().unwrap_or(0));
        let rows = results.row(&keys[0]).zip(results.row(&keys[keys.len() - 1]));
        let ratio = rows.map(|(small, large)| small.median_rate() / large.median_rate());
        Self {
            measure: format!("cost per certificate at {} against {}", thousands(large), thousands(small)),
            wanted: "1.15× at most".to_owned(),
            measured: ratio.map(|ratio| format!("{ratio:.2}×")),
            is_reached: ratio.is_some_and(|ratio| ratio <= 1.15),
            bound: rows.map_or_else(String::new, |(_, large)| bound(large)),
            key: format!("scale/{large}"),
        }
    }

    fn memory(results: &Results, options: &Options) -> Self {
        let largest = scales(options.certificates, options.full).pop().unwrap_or(0);
        let row = results.row(&format!("scale/{largest}"));
        let peak = row.and_then(|row| row.peak_memory("worker"));
        let growth = row.map_or(0.0, growth);
        Self {
            measure: format!("memory of a worker at {} certificates", thousands(largest)),
            wanted: "128 MiB at most, and flat".to_owned(),
            measured: peak.map(|peak| {
                format!("{} MiB, in the second half of a run {growth:.2}× of the first", peak.div_ceil(1 << 20))
            }),
            is_reached: peak.is_some_and(|peak| peak <= MEMORY) && growth <= FLAT,
            bound: "the memory of the batches in flight, or something that grows with the run".to_owned(),
            key: format!("scale/{largest}"),
        }
    }

    fn single(results: &Results) -> Self {
        let latency = results.single.as_ref().map(|latencies| percentile(latencies.seen.clone(), 99));
        Self {
            measure: "one certificate, idle system, enqueue to migrated, p99".to_owned(),
            wanted: "100 ms at most".to_owned(),
            measured: latency.map(|milliseconds| format!("{milliseconds:.1} ms")),
            is_reached: latency.is_some_and(|milliseconds| milliseconds <= 100.0),
            bound: "the notification, one claim and one batch of one, each a few round trips and commits".to_owned(),
            key: String::new(),
        }
    }
}

/// The most a worker had in the second half of a run, against the first, over all workers and runs.
fn growth(row: &Row) -> f64 {
    let workers = row.runs.iter().flat_map(|run| &run.programs).filter(|program| program.name == "worker");
    #[expect(clippy::cast_precision_loss, reason = "memory is less than 2^53 bytes")]
    let growth = workers.map(|worker| worker.peak_memory as f64 / worker.peak_of_first_half().max(1) as f64);
    growth.fold(0.0, f64::max)
}

/// All of them, measured or not.
pub(crate) fn goals(results: &Results, options: &Options) -> Vec<Goal> {
    let ratio = |measure, keys, wanted| Goal::ratio(results, measure, keys, wanted);
    vec![
        ratio("Certferry (2 workers) against the script, no added latency", ("certferry/2", "script"), 5.0),
        ratio("the same with 5 ms", ("certferry/2/5ms", "script/5ms"), 20.0),
        ratio("the same with 20 ms", ("certferry/2/20ms", "script/20ms"), 75.0),
        ratio("Certferry (2 workers) against the floor", ("certferry/2", "floor"), 0.5),
        Goal::scale(results, options),
        ratio("throughput with 5 % refused by the database against 0 %", ("refused/5", "refused/0"), 0.85),
        ratio(
            "throughput with a collector that never answers against none",
            ("collector/dead", "collector/none"),
            0.99,
        ),
        Goal::memory(results, options),
        Goal::single(results),
    ]
}

/// Which shares of the machine's processors the server and the programs have of a measurement.
pub(crate) fn busy(row: &Row) -> Option<(f64, f64)> {
    let run = row.middle()?;
    #[expect(clippy::cast_precision_loss, reason = "there are fewer cores")]
    let available = run.seconds * machine::cores() as f64;
    Some((run.spent.processor? / available, run.client_processor() / available))
}

/// What a measurement is bound by: the processors where they are busy, else what its sessions were seen waiting for.
fn bound(row: &Row) -> String {
    let Some((server, programs)) = busy(row) else { return "unknown: there is no /proc here".to_owned() };
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let shares = format!("the processors are busy for {} of the time", percent(server + programs));
    if server + programs >= BUSY {
        return format!("the processors: {shares}, the server's part of it is {}", percent(server));
    }
    let waits = row.middle().map_or_else(Vec::new, |run| run.spent.profile.shares());
    let waits: Vec<String> =
        waits.iter().take(3).map(|(what, share)| format!("{what} ({})", percent(*share))).collect();
    let waits = if waits.is_empty() { "nothing".to_owned() } else { waits.join("; ") };
    format!("waiting: {shares}; sessions in a transaction were seen at: {waits}")
}
