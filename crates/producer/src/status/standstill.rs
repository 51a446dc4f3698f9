//! Why nothing moves.

use certferry_queue::Standstill;
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

#[cfg(test)]
mod tests {
    use certferry_store::{Pause, Summary};
    use chrono::DateTime;

    use super::*;

    fn at_work(queued: i64) -> Progress {
        Progress::new(Summary { queued, ..Summary::default() }, vec!["host-1-0000abcd".to_owned()], 0.0)
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
