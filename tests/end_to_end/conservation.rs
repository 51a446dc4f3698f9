//! What holds at every moment, whoever dies: nothing is lost, nothing is there twice, nothing is half written, and the
//! status table, the destination and the queue tell the same story.

use sqlx::Row;

use crate::world::World;

/// Everything that must not be, one row for each kind that is found. It is one statement, so it sees one moment, however
/// many workers are at work. `$customer` and `$technician` are the highest ids before the migration.
const DISAGREEMENTS: &str = "
WITH status AS (SELECT * FROM certferry.certificate_status),
job AS (
    SELECT (convert_from(job, 'UTF8')::jsonb ->> 'certificate_id')::bigint AS certificate_id FROM apalis.jobs
),
wrong (what, example) AS (
    SELECT 'a certificate that no status row knows', certificate.certificate_number
    FROM certificates AS certificate LEFT JOIN status ON status.new_certificate_id = certificate.id
    WHERE status.certificate_id IS NULL
UNION ALL
    SELECT 'a certificate of two status rows', min(new_certificate_id)::text
    FROM status WHERE new_certificate_id IS NOT NULL GROUP BY new_certificate_id HAVING count(*) > 1
UNION ALL
    SELECT 'a migrated status row whose certificate is not there, or is another', status.certificate_id::text
    FROM status LEFT JOIN certificates AS certificate ON certificate.id = status.new_certificate_id
    WHERE status.state = 'migrated' AND certificate.certificate_number IS DISTINCT FROM status.certificate_number
UNION ALL
    SELECT 'a vehicle that no status row knows', vehicle.id::text
    FROM vehicles AS vehicle LEFT JOIN status
        ON status.new_vehicle_id = vehicle.id AND status.new_certificate_id = vehicle.certificate_id
    WHERE status.certificate_id IS NULL
UNION ALL
    SELECT 'a migrated status row without its vehicle', status.certificate_id::text
    FROM status LEFT JOIN vehicles AS vehicle ON vehicle.id = status.new_vehicle_id
    WHERE status.state = 'migrated' AND vehicle.id IS NULL
      AND (status.new_vehicle_id IS NOT NULL OR status.warnings = '[]')
UNION ALL
    SELECT 'a blocked certificate whose device is not blocked', certificate.certificate_number
    FROM certificates AS certificate JOIN devices AS device ON device.id = certificate.device_id
    WHERE certificate.status = 'blocked' AND NOT device.is_blocked
UNION ALL
    SELECT 'a new mapping that leads nowhere', entity || ' ' || old_id
    FROM certferry.mapping
    WHERE origin <> 'imported' AND NOT CASE entity
        WHEN 'customer' THEN EXISTS (SELECT FROM customers WHERE customers.id = mapping.new_id)
        WHEN 'technician' THEN EXISTS (SELECT FROM technicians WHERE technicians.id = mapping.new_id)
        ELSE EXISTS (SELECT FROM users WHERE users.id = mapping.new_id)
    END
UNION ALL
    SELECT 'a new customer whom not exactly one mapping created', customer.name
    FROM customers AS customer
    WHERE customer.id > $customer AND 1 <> (
        SELECT count(*) FROM certferry.mapping
        WHERE entity = 'customer' AND origin = 'created' AND new_id = customer.id)
UNION ALL
    SELECT 'a new technician whom not exactly one mapping created', technician.name
    FROM technicians AS technician
    WHERE technician.id > $technician AND 1 <> (
        SELECT count(*) FROM certferry.mapping
        WHERE entity = 'technician' AND origin = 'created' AND new_id = technician.id)
UNION ALL
    SELECT 'a queued certificate without a job, or a job of one that is not queued',
           coalesce(queued.certificate_id, job.certificate_id)::text
    FROM (SELECT * FROM status WHERE state = 'queued') AS queued FULL JOIN job USING (certificate_id)
    WHERE queued.certificate_id IS NULL OR job.certificate_id IS NULL
UNION ALL
    SELECT 'a certificate with two jobs', certificate_id::text FROM job GROUP BY certificate_id HAVING count(*) > 1
)
SELECT what, count(*), min(example) FROM wrong GROUP BY what";

/// What a world held when its certificates were enqueued, for comparing with later moments.
pub(crate) struct Conservation {
    disagreements: String,
    certificates: i64,
}

impl Conservation {
    /// To be called when everything is enqueued and no worker has begun.
    pub(crate) async fn of(world: &World) -> Self {
        let certificates = world.number("SELECT count(*) FROM certferry.certificate_status").await;
        Self::expecting(world, certificates).await
    }

    /// The same before everything is enqueued, where it is known how many certificates that will be.
    pub(crate) async fn expecting(world: &World, certificates: i64) -> Self {
        let highest = async |table: &str| world.number(&format!("SELECT coalesce(max(id), 0) FROM {table}")).await;
        let disagreements = DISAGREEMENTS
            .replace("$customer", &highest("customers").await.to_string())
            .replace("$technician", &highest("technicians").await.to_string());
        Self { disagreements, certificates }
    }

    /// Asserts that it is all still there, once and whole; workers may be at work meanwhile.
    pub(crate) async fn assert_holds(&self, world: &World) {
        self.assert_agreement(world).await;
        assert_eq!(world.number("SELECT count(*) FROM certferry.certificate_status").await, self.certificates);
    }

    /// Asserts that what there is so far agrees, while certificates are still being enqueued.
    pub(crate) async fn assert_agreement(&self, world: &World) {
        let rows = world.rows(&self.disagreements).await;
        let found: Vec<(String, i64, Option<String>)> =
            rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
        assert!(found.is_empty(), "found, with how many and one of them: {found:#?}");
    }
}
