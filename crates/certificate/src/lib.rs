//! What becomes of one legacy certificate.
//!
//! A [`LegacyCertificate`], the [`Lookups`] its batch read and a [`Policy`] go in; a [`Plan`] or all of the
//! certificate's [`Issue`]s come out. Nothing here knows of databases, queues, clocks, the environment or other
//! certificates. Bad data is a value, never an `Err` and never a panic.

mod code_page;
mod columns;
mod comparison;
mod date;
mod evidence;
mod filter;
mod id;
mod issue;
mod issues;
mod legacy;
mod lookups;
mod mappings;
mod needs;
mod person;
mod plan;
mod planner;
mod policy;
mod reference;
mod remedy;
mod speed;
mod state;
mod status;
mod text;
mod vehicle;
mod verdict;
mod verify;

pub use code_page::CodePage;
pub use columns::{PeopleIds, PersonColumns, StoredCertificate, StoredVehicle};
pub use comparison::{Comparison, Present, Recorded, Today};
pub use evidence::{Evidence, RulesFingerprint, person_evidence};
pub use filter::Filter;
pub use id::{NewId, OldId};
pub use issue::{Code, Issue, Kind, Warning, WarningCode};
pub use issues::is_about_people;
pub use legacy::{LegacyCertificate, LegacyCustomer, LegacyTechnician, LegacyText};
pub use lookups::{Found, Limits, Lookups, Mapped};
pub use needs::Needs;
pub use person::{clean, trade_license};
pub use plan::{CustomerPlan, Identity, NewCustomer, NewTechnician, Outcome, Plan, TechnicianPlan, VehiclePlan};
pub use planner::{identity, plan};
pub use policy::{OnMissing, Policy, StatusTable};
pub use reference::Reference;
pub use remedy::Remedy;
pub use state::State;
pub use status::Status;
pub use verdict::{Finding, Verdict};
pub use verify::violations;
