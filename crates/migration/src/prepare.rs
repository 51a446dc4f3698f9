//! Preparing certificates: everything they need is read, a query each, and each is planned.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use certferry_certificate::{
    Code, CustomerPlan, Evidence, Found, Identity, Issue, LegacyCertificate, LegacyText, Lookups, Needs, NewId, OldId,
    OnMissing, Outcome, Policy, RulesFingerprint, WarningCode, identity, plan, trade_license,
};
use certferry_source::Source;
use certferry_store::{Catalog, Database, LookedUp, Needed, Transaction, Uniqueness, Written, lookups_within};
use futures::TryFutureExt;
use tokio::time::Instant;

use crate::crash_point::crash_point;
use crate::error::{Error, panic_message};
use crate::step::Step;

/// What certificates are read from, and the rules they are planned by.
#[derive(Clone, Debug)]
pub struct Planner {
    /// The legacy database.
    pub source: Source,
    /// The destination's database.
    pub database: Database,
    /// The rules that are configuration.
    pub policy: Policy,
    /// What the process has read of the destination's catalog.
    pub catalog: Catalog,
}

/// A certificate that is ready to be written, or known to fail.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Its legacy id.
    pub id: OldId,
    /// Its row in the source; none where that has no such row, or several.
    pub record: Option<LegacyCertificate>,
    /// What a status row shows of it.
    pub identity: Identity,
    /// What becomes of it.
    pub outcome: Outcome,
    /// The certificate of the destination that has its number already, as far as [`Planner::preview`] has seen.
    pub number_holder: Option<NewId>,
}

impl Prepared {
    /// One that was not planned, and fails.
    #[must_use]
    pub fn failed(id: OldId, issue: Issue) -> Self {
        unplanned(id, Outcome::Fail(vec![issue]))
    }

    /// Lets go of texts that can be long and are only to be written, so that many can be held to be counted.
    pub fn forget_texts(&mut self) {
        if let Some(record) = &mut self.record {
            record.remarks = LegacyText::Null;
            record.vehicle_type = LegacyText::Null;
            record.vehicle_chassis_number = LegacyText::Null;
            record.vehicle_registration_number = LegacyText::Null;
            let read = [&mut record.certificate_number, &mut record.ecu_number, &mut record.speed, &mut record.status];
            for text in read {
                *text = LegacyText::Null;
            }
        }
        if let Outcome::Migrate(plan) = &mut self.outcome {
            plan.remarks = None;
            plan.vehicle = None;
            if let CustomerPlan::MatchOrCreate(customer) = &mut plan.customer {
                (customer.name, customer.email, customer.phone) = (String::new(), None, None);
            }
        }
    }
}

impl Prepared {
    /// Makes it fail where the destination has its number already, as it would when it is written. `own` is what it is there
    /// itself.
    pub fn refuse_if_taken(&mut self, taken: &HashMap<String, NewId>, own: Option<NewId>) {
        if let Outcome::Migrate(plan) = &self.outcome
            && let Some(holder) = taken.get(&plan.certificate_number)
            && Some(*holder) != own
        {
            let refused = certferry_store::number_taken(plan, Some(*holder));
            self.outcome = Outcome::Fail(vec![refused.issue]);
        }
    }

    /// The same by what [`Planner::survey`] has seen.
    pub fn refuse_if_held(&mut self, own: Option<NewId>) {
        if let Outcome::Migrate(plan) = &self.outcome
            && let Some(holder) = self.number_holder.filter(|holder| Some(*holder) != own)
        {
            let refused = certferry_store::number_taken(plan, Some(holder));
            self.outcome = Outcome::Fail(vec![refused.issue]);
        }
    }

    /// What is to be kept of it: it was written as this row by `rules`, or not at all. Nothing is where its row in the source is
    /// not at hand.
    #[must_use]
    pub fn evidence(&self, row: Option<&Written>, rules: RulesFingerprint) -> Option<Evidence> {
        let record = self.record.as_ref()?;
        Some(match (&self.outcome, row) {
            (Outcome::Migrate(plan), Some(row)) => {
                Evidence::of(record, plan, row.people, row.new_vehicle_id.is_some(), rules)
            }
            _ => Evidence::of_failed(record, rules),
        })
    }
}

/// What prepared certificates are written with.
#[derive(Debug)]
pub struct Begun {
    /// The transaction that is to write them; it has only read so far.
    pub transaction: Transaction,
    /// Certificate numbers that the destination has already, and which certificate has each.
    pub taken: HashMap<String, NewId>,
    /// What the destination itself refuses to have twice.
    pub uniqueness: Uniqueness,
}

/// What certificates are planned from.
struct Read {
    records: HashMap<OldId, Found<LegacyCertificate>>,
    found: Lookups,
    begun: Begun,
}

/// How long a transaction may have done nothing and still be used: the server ends those that are idle for long.
const LONGEST_IDLE: Duration = Duration::from_millis(500);

/// What becomes of a transaction that has done nothing for [`LONGEST_IDLE`].
#[derive(Clone, Copy, Debug)]
enum Idleness {
    /// Another one takes its place.
    Renewed,
    /// It is kept, with the locks that it has.
    Kept,
}

impl Planner {
    /// Reads and plans certificates, and leaves everything as it is; for each of `ids` there is a plan or all reasons why
    /// there is none, in their order. No transaction stays open.
    ///
    /// A certificate whose number the destination has already is not migrated, as it would not be when it is written.
    pub async fn preview(&self, ids: &[OldId]) -> Result<Vec<Prepared>, Error> {
        let mut prepared = self.survey(ids).await?;
        for certificate in &mut prepared {
            certificate.refuse_if_held(None);
        }
        Ok(prepared)
    }

    /// The same, whoever has their numbers: a certificate that is migrated has its own.
    pub async fn survey(&self, ids: &[OldId]) -> Result<Vec<Prepared>, Error> {
        let (mut prepared, begun) = self.prepare(ids).await?;
        begun.transaction.rollback().await?;
        for certificate in &mut prepared {
            let number = certificate.identity.certificate_number.as_ref();
            certificate.number_holder = number.and_then(|number| begun.taken.get(number)).copied();
        }
        Ok(prepared)
    }

    /// Reads and plans certificates: one of what is returned for each of `ids`, in their order. The transaction that is to
    /// write them begins meanwhile, and reads what there is to know of the destination: each round trip counts where the
    /// server is far away.
    pub async fn prepare(&self, ids: &[OldId]) -> Result<(Vec<Prepared>, Begun), Error> {
        let read = self.read(ids).await?;
        self.plan_read(ids, read).await
    }

    /// The same for a worker's batch, of which each [`Step`] can be seen from outside.
    pub async fn prepare_batch(&self, ids: &[OldId]) -> Result<(Vec<Prepared>, Begun), Error> {
        let read = Step::Read(self.source.system()).of(ids.len(), Error::code, self.read(ids)).await?;
        Step::Plan.of(ids.len(), Error::code, self.plan_read(ids, read)).await
    }

    /// Reads certificates, and what there is to know of the destination, in a transaction that begins meanwhile.
    async fn read(&self, ids: &[OldId]) -> Result<Read, Error> {
        let asked = Instant::now();
        let (records, transaction) = futures::try_join!(
            self.source.certificates(ids).map_err(Error::from),
            self.database.begin().map_err(Error::from)
        )?;
        let transaction = self.unless_idle(transaction, asked).await?;
        self.look_up(transaction, Idleness::Renewed, records).await
    }

    /// The same in a transaction of the caller's, with whatever that has locked: it is the one that comes back.
    pub async fn prepare_within(
        &self,
        transaction: Transaction,
        ids: &[OldId],
    ) -> Result<(Vec<Prepared>, Begun), Error> {
        let records = self.source.certificates(ids).await?;
        let read = self.look_up(transaction, Idleness::Kept, records).await?;
        self.plan_read(ids, read).await
    }

    /// Looks up in the destination what the records need.
    async fn look_up(
        &self,
        mut transaction: Transaction,
        idleness: Idleness,
        records: Vec<LegacyCertificate>,
    ) -> Result<Read, Error> {
        crash_point("begun");
        let records = Found::by_key(records.into_iter().map(|record| (record.id, record)));
        crash_point("read");
        let needed = needed(records.values().filter_map(Found::one));
        let LookedUp { mut found, taken, uniqueness } =
            lookups_within(&mut transaction, &needed, &self.catalog).await?;
        let transaction = self.add_unmapped(transaction, idleness, &needed, &mut found).await?;
        found.limits = self.catalog.limits.clone();
        crash_point("looked_up");
        Ok(Read { records, found, begun: Begun { transaction, taken, uniqueness } })
    }

    /// Plans each of `ids` from what was read.
    async fn plan_read(&self, ids: &[OldId], read: Read) -> Result<(Vec<Prepared>, Begun), Error> {
        let Read { records, mut found, mut begun } = read;
        let mut prepared = self.plan_each(ids, records, &found);
        if prepared.iter().any(is_too_long) {
            let limits = self.catalog.limits_now(&mut begun.transaction).await?;
            if limits != found.limits {
                found.limits = limits;
                for certificate in &mut prepared {
                    if let Some(record) = &certificate.record {
                        certificate.outcome = plan_or_panic(record, &found, &self.policy);
                    }
                }
            }
        }
        #[cfg(feature = "failpoints")]
        crate::crash_point::abort_on_violations(&prepared);
        crash_point("planned");
        Ok((prepared, begun))
    }

    /// Plans each of `ids`, none of which comes twice.
    fn plan_each(
        &self,
        ids: &[OldId],
        mut records: HashMap<OldId, Found<LegacyCertificate>>,
        found: &Lookups,
    ) -> Vec<Prepared> {
        let prepared = ids.iter().map(|id| match records.remove(id) {
            Some(Found::One(record)) => {
                let (identity, outcome) = (identity(&record), plan_or_panic(&record, found, &self.policy));
                Prepared { id: *id, record: Some(record), identity, outcome, number_holder: None }
            }
            Some(Found::Several) => unplanned(*id, not_unique(*id)),
            None => unplanned(*id, not_found(*id)),
        });
        prepared.collect()
    }

    /// Reads the legacy customers and technicians that have no mapping, the mappings of those technicians' users, and who
    /// has those customers' trade licences already.
    async fn add_unmapped(
        &self,
        transaction: Transaction,
        idleness: Idleness,
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
        let mut transaction = match idleness {
            Idleness::Renewed => self.unless_idle(transaction, asked).await?,
            Idleness::Kept => transaction,
        };
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
fn is_too_long(prepared: &Prepared) -> bool {
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

fn unplanned(id: OldId, outcome: Outcome) -> Prepared {
    Prepared { id, record: None, identity: Identity::default(), outcome, number_holder: None }
}

fn not_found(id: OldId) -> Outcome {
    let message = format!("certificate {id} is not in the source any more");
    Outcome::Fail(vec![Issue::new(Code::CertificateNotFound, None, message)])
}

fn not_unique(id: OldId) -> Outcome {
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
