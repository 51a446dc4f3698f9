//! Preparing a batch: everything its certificates need is read, a query each, and each is planned.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use certferry_certificate::{
    Code, Found, Identity, Issue, LegacyCertificate, Lookups, Needs, NewId, OldId, OnMissing, Outcome, Policy,
    WarningCode, identity, plan, trade_license,
};
use certferry_queue::Job;
use certferry_store::{LookedUp, Needed, Transaction, Uniqueness, lookups_within};
use futures::TryFutureExt;
use tokio::time::Instant;

use crate::crash_point::crash_point;
use crate::engine::Engine;
use crate::error::{Error, panic_message};

/// A certificate that is ready to be written, or known to fail.
#[derive(Debug)]
pub(crate) struct Prepared<'a> {
    pub(crate) job: &'a Job,
    pub(crate) identity: Identity,
    pub(crate) outcome: Outcome,
}

/// What a prepared batch is written with.
#[derive(Debug)]
pub(crate) struct Begun {
    /// It has only read so far.
    pub(crate) transaction: Transaction,
    /// Certificate numbers that the destination has already, and which certificate has each.
    pub(crate) taken: HashMap<String, NewId>,
    /// What the destination itself refuses to have twice.
    pub(crate) uniqueness: Uniqueness,
}

/// How long a transaction may have done nothing and still be used: the server ends those that are idle for long.
const LONGEST_IDLE: Duration = Duration::from_millis(500);

impl Engine {
    /// Reads and plans a batch. The transaction that is to write it begins meanwhile, and reads what there is to know of
    /// the destination: each round trip counts where the server is far away.
    pub(crate) async fn prepare<'a>(&self, batch: &'a [Job]) -> Result<(Vec<Prepared<'a>>, Begun), Error> {
        let ids: Vec<OldId> = batch.iter().map(|job| job.certificate_id).collect();
        let asked = Instant::now();
        let (records, transaction) = futures::try_join!(
            self.source.certificates(&ids).map_err(Error::from),
            self.database.begin().map_err(Error::from)
        )?;
        let mut transaction = self.unless_idle(transaction, asked).await?;
        crash_point("begun");
        let records = Found::by_key(records.into_iter().map(|record| (record.id, record)));
        crash_point("read");
        let needed = needed(records.values().filter_map(Found::one));
        let LookedUp { mut found, taken, uniqueness } =
            lookups_within(&mut transaction, &needed, &self.catalog).await?;
        let mut transaction = self.add_unmapped(transaction, &needed, &mut found).await?;
        found.limits = self.catalog.limits.clone();
        crash_point("looked_up");

        let mut prepared = self.plan_each(batch, &records, &found);
        if prepared.iter().any(is_too_long) {
            let limits = self.catalog.limits_now(&mut transaction).await?;
            if limits != found.limits {
                found.limits = limits;
                prepared = self.plan_each(batch, &records, &found);
            }
        }
        #[cfg(feature = "failpoints")]
        crate::crash_point::abort_on_violations(&records, &prepared);
        crash_point("planned");
        Ok((prepared, Begun { transaction, taken, uniqueness }))
    }

    fn plan_each<'a>(
        &self,
        batch: &'a [Job],
        records: &HashMap<OldId, Found<LegacyCertificate>>,
        found: &Lookups,
    ) -> Vec<Prepared<'a>> {
        let prepared = batch.iter().map(|job| match records.get(&job.certificate_id) {
            Some(Found::One(record)) => {
                Prepared { job, identity: identity(record), outcome: plan_or_panic(record, found, &self.policy) }
            }
            Some(Found::Several) => Prepared { job, identity: Identity::default(), outcome: not_unique(job) },
            None => Prepared { job, identity: Identity::default(), outcome: not_found(job) },
        });
        prepared.collect()
    }

    /// Reads the legacy customers and technicians that have no mapping, the mappings of those technicians' users, and who
    /// has those customers' trade licences already.
    async fn add_unmapped(
        &self,
        transaction: Transaction,
        needed: &Needed,
        found: &mut Lookups,
    ) -> Result<Transaction, Error> {
        let unmapped = |ids: &[i64], mapped: &HashMap<OldId, _>, on_missing: OnMissing| -> Vec<OldId> {
            let all = ids.iter().map(|id| OldId(*id)).filter(|id| !mapped.contains_key(id));
            if on_missing == OnMissing::Create { all.collect() } else { Vec::new() }
        };
        let customers = unmapped(&needed.customers, &found.customers, self.policy.customers);
        let technicians = unmapped(&needed.technicians, &found.technicians, self.policy.technicians);
        let asked = Instant::now();
        let (customers, technicians) =
            futures::try_join!(self.source.customers(&customers), self.source.technicians(&technicians))?;
        let mut transaction = self.unless_idle(transaction, asked).await?;
        let users: HashSet<i64> = technicians
            .iter()
            .filter_map(|technician| technician.user_id.id())
            .filter(|id| !found.users.contains_key(id))
            .map(|id| id.0)
            .collect();
        let trade_licenses: HashSet<&str> = customers.iter().filter_map(trade_license).collect();
        if !users.is_empty() || !trade_licenses.is_empty() {
            let needed = Needed {
                users: users.into_iter().collect(),
                trade_licenses: trade_licenses.into_iter().map(str::to_owned).collect(),
                ..Needed::default()
            };
            let more = lookups_within(&mut transaction, &needed, &self.catalog).await?.found;
            found.users.extend(more.users);
            found.customers_by_trade_license = more.customers_by_trade_license;
        }
        found.legacy_customers = Found::by_key(customers.into_iter().map(|customer| (customer.id, customer)));
        found.legacy_technicians = Found::by_key(technicians.into_iter().map(|technician| (technician.id, technician)));
        Ok(transaction)
    }

    /// The transaction, or a new one in its place when it has done nothing for too long.
    async fn unless_idle(&self, transaction: Transaction, since: Instant) -> Result<Transaction, Error> {
        if since.elapsed() < LONGEST_IDLE {
            return Ok(transaction);
        }
        drop(transaction);
        Ok(self.database.begin().await?)
    }
}

/// Whether a value is left out, or its certificate fails, because a column seemed too short for it. Columns are widened while
/// workers run, so the catalog is asked once more before that is believed.
fn is_too_long(prepared: &Prepared<'_>) -> bool {
    match &prepared.outcome {
        Outcome::Fail(issues) => issues.iter().any(|issue| issue.code == Code::ValueTooLong),
        Outcome::Migrate(plan) => plan.warnings.iter().any(|warning| warning.code == WarningCode::VehicleNotCreated),
    }
}

/// A panic is that certificate's own failure and nobody else's.
fn plan_or_panic(record: &LegacyCertificate, found: &Lookups, policy: &Policy) -> Outcome {
    catch_unwind(AssertUnwindSafe(|| plan(record, found, policy))).unwrap_or_else(|payload| {
        let said = panic_message(&*payload);
        Outcome::Fail(vec![Issue::new(
            Code::Panic,
            None,
            format!("planning the certificate panicked: {said}; please report it with the certificate's row"),
        )])
    })
}

fn not_found(job: &Job) -> Outcome {
    let message = format!("certificate {} is not in the source any more", job.certificate_id);
    Outcome::Fail(vec![Issue::new(Code::CertificateNotFound, None, message)])
}

fn not_unique(job: &Job) -> Outcome {
    let id = job.certificate_id;
    let message = format!("several rows of the source are certificate {id}, so it cannot be told which is meant");
    Outcome::Fail(vec![Issue::new(Code::InvalidId, None, message).with_raw(Some(&id.to_string()))])
}

/// The keys that the certificates name, each once.
fn needed<'a>(records: impl Iterator<Item = &'a LegacyCertificate>) -> Needed {
    let mut ecu_numbers = HashSet::new();
    let (mut users, mut customers, mut technicians) = (HashSet::new(), HashSet::new(), HashSet::new());
    let mut certificate_numbers = HashSet::new();
    for record in records {
        let needs = Needs::of(record);
        ecu_numbers.extend(needs.ecu_number.map(str::to_owned));
        users.extend(needs.user.map(|id| id.0));
        customers.extend(needs.customer.map(|id| id.0));
        technicians.extend(needs.technicians.into_iter().flatten().map(|id| id.0));
        certificate_numbers.extend(identity(record).certificate_number);
    }
    Needed {
        ecu_numbers: ecu_numbers.into_iter().collect(),
        users: users.into_iter().collect(),
        customers: customers.into_iter().collect(),
        technicians: technicians.into_iter().collect(),
        certificate_numbers: certificate_numbers.into_iter().collect(),
        trade_licenses: Vec::new(),
    }
}
