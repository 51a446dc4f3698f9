//! One suite that every reader passes: on PostgreSQL, on MariaDB and on SQLite.

mod cases;
mod checking;
mod ids;
mod legacy;
mod reading;
mod sessions;
mod trouble;
mod values;

/// Makes a test of each engine of every function named, which takes an empty [`legacy::Legacy`] of that engine.
macro_rules! on_every_engine {
    ($($test:ident),* $(,)?) => {
        mod on_postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::legacy::Legacy::empty(crate::legacy::Engine::Postgres).await).await;
            })*
        }
        mod on_mariadb {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::legacy::Legacy::empty(crate::legacy::Engine::Mariadb).await).await;
            })*
        }
        mod on_sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::legacy::Legacy::empty(crate::legacy::Engine::Sqlite).await).await;
            })*
        }
    };
}
pub(crate) use on_every_engine;
