//! The whole protocol holds; each variant that misses something fails, and how is kept in `snapshots`.

use stateright::{Checker, Model};

use crate::action::Trouble;
use crate::database::Fence;
use crate::properties::{AGREES, LATE, LEFT_OVER, NEVER_LOST, NEVER_STUCK, OUTDATED, PARKED, SETTLED, WRITTEN_ONCE};
use crate::protocol::{Completion, LateRows, Names, Protocol, Strays};
use crate::story::tell;

/// Everything that happens without a person's doing.
const TROUBLES: [Trouble; 7] = [
    Trouble::Crash,
    Trouble::Delay,
    Trouble::CommitUnheard,
    Trouble::ClaimUnheard,
    Trouble::Stop,
    Trouble::Undone,
    Trouble::Refusal,
];

fn protocol(workers: usize, sound: &[bool], trouble: u8) -> Protocol {
    Protocol {
        workers,
        sound: sound.to_vec(),
        concurrency: 1,
        max_crashes: 2,
        troubles: TROUBLES.to_vec(),
        trouble,
        fence: Fence::Queued,
        completion: Completion::WithTheResult,
        names: Names::Unique,
        late_rows: LateRows::Locked,
        strays: Strays::Released,
    }
}

/// Looks at every state there is: what must hold holds in each, and these things can happen, and no others.
fn holds(protocol: Protocol, examples: &[&str], at_least: usize) {
    let checker = protocol.checker().spawn_dfs().join();
    for property in [WRITTEN_ONCE, AGREES, NEVER_LOST, NEVER_STUCK] {
        checker.assert_no_discovery(property);
    }
    for example in [SETTLED, LATE, PARKED, LEFT_OVER, OUTDATED] {
        assert_eq!(checker.discovery(example).is_some(), examples.contains(&example), "{example}");
    }
    let states = checker.unique_state_count();
    assert!(states >= at_least, "only {states} states were looked at");
}

/// The shortest way to where a property is broken, or to an example of it.
fn shortest(protocol: &Protocol, property: &'static str) -> String {
    let found = (2..40).find_map(|depth| {
        // The checker goes on for a while after a discovery, and keeps the last one: so it may go no deeper.
        let checker = protocol.clone().checker().target_max_depth(depth).spawn_bfs().join();
        checker.discovery(property)
    });
    tell(protocol, found.expect("a discovery"))
}

const ALL_BUT_OUTDATED: [&str; 4] = [SETTLED, LATE, PARKED, LEFT_OVER];

#[test]
fn two_workers_with_a_sound_and_a_faulty_certificate() {
    holds(protocol(2, &[true, false], 2), &ALL_BUT_OUTDATED, 60_000);
}

#[test]
fn three_workers_with_one_certificate() {
    holds(protocol(3, &[true], 3), &ALL_BUT_OUTDATED, 90_000);
}

#[test]
fn two_workers_in_much_trouble() {
    holds(protocol(2, &[true], 4), &ALL_BUT_OUTDATED, 50_000);
}

#[test]
fn a_worker_that_claims_a_job_again_that_it_has_in_hand() {
    holds(Protocol { concurrency: 2, ..protocol(2, &[true], 3) }, &ALL_BUT_OUTDATED, 20_000);
}

#[test]
fn a_worker_that_does_not_learn_of_its_commit_is_not_late() {
    holds(Protocol { troubles: vec![Trouble::CommitUnheard], ..protocol(2, &[true, false], 2) }, &[SETTLED], 300);
}

#[test]
fn without_the_fence_a_worker_that_was_thought_dead_writes_a_second_time() {
    let protocol = Protocol { fence: Fence::None, troubles: vec![Trouble::Delay], ..protocol(2, &[true], 1) };
    insta::assert_snapshot!("without_the_fence", shortest(&protocol, WRITTEN_ONCE));
}

#[test]
fn a_job_completed_before_its_result_is_lost_with_its_worker() {
    let protocol = Protocol { completion: Completion::BeforeTheResult, ..protocol(2, &[true], 1) };
    insta::assert_snapshot!("completed_before_the_result", shortest(&protocol, NEVER_LOST));
}

#[test]
fn a_name_that_is_used_again_keeps_the_dead_ones_jobs() {
    // Strays are given back only after a claim that was not answered; a new process has made none.
    let troubles = vec![Trouble::Crash];
    let protocol = Protocol { names: Names::UsedAgain, strays: Strays::Kept, troubles, ..protocol(2, &[true], 1) };
    insta::assert_snapshot!("a_name_used_again", shortest(&protocol, NEVER_STUCK));
}

/// Were the rows that `lock_open.sql` finds final not locked, their jobs might be deleted after `producer retry` has relied
/// on them.
#[test]
fn a_retry_would_lose_its_job_to_a_late_worker_that_has_looked_before() {
    let troubles = vec![Trouble::Retry, Trouble::Delay];
    let unlocked = Protocol { troubles, late_rows: LateRows::Unlocked, ..protocol(2, &[false], 2) };
    insta::assert_snapshot!("a_retry_and_a_late_worker", shortest(&unlocked, NEVER_LOST));
}

#[test]
fn a_retry_keeps_its_job() {
    let mut troubles = TROUBLES.to_vec();
    troubles.push(Trouble::Retry);
    holds(Protocol { troubles, ..protocol(2, &[false], 3) }, &[SETTLED, LATE, LEFT_OVER, OUTDATED], 10_000);
}

#[test]
fn a_result_may_be_older_than_the_retry_that_it_answers() {
    let protocol = Protocol { troubles: vec![Trouble::Retry, Trouble::Delay], ..protocol(2, &[false], 2) };
    insta::assert_snapshot!("a_result_from_before_a_retry", shortest(&protocol, OUTDATED));
}

/// Were a stray not given back, it would wait until the worker that does not know of it ends; one that drains does not.
#[test]
fn a_claim_whose_answer_is_lost_would_keep_its_job_while_the_worker_lives() {
    let troubles = vec![Trouble::ClaimUnheard];
    let protocol = Protocol { troubles, strays: Strays::Kept, ..protocol(2, &[true], 1) };
    insta::assert_snapshot!("a_claim_unheard", shortest(&protocol, NEVER_STUCK));
}

#[test]
fn jobs_that_are_lost_come_back_and_nothing_is_written_twice() {
    let troubles = vec![Trouble::JobLost, Trouble::Delay, Trouble::Crash, Trouble::CommitUnheard, Trouble::Retry];
    let protocol = Protocol { troubles, ..protocol(2, &[true, false], 2) };
    let everything = [SETTLED, LATE, PARKED, LEFT_OVER, OUTDATED];
    holds(protocol.clone(), &everything, 20_000);
    holds(Protocol { sound: vec![true], trouble: 4, ..protocol }, &everything, 20_000);
}
