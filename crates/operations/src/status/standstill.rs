//! Why nothing moves.

use certferry_queue::{Standstill, WorkerLease};
use certferry_store::RateLimit;
use chrono_tz::Tz;

use super::Progress;

/// Where nothing was begun or finished for this long, nothing moves.
const QUIET_SECONDS: f64 = 30.0;

/// What a standstill is judged by, besides the figures.
#[derive(Debug, Default)]
pub(super) struct Signs {
    /// Whether the database takes no writes.
    pub(super) is_read_only: bool,
    /// What workers say they wait for.
    pub(super) said: Option<String>,
    /// What jobs are doing.
    pub(super) jobs: Standstill,
}

/// The reason for which nothing moves, in one sentence; none when nothing is queued, or it moves.
pub(super) fn reason(progress: &Progress, signs: &Signs, timezone: Tz) -> Option<String> {
    let (summary, jobs) = (&progress.summary, &signs.jobs);
    let time = |at: chrono::DateTime<chrono::Utc>| at.with_timezone(&timezone).format("%Y-%m-%d %H:%M:%S").to_string();
    if summary.queued == 0 {
        return None;
    }
    if signs.is_read_only {
        return Some(
            "the database is read-only (a standby, or default_transaction_read_only is on); workers go on when it can be \
             written again"
                .to_owned(),
        );
    }
    if let Some(pause) = &progress.pause {
        let because = pause.reason.as_ref().map(|reason| format!(" because {reason}")).unwrap_or_default();
        let (at, by) = (time(pause.at), &pause.by);
        return Some(format!("the run is paused since {at} by {by}{because}; go on with `producer resume`"));
    }
    if progress.workers == 0 {
        return Some("no worker is alive; start one with `worker`".to_owned());
    }
    if let Some(said) = &signs.said {
        return Some(said.clone());
    }
    if let Some(reason) = running_out(&progress.leases, jobs.is_due) {
        return Some(reason);
    }
    if let (None, false, Some(next_at)) = (jobs.claimed_seconds_ago, jobs.is_due, jobs.next_at) {
        return Some(format!("what is queued waits for another attempt, the next one at {}", time(next_at)));
    }
    let has_begun_lately = jobs.claimed_seconds_ago.is_some_and(|seconds| seconds < QUIET_SECONDS);
    if has_begun_lately || progress.rate_per_second > 0.0 {
        return None;
    }
    if let Some(RateLimit { per_second, by, .. }) = &progress.limit {
        return Some(format!(
            "the rate is limited to {per_second} certificates a second by {by}; lift it with `producer limit --off`"
        ));
    }
    Some(match (jobs.claimed_seconds_ago, jobs.is_due) {
        (Some(seconds), _) => {
            format!("what workers took up {seconds:.0} seconds ago is not finished yet; look at their log")
        }
        (None, true) => "workers are alive but take nothing up; look at their log".to_owned(),
        (None, false) => {
            "no job is there for what is queued; run `producer enqueue`, which restores missing jobs".to_owned()
        }
    })
}

/// The reason, where only the leases of workers that miss their renewals stand between the rest and its end.
fn running_out(leases: &[WorkerLease], is_due: bool) -> Option<String> {
    let (silent, present): (Vec<&WorkerLease>, Vec<&WorkerLease>) = leases.iter().partition(|lease| lease.is_overdue);
    if present.iter().any(|lease| is_due || lease.certificates > 0) {
        return None;
    }
    let holders = silent.iter().filter(|lease| lease.certificates > 0 || present.is_empty());
    let first = holders.clone().min_by(|one, other| one.runs_out_in_seconds.total_cmp(&other.runs_out_in_seconds))?;
    let certificates: i64 = holders.clone().map(|lease| lease.certificates).sum();
    let who = match holders.count() {
        1 => format!("worker {} was last seen {:.0} seconds ago", first.worker, first.seen_seconds_ago),
        n => format!("{n} workers miss their renewals, worker {} for longest", first.worker),
    };
    let has = match certificates {
        0 => String::new(),
        1 => " with 1 certificate in hand".to_owned(),
        n => format!(" with {n} certificates in hand"),
    };
    let lease = match first.runs_out_in_seconds {
        seconds if seconds >= 1.0 => format!("its lease runs out in {seconds:.0} seconds"),
        _ => "its lease has run out".to_owned(),
    };
    let then = match (present.is_empty(), certificates) {
        (true, _) => "; start a worker with `worker`, or wait for its return",
        (false, 0) => "",
        (false, _) => ", then another worker takes them over",
    };
    Some(format!("{who}{has}; {lease}{then}"))
}

#[cfg(test)]
mod tests {
    use certferry_store::{Pause, Summary};
    use chrono::DateTime;

    use super::*;

    fn at_work(queued: i64) -> Progress {
        Progress::new(Summary { queued, ..Summary::default() }, vec![lease("host-1-0000abcd", 1.0, 1)], 0.0)
    }

    /// A lease of 30 seconds.
    fn lease(worker: &str, seen_seconds_ago: f64, certificates: i64) -> WorkerLease {
        WorkerLease {
            worker: worker.to_owned(),
            seen_seconds_ago,
            runs_out_in_seconds: 30.0 - seen_seconds_ago,
            is_overdue: seen_seconds_ago > 12.0,
            certificates,
            claimed_seconds_ago: None,
        }
    }

    fn said(progress: &Progress, signs: &Signs) -> String {
        reason(progress, signs, chrono_tz::Asia::Dubai).unwrap_or_default()
    }

    fn jobs(claimed_seconds_ago: Option<f64>, is_due: bool, is_later: bool) -> Signs {
        let next_at = is_later.then_some(DateTime::UNIX_EPOCH);
        Signs { jobs: Standstill { claimed_seconds_ago, is_due, next_at }, ..Signs::default() }
    }

    #[test]
    fn nothing_is_waited_for_when_nothing_is_queued_or_it_moves() {
        let signs = Signs { is_read_only: true, said: Some("a lock".to_owned()), ..Signs::default() };
        assert_eq!(said(&at_work(0), &signs), "");
        assert_eq!(said(&at_work(1), &jobs(Some(1.0), true, false)), "");
        let moving = Progress { rate_per_second: 1.0, ..at_work(1) };
        assert_eq!(said(&moving, &jobs(Some(40.0), true, false)), "");
    }

    #[test]
    fn each_reason_is_a_sentence() {
        assert_eq!(said(&at_work(1), &Signs { said: Some("a lock".to_owned()), ..Signs::default() }), "a lock");
        assert!(said(&at_work(1), &Signs { is_read_only: true, ..Signs::default() }).contains("read-only"));
        let idle = Progress { workers: 0, ..at_work(1) };
        assert_eq!(said(&idle, &jobs(None, true, false)), "no worker is alive; start one with `worker`");
        assert_eq!(
            said(&at_work(1), &jobs(None, false, true)),
            "what is queued waits for another attempt, the next one at 1970-01-01 04:00:00"
        );
        assert!(said(&at_work(1), &jobs(Some(31.0), true, false)).contains("31 seconds ago"));
        assert!(said(&at_work(1), &jobs(None, true, false)).contains("take nothing up"));
        assert!(
            said(&at_work(1), &jobs(None, false, false))
                .contains("no job is there for what is queued; run `producer enqueue`")
        );
    }

    #[test]
    fn a_lease_that_runs_out_is_told_where_nothing_else_moves() {
        let reason = |leases: &[WorkerLease], is_due| running_out(leases, is_due).unwrap_or_default();
        let (dead, idle, busy) = (lease("dead-1", 18.0, 50), lease("idle-1", 1.0, 0), lease("busy-1", 1.0, 1));
        let alone =
            "worker dead-1 was last seen 18 seconds ago with 50 certificates in hand; its lease runs out in 12 seconds";
        let takes_over = format!("{alone}, then another worker takes them over");
        let start_one = format!("{alone}; start a worker with `worker`, or wait for its return");
        for (leases, is_due, expected) in [
            (vec![dead.clone(), idle.clone()], false, takes_over.as_str()),
            (vec![dead.clone()], false, &start_one),
            (vec![dead.clone()], true, &start_one),
            // Whoever is there gets on with the others.
            (vec![dead.clone(), idle.clone()], true, ""),
            (vec![dead.clone(), busy.clone()], false, ""),
            (vec![busy.clone()], false, ""),
            (vec![idle.clone()], false, ""),
            // One that had nothing in hand keeps nobody waiting.
            (vec![lease("dead-2", 20.0, 0), idle.clone()], false, ""),
            (
                vec![lease("dead-2", 20.0, 0)],
                true,
                "worker dead-2 was last seen 20 seconds ago; its lease runs out in 10 seconds; start a worker with \
                 `worker`, or wait for its return",
            ),
            (
                vec![lease("dead-2", 31.0, 1), idle.clone()],
                false,
                "worker dead-2 was last seen 31 seconds ago with 1 certificate in hand; its lease has run out, then another \
                 worker takes them over",
            ),
            (
                vec![dead, lease("dead-2", 20.0, 7), idle],
                false,
                "2 workers miss their renewals, worker dead-2 for longest with 57 certificates in hand; its lease runs out in \
                 10 seconds, then another worker takes them over",
            ),
            (vec![], true, ""),
        ] {
            assert_eq!(reason(&leases, is_due), expected);
        }
        // What was finished a moment ago says nothing about what is left.
        let progress = Progress { rate_per_second: 9.0, leases: vec![lease("dead-1", 18.0, 50)], ..at_work(50) };
        assert!(said(&progress, &jobs(Some(19.0), false, false)).contains("runs out in 12 seconds"));
    }

    #[test]
    fn a_pause_is_told_with_who_and_why() {
        let pause = |reason: Option<&str>| Pause {
            at: DateTime::UNIX_EPOCH,
            by: "me".into(),
            reason: reason.map(str::to_owned),
        };
        let paused = |reason| at_work(1).with_pause(Some(pause(reason)));
        assert_eq!(
            said(&paused(Some("of lunch")), &Signs::default()),
            "the run is paused since 1970-01-01 04:00:00 by me because of lunch; go on with `producer resume`"
        );
        assert!(said(&paused(None), &Signs::default()).contains("by me; go on"));
    }
}
