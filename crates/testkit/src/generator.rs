//! Data sets of any size, as messy as the reference cases: what people typed into the legacy system over the years.
//!
//! Everything follows from the seed. A row depends on the seed and its own number only, so that a million certificates
//! stream into a database without ever being in memory together. All names are made up.

mod certificate;
mod contents;
mod fault;
mod forms;
mod people;

use std::path::Path;

use rand::SeedableRng;
use rand::rngs::StdRng;

pub use certificate::Certificate;
pub use contents::Contents;
pub use fault::Fault;

use crate::load::{DESTINATION_SCHEMA, Error, LEGACY_SCHEMA, Loader, Result};
use people::Device;

/// The share of the cases' certificates that cannot be migrated.
const BAD_SHARE_OF_CASES: f64 = 0.18;

/// A generated data set: a legacy system, the destination it is migrated to, and the mappings between the two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dataset {
    /// What everything follows from.
    pub seed: u64,
    /// How many certificates there are, with ids from 1. The other tables grow with them.
    pub certificates: u64,
    /// Which share of the certificates cannot be migrated, from 0 to 1.
    pub bad_share: f64,
    /// Whether every certificate number that is there is there once; otherwise a few appear twice, and one of the two
    /// certificates fails.
    pub unique_numbers: bool,
}

impl Dataset {
    /// A data set like the cases: about 18 % of the certificates cannot be migrated.
    #[must_use]
    pub fn messy(seed: u64, certificates: u64) -> Self {
        Self { seed, certificates, bad_share: BAD_SHARE_OF_CASES, unique_numbers: false }
    }

    /// A data set for benchmarks: 5 % cannot be migrated, and every number is there once, so that the outcome of each
    /// certificate is the same in whatever order they are migrated.
    #[must_use]
    pub fn benchmark(seed: u64, certificates: u64) -> Self {
        Self { seed, certificates, bad_share: 0.05, unique_numbers: true }
    }

    /// The certificate with this id, which is from 1 to `certificates`.
    #[must_use]
    pub fn certificate(&self, id: u64) -> Certificate {
        Certificate::generate(self, id)
    }

    /// What keeps the certificate with this id from being migrated, if anything does.
    #[must_use]
    pub fn fault(&self, id: u64) -> Option<Fault> {
        Fault::draw(self, id)
    }

    /// How many certificates will fail. It looks at each of them.
    #[must_use]
    pub fn faults(&self) -> u64 {
        (1..=self.certificates).map(|id| u64::from(self.fault(id).is_some())).sum()
    }

    /// Fills the database at `url` with the legacy side, creating the tables if they are not there.
    pub async fn load_source(&self, url: &str) -> Result<()> {
        let mut loader = Loader::connect(url).await?;
        loader.ensure_schema(LEGACY_SCHEMA).await?;
        loader.copy_rows("customers", self.customers().map(people::Legacy)).await?;
        loader.copy_rows("users", self.users().map(people::Legacy)).await?;
        loader.copy_rows("technicians", self.technicians().map(people::Legacy)).await?;
        loader.copy_rows("certificates", (1..=self.certificates).map(|id| self.certificate(id))).await?;
        loader.label("certificates", &self.label()).await?;
        loader.finish().await
    }

    /// Fills the database at `url` with what the destination holds before the migration, creating the tables if they
    /// are not there.
    pub async fn load_destination(&self, url: &str) -> Result<()> {
        let mut loader = Loader::connect(url).await?;
        loader.ensure_schema(DESTINATION_SCHEMA).await?;
        loader.copy_rows("users", self.users().map(people::New)).await?;
        let customers = self.customers().filter(people::Customer::is_in_destination);
        loader.copy_rows("customers", customers.map(people::New)).await?;
        let technicians = self.technicians().filter(people::Technician::is_mapped);
        loader.copy_rows("technicians", technicians.map(people::New)).await?;
        loader.copy_rows("devices", (0..self.devices()).map(Device)).await?;
        loader.continue_identities(&["users", "customers", "technicians", "devices"]).await?;
        loader.label("devices", &self.label()).await?;
        loader.finish().await
    }

    /// Writes the mapping files for users, customers and technicians into a folder, creating it if it is not there.
    pub fn write_mappings(&self, folder: &Path) -> Result<()> {
        let file = |action, path: &Path| {
            let path = path.to_owned();
            move |source| Error::File { action, path, source }
        };
        std::fs::create_dir_all(folder).map_err(file("create the folder", folder))?;
        let users = self.users().filter(people::User::is_mapped).map(|user| (user.old_id(), user.new_id()));
        let customers = self.customers().filter(people::Customer::is_mapped).map(|one| (one.old_id(), one.new_id()));
        let technicians =
            self.technicians().filter(people::Technician::is_mapped).map(|one| (one.old_id(), one.new_id()));
        for (name, entries) in [
            ("user_mappings.json", mapping(users)),
            ("customer_mappings.json", mapping(customers)),
            ("technicians_mapping.json", mapping(technicians)),
        ] {
            let path = folder.join(name);
            std::fs::write(&path, entries).map_err(file("write", &path))?;
        }
        Ok(())
    }

    /// What the tables of a loaded data set are labelled with.
    fn label(&self) -> String {
        let Self { seed, certificates, bad_share, unique_numbers } = self;
        let numbers = if *unique_numbers { ", unique numbers" } else { "" };
        format!("certferry data set: seed {seed}, {certificates} certificates, {bad_share} bad{numbers}")
    }

    /// How many devices the destination has; a device has more than one certificate over the years.
    fn devices(&self) -> u64 {
        (self.certificates * 4 / 5).max(40)
    }

    /// The randomness of one row.
    fn random(&self, stream: Stream, number: u64) -> StdRng {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        seed[8..16].copy_from_slice(&number.to_le_bytes());
        seed[16] = stream as u8;
        StdRng::from_seed(seed)
    }
}

/// What a row's randomness is for: rows of different tables have nothing to do with each other.
#[derive(Debug, Clone, Copy)]
enum Stream {
    Fault,
    Certificate,
    User,
    Customer,
    Technician,
}

/// One JSON object, old id to new id.
fn mapping(entries: impl Iterator<Item = (i64, i64)>) -> String {
    let lines: Vec<_> = entries.map(|(old, new)| format!("\"{old}\": {new}")).collect();
    format!("{{\n{}\n}}\n", lines.join(",\n"))
}
