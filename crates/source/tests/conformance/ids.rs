//! Ids of every type, among rows that have none.

use certferry_certificate::OldId;
use certferry_source::{Entity, Selection, Settings, Source, Unaddressable};

use crate::legacy::{Engine, Legacy};
use crate::on_every_engine;

on_every_engine!(
    ids_of_every_type_are_sorted_by_number_and_found,
    rows_without_an_id_of_their_own_are_on_no_page,
    an_ecu_number_of_a_row_without_an_id_is_counted,
    repeated_ids_are_found_across_the_borders_of_pages,
    the_sources_own_count_is_of_what_was_seen,
);

/// The certificates of a table `strange`, which has `id` and, if so, `ecu`.
async fn strange(legacy: &Legacy, with_ecu: bool) -> Source {
    let others = &Entity::Certificates.columns()[1..];
    let column = |name: &&str| match *name {
        "ecu_number" if with_ecu => "ecu AS ecu_number".to_owned(),
        name => format!("NULL AS {name}"),
    };
    let columns: Vec<String> = others.iter().map(column).collect();
    let query = format!("SELECT id, {} FROM strange", columns.join(", "));
    legacy.source_with(&Settings { certificates: Some(query), ..Settings::default() }).await
}

/// All addressable ids page by page, and the rows that are not.
async fn all(source: &Source, limit: u32) -> (Vec<i64>, Unaddressable) {
    let (mut found, mut after) = (Vec::new(), None);
    let mut unaddressable = source.unreadable(&Selection::all()).await.expect("the unreadable");
    let mut repeated = 0;
    loop {
        let page = source.ids_page(after, limit, &Selection::all()).await.expect("a page");
        found.extend(page.ids.iter().map(|id| id.0));
        for id in page.repeated {
            repeated += id.rows;
            unaddressable.add_repeated(id);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let rows = source.rows_up_to(None).await.expect("a count");
    let readable = found.len() as u64 + repeated;
    assert_eq!(rows, readable + unaddressable.missing + unaddressable.unreadable, "every row counts once");
    (found, unaddressable)
}

async fn ids_of_every_type_are_sorted_by_number_and_found(legacy: Legacy) {
    let types: &[&str] = match legacy.engine {
        Engine::Postgres => &[
            "bigint",
            "integer",
            "numeric",
            "numeric(12, 2)",
            "real",
            "double precision",
            "text",
            "varchar(20)",
            "char(20)",
        ],
        Engine::Mariadb => &[
            "BIGINT",
            "INT",
            "DECIMAL(20, 2)",
            "FLOAT",
            "DOUBLE",
            "VARCHAR(20) COLLATE utf8mb4_bin",
            "VARCHAR(20) COLLATE utf8mb4_general_ci",
            "VARCHAR(20) CHARACTER SET ucs2",
            "CHAR(20)",
            "VARBINARY(20)",
            "BLOB",
        ],
        Engine::Sqlite => &["INTEGER", "BIGINT", "DECIMAL(20, 2)", "REAL", "TEXT", "BLOB", ""],
    };
    let mut ids: Vec<i64> = vec![-120, -7, 0, 2, 9, 10, 11, 100, 1_234_567, 16_777_216];
    let values: Vec<String> = ids.iter().rev().map(|id| format!("({id})")).collect();
    for id_type in types {
        legacy.execute(&format!("DROP TABLE IF EXISTS strange; CREATE TABLE strange (id {id_type})")).await;
        legacy.execute(&format!("INSERT INTO strange VALUES {}", values.join(", "))).await;
        let source = strange(&legacy, false).await;
        for limit in [1, 3, 10, 100] {
            let (found, unaddressable) = all(&source, limit).await;
            assert_eq!((found, unaddressable.rows()), (ids.clone(), 0), "{id_type} by {limit}");
        }
        let wanted = ids.iter().map(|id| OldId(*id)).chain([3, 16_777_217].map(OldId));
        let page = source.ids_page(None, 100, &Selection::all().with_ids(wanted)).await.expect("a page");
        assert_eq!(page.ids.iter().map(|id| id.0).collect::<Vec<_>>(), ids, "{id_type}");
        assert_eq!(page.absent, [3, 16_777_217].map(OldId), "{id_type}");
        let read = source.certificates(&page.ids).await.expect("certificates");
        assert_eq!(read.iter().map(|one| one.id.0).collect::<Vec<_>>(), ids, "{id_type}");
    }
    // The widest, at the ends of pages.
    ids = vec![i64::MIN, -1, i64::MAX - 1, i64::MAX];
    let values: Vec<String> = ids.iter().map(|id| format!("('{id}')")).collect();
    let types: &[&str] = match legacy.engine {
        Engine::Postgres => &["bigint", "numeric", "text"],
        Engine::Mariadb => &["BIGINT", "DECIMAL(30, 0)", "VARCHAR(30)"],
        Engine::Sqlite => &["INTEGER", "TEXT"],
    };
    for id_type in types {
        legacy.execute(&format!("DROP TABLE strange; CREATE TABLE strange (id {id_type})")).await;
        legacy.execute(&format!("INSERT INTO strange VALUES {}", values.join(", "))).await;
        let source = strange(&legacy, false).await;
        for limit in [1, 2, 4, 5] {
            assert_eq!(all(&source, limit).await.0, ids, "{id_type} by {limit}");
        }
    }
}

async fn rows_without_an_id_of_their_own_are_on_no_page(legacy: Legacy) {
    let tables: &[(&str, &str, &[i64], u64, u64)] = match legacy.engine {
        Engine::Postgres => &[
            (
                "text",
                "('1'), ('abc'), ('01'), ('1abc'), (' 3'), ('4.0'), (''), ('9223372036854775808'), (NULL)",
                &[1],
                1,
                7,
            ),
            ("numeric", "(1), (2.5), ('NaN'), (9223372036854775808), (1e30), (NULL), (-3.0)", &[-3, 1], 1, 4),
            (
                "float8",
                "(1), (2.5), ('NaN'), ('Infinity'), (9223372036854775808), (NULL), (1e15)",
                &[1, 1_000_000_000_000_000],
                1,
                4,
            ),
            ("uuid", "(gen_random_uuid())", &[], 0, 1),
            ("boolean", "(true), (NULL)", &[], 1, 1),
            ("jsonb", r#"('12'), ('"12"')"#, &[12], 0, 1),
        ],
        Engine::Mariadb => &[
            (
                "VARCHAR(20)",
                "('1'), ('abc'), ('01'), ('1abc'), (' 3'), ('4.0'), (''), ('9223372036854775808'), (NULL), ('5 ')",
                &[1],
                1,
                8,
            ),
            ("BIGINT UNSIGNED", "(1), (18446744073709551615), (9223372036854775807), (NULL)", &[1, i64::MAX], 1, 1),
            ("DECIMAL(30, 2)", "(1), (2.5), (9223372036854775808), (NULL), (-3)", &[-3, 1], 1, 2),
            ("DOUBLE", "(1), (2.5), (1e30), (9223372036854775808), (NULL), (1e15)", &[1, 1_000_000_000_000_000], 1, 3),
            ("INT(8) ZEROFILL", "(7), (12)", &[7, 12], 0, 0),
            ("BIT(64)", "(7), (18446744073709551615)", &[7], 0, 1),
            ("YEAR", "(2020)", &[2020], 0, 0),
            ("ENUM('30', 'x')", "('30'), ('x')", &[30], 0, 1),
            ("DATE", "('2020-01-01')", &[], 0, 1),
        ],
        Engine::Sqlite => &[
            ("INTEGER", "(1), (' 2 '), ('abc'), (2.5), (NULL), (x'31'), (1e30), (3.0)", &[1, 2, 3], 1, 4),
            (
                "TEXT",
                "(1), ('abc'), ('01'), ('1abc'), (' 3'), (4.5), (''), ('9223372036854775808'), (NULL)",
                &[1],
                1,
                7,
            ),
            (
                "",
                "(1), ('2'), ('abc'), (3.0), (4.5), (x'35'), (NULL), (9223372036854775807), (1e30)",
                &[1, 2, 3, i64::MAX],
                1,
                4,
            ),
        ],
    };
    for (id_type, values, ids, missing, unreadable) in tables {
        legacy.execute(&format!("DROP TABLE IF EXISTS strange; CREATE TABLE strange (id {id_type} NULL)")).await;
        legacy.execute(&format!("INSERT INTO strange VALUES {values}")).await;
        let source = strange(&legacy, false).await;
        for limit in [1, 2, 100] {
            let (found, unaddressable) = all(&source, limit).await;
            assert_eq!(found, *ids, "{id_type} by {limit}: {unaddressable:?}");
            assert_eq!(
                (unaddressable.missing, unaddressable.unreadable, unaddressable.repeated),
                (*missing, *unreadable, 0),
                "{id_type}: {unaddressable:?}"
            );
        }
        let wanted = Selection::all().with_ids((-10..40).map(OldId));
        let page = source.ids_page(None, 100, &wanted).await.expect("a page");
        let low: Vec<OldId> = ids.iter().filter(|id| (-10..40).contains(*id)).map(|id| OldId(*id)).collect();
        assert_eq!((page.ids, page.repeated.len()), (low, 0), "{id_type}: what is no id is found by none");
    }
}

async fn an_ecu_number_of_a_row_without_an_id_is_counted(legacy: Legacy) {
    legacy.execute("CREATE TABLE strange (id BIGINT, ecu VARCHAR(20))").await;
    legacy
        .execute("INSERT INTO strange VALUES (1, 'A'), (NULL, ' A '), (NULL, 'AB'), (2, 'A'), (2, 'B'), (NULL, NULL), (3, 'B')")
        .await;
    let source = strange(&legacy, true).await;
    let selection = Selection::all().with_ecu_numbers(["A"]);
    assert_eq!(source.unreadable(&selection).await.expect("the unreadable").missing, 1);
    let page = source.ids_page(None, 10, &selection).await.expect("a page");
    assert_eq!(page.ids, [OldId(1)]);
    assert_eq!(page.repeated.iter().map(|repeated| (repeated.id.0, repeated.rows)).collect::<Vec<_>>(), [(2, 2)]);
    // Another row has its id, though not its ECU number, and is on another page.
    let page = source.ids_page(Some(OldId(1)), 1, &selection).await.expect("a page");
    assert_eq!((page.ids.len(), page.repeated.len(), page.next), (0, 1, Some(OldId(2))));
}

async fn repeated_ids_are_found_across_the_borders_of_pages(legacy: Legacy) {
    legacy.execute("CREATE TABLE strange (id BIGINT, ecu VARCHAR(20)); CREATE INDEX of_id ON strange (id)").await;
    legacy.execute("INSERT INTO strange (id) VALUES (1), (2), (2), (2), (3), (4), (4), (5), (5)").await;
    let source = strange(&legacy, true).await;
    for limit in [1, 2, 3, 4, 5, 10] {
        let (found, unaddressable) = all(&source, limit).await;
        assert_eq!(found, [1, 3], "by {limit}");
        assert_eq!(unaddressable.to_string(), "7 whose id another row has too: 2 (3 rows), 4 (2 rows), 5 (2 rows)");
    }
    let checks = source.check().await.expect("a check");
    assert_eq!(checks[0].unaddressable.as_ref().map(Unaddressable::rows), Some(7));
}

async fn the_sources_own_count_is_of_what_was_seen(legacy: Legacy) {
    legacy.execute("CREATE TABLE strange (id BIGINT); INSERT INTO strange VALUES (-5), (1), (2), (NULL), (9)").await;
    let source = strange(&legacy, false).await;
    for (last, rows) in [(None, 5), (Some(-5), 2), (Some(2), 4), (Some(8), 4), (Some(i64::MAX), 5)] {
        assert_eq!(source.rows_up_to(last.map(OldId)).await.expect("a count"), rows, "{last:?}");
    }
}
