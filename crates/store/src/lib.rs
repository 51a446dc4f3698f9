//! The destination, the status table and the mappings: the only crate with SQL for them.
//!
//! Every function that writes takes an open [`Transaction`], so that the certificate, its status row and the
//! completion of its job commit together. The queue's tables are the queue's own business.

mod causes;
mod database;
mod desk;
mod destination;
mod difference;
mod error;
mod filter;
mod forecast;
mod history;
mod intake;
mod lookups;
mod manifest;
mod mapping_files;
mod pace;
mod pause;
mod producers;
mod rate_limit;
mod readiness;
mod recent;
mod report;
mod revert;
mod runs;
mod setup;
mod standing;
mod status;
mod summary;
mod tables;
mod uniqueness;
mod verification;
mod waiting;

pub use causes::{Cause, causes, latest_failures};
pub use certferry_connection::{Security, Verified};
pub use database::{Database, Settings, Transaction};
pub use desk::{claim_at_desk, give_back_at_desk, renew_desk_claim, states};
pub use destination::{Refused, Writing, Written, held_by_others, number_taken, write_all, write_each};
pub use error::Error;
pub use filter::{selected_counts, selected_page};
pub use forecast::{Forecast, forecast, record_forecast};
pub use history::{Attempt, destination_row, history, lock_states, status_row};
pub use intake::{analyze_status, known, queued_page, record_queued, requeue, skip, states_between};
pub use lookups::{Catalog, LookedUp, Needed, catalog, lookups, lookups_within};
pub use manifest::{Manifest, lock_manifest, manifest, record_manifest};
pub use mapping_files::{Contradiction, Contradictions, Entry, Imported, Mapping, import_mapping, mapping_page};
pub use pace::{finished_lately, rate_per_second};
pub use pause::{Pause, open_pause, pause, resume};
pub use producers::{deregister_producer, producers_at_work, register_producer, renew_producer};
pub use rate_limit::{RateLimit, Taken, give_tokens_back, lift_limit, rate_limit, set_limit, take_tokens};
pub use readiness::{
    Dangling, MissingRight, dangling_mappings, is_ecu_number_indexed, missing_extensions, missing_rights,
};
pub use recent::{RecentBatches, forget_batches, note_infrastructure_error, recent_batches};
pub use report::{
    CertificateState, Interval, Person, ReportRow, Scope, StoredIssue, StoredWarning, Throughput, ValueCause,
    ValueCauses, can_read_destination, causes_by_value, lost_certificates, people_page, report_page, states_page,
    throughput,
};
pub use revert::{Named, RevertedPeople, Revertible, lock_to_revert, revert, revert_people, revertible};
pub use runs::{Run, RunKind, RunOutcome, begin_run, cancel_run, end_run, runs, select_in_run};
pub use setup::{create_reference_destination, ensure_ready, migrate, missing_from_destination};
pub use standing::{holders_of_numbers, standing};
pub use status::{Finished, Interrupted, Late, Locked, Verdict, count_attempts, finish, lock_open, note_late};
pub use summary::{CodeCount, LastFailed, Summary, summary};
pub use tables::{DestinationTable, destination_tables};
pub use uniqueness::{Uniqueness, uniqueness};
pub use verification::{
    ByVerdict, Counts, CreatedPerson, Range, RangeOf, Verification, accept_findings, begin_verification, by_verdict,
    certificates_of, claim_range, conclude, created_people, cut_range, end_range, end_verification, findings_page,
    lock_verification, open_ranges, renew_range, unsettled, verification, verification_counts,
};
pub use waiting::{
    ForeignLock, begin_waiting, end_waiting, foreign_lock, is_read_only, lock_holder, note_lock_waits, record_waiting,
    waiting,
};
