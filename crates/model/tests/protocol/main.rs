//! Claim, renew, rescue, complete: the queue's protocol as a model, every reachable state of which is looked at.
//!
//! The model's steps are what PostgreSQL makes of the real ones. A transaction is one step where the rows it locks
//! keep everybody else from its result until it ends; where a transaction looks at a row without locking it and acts on
//! that later, it is two. A worker is delayed for as long as one likes simply because the others may take any number
//! of steps before its next one.
//!
//! | here | there |
//! | --- | --- |
//! | `Database::claim` | `queue/queries/claim.sql` |
//! | `Database::lease_ran_out`, `Action::Renew` | `apalis.workers.last_seen`, `queue/src/lease.rs` |
//! | `Database::rescue` | `queue/queries/rescue.sql` and `worker/src/sweep.rs`, which parks (`finish.sql`, `remove_jobs.sql`) |
//! | `Database::finish` | `store/queries/finish.sql`, with the certificate's own rows |
//! | `Database::complete` | `queue/queries/complete.sql` |
//! | `Database::postpone` | `queue/queries/postpone.sql` |
//! | `Database::release_all` | `queue/queries/release_all.sql`; `release.sql` does the same to fewer |
//! | `Action::ReleaseStrays` | `queue/queries/release_strays.sql` |
//! | `Database::note_late` | `store/queries/note_late.sql` |
//! | `Database::requeue` | `store/queries/requeue.sql` and `queue/queries/push.sql`, a transaction of `producer retry` |
//! | `Action::Miss`, `Action::Restore` | `migration/src/restore.rs`: `without_job.sql`, then `lock_open.sql` and `restore.sql` |
//! | `Action::Commit` | `apply_at_once` of `worker/src/apply.rs` |
//! | `Action::Look`, `Action::CommitCarefully` | `apply_carefully`: first `lock_open.sql`, then all the rest |
//!
//! Left out: time (a delay is any delay), what is in a certificate, the source, and deadlocks, in which one of two
//! transactions is undone and done again. `deregister.sql` is not here either: the foreign key of `apalis.jobs.lock_by`
//! keeps the row of every worker that a job names.
//!
//! A result may be older than the `producer retry` that it answers: a certificate may fail once more just after its cause
//! was mended, and is to be tried again then. Nothing is lost or doubled by it.
//!
//! What is proved is proved for a few workers and certificates, and for a few troubles (crashes, delays, lost answers) in
//! any order and at any moment. That every run ends is proved too: each step brings the end nearer, and there is a next
//! one until everything is settled. The real thing is held to the same by the end-to-end tests.

mod action;
mod checks;
mod database;
mod properties;
mod protocol;
mod story;
mod worker;
