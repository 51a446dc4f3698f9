//! Generated data sets: the same from the same seed, as bad as asked, and loaded whole.

use std::collections::{HashMap, HashSet};
use std::fs;

use certferry_testkit::generator::{Contents, Dataset, Fault};
use certferry_testkit::postgres::{Database, Template};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

type Outcome = Result<(), Box<dyn std::error::Error>>;

async fn number(connection: &mut PgConnection, statement: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(AssertSqlSafe(statement.to_owned())).fetch_one(connection).await
}

#[test]
fn the_same_seed_makes_the_same_certificates_in_any_order() {
    let dataset = Dataset::messy(7, 20_000);
    let forwards: Vec<_> = (1..200).map(|id| dataset.certificate(id)).collect();
    let mut backwards: Vec<_> = (1..200).rev().map(|id| Dataset::messy(7, 20_000).certificate(id)).collect();
    backwards.reverse();
    assert_eq!(forwards, backwards);
    assert_ne!(dataset.certificate(1), Dataset::messy(8, 20_000).certificate(1));
}

#[test]
fn as_many_are_bad_as_asked_and_of_every_kind() {
    let dataset = Dataset::messy(7, 20_000);
    let bad = dataset.faults();
    assert!((3_300..3_900).contains(&bad), "{bad} of 20,000");
    let kinds: Vec<_> = (1..=20_000).filter_map(|id| dataset.fault(id)).collect();
    assert!(
        kinds.contains(&Fault::NumberTaken) && kinds.contains(&Fault::NoIssueDate) && kinds.contains(&Fault::Several)
    );

    assert_eq!(Dataset { bad_share: 0.0, ..dataset }.faults(), 0);
    assert_eq!(Dataset { bad_share: 1.0, ..dataset }.faults(), 20_000);
}

#[test]
fn a_taken_number_belongs_to_one_good_certificate() {
    let dataset = Dataset::messy(7, 20_000);
    let mut owners: HashMap<_, Vec<u64>> = HashMap::new();
    for id in 1..=20_000 {
        owners.entry(dataset.certificate(id).certificate_number.unwrap()).or_default().push(id);
    }
    let takers: Vec<_> = (1..=20_000).filter(|id| dataset.fault(*id) == Some(Fault::NumberTaken)).collect();
    assert!(!takers.is_empty());
    for taker in takers {
        let sharing = &owners[&dataset.certificate(taker).certificate_number.unwrap()];
        assert_eq!(sharing.iter().filter(|id| dataset.fault(**id).is_none()).count(), 1, "{sharing:?}");
    }
}

#[test]
fn a_benchmark_has_every_number_once() {
    let dataset = Dataset::benchmark(7, 20_000);
    let mut seen = HashSet::new();
    for id in 1..=20_000 {
        let number = dataset.certificate(id).certificate_number.unwrap();
        assert!(number.len() < 10 || seen.insert(number.clone()), "{number} is there twice");
    }
    assert!(seen.len() > 19_000);
    assert!((800..1_200).contains(&dataset.faults()));
}

#[tokio::test]
async fn a_data_set_is_loaded_whole_and_known_again() -> Outcome {
    let dataset = Dataset::messy(7, 3_000);
    let (source, destination) =
        tokio::try_join!(Database::fresh(Template::empty()), Database::fresh(Template::empty()))?;
    assert_eq!(dataset.contents(&source.url()).await?, Contents::Nothing);
    dataset.load_source(&source.url()).await?;
    dataset.load_destination(&destination.url()).await?;
    assert_eq!(dataset.contents(&source.url()).await?, Contents::ThisDataset);
    assert_eq!(dataset.contents(&destination.url()).await?, Contents::ThisDataset);
    let other = Dataset::messy(8, 3_000);
    assert_eq!(other.contents(&destination.url()).await?, Contents::SomethingElse("public.customers".to_owned()));

    let mut connection = PgConnection::connect(&source.url()).await?;
    assert_eq!(number(&mut connection, "SELECT count(*) FROM certificates").await?, 3_000);
    let dangling = "SELECT count(*) FROM technicians t LEFT JOIN users u ON u.id = t.user_id WHERE u.id IS NULL";
    assert_eq!(number(&mut connection, dangling).await?, 0);
    let mut connection = PgConnection::connect(&destination.url()).await?;
    assert_eq!(number(&mut connection, "SELECT count(*) FROM devices").await?, 2_400);
    let renamed = "SELECT count(*) FROM customers WHERE name LIKE '%(renamed)'";
    assert!(number(&mut connection, renamed).await? > 0);
    let next = "INSERT INTO devices (ecu_number) VALUES ('NEW') RETURNING id";
    assert_eq!(number(&mut connection, next).await?, 52_400);
    Ok(())
}

#[tokio::test]
async fn mappings_name_what_the_destination_has() -> Outcome {
    let dataset = Dataset::messy(7, 3_000);
    let folder = tempfile::tempdir()?;
    dataset.write_mappings(&folder.path().join("mappings"))?;
    let database = Database::fresh(Template::empty()).await?;
    dataset.load_destination(&database.url()).await?;
    let mut connection = PgConnection::connect(&database.url()).await?;
    for (file, table) in
        [("user_mappings", "users"), ("customer_mappings", "customers"), ("technicians_mapping", "technicians")]
    {
        let text = fs::read_to_string(folder.path().join(format!("mappings/{file}.json")))?;
        let statement = format!(
            "SELECT count(*) FROM json_each_text('{text}') AS mapping LEFT JOIN {table} AS new ON new.id = mapping.value::bigint \
             WHERE new.id IS NULL"
        );
        assert_eq!(number(&mut connection, &statement).await?, 0, "{file}");
        assert!(text.lines().count() > 5, "{file}");
    }
    Ok(())
}
