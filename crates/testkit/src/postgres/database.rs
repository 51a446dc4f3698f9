//! A database for each test, copied from a template.

use std::error::Error as StdError;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::server::quoted;
use super::{Address, Error, Result, Server};

type Outcome = Result<(), Box<dyn StdError + Send + Sync>>;
type Fill = Box<dyn FnOnce(String) -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send>;

/// What a new database holds. Each template is made once on a server, however many tests ask for it at the same time.
pub struct Template {
    name: String,
    fill: Fill,
}

impl Template {
    /// Nothing at all.
    #[must_use]
    pub fn empty() -> Self {
        Self::sql("empty", [])
    }

    /// What the statements make; each text may hold several. Other statements make another template, even under the
    /// same name.
    #[must_use]
    pub fn sql<'a>(name: &str, statements: impl IntoIterator<Item = &'a str>) -> Self {
        let statements: Vec<String> = statements.into_iter().map(str::to_owned).collect();
        Self::filled(name, &statements.clone(), |url| async move {
            let mut connection = PgConnection::connect(&url).await?;
            for statement in statements {
                sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
            }
            connection.close().await
        })
    }

    /// What `fill` makes of the empty database at the URL it is given. `version` stands for what `fill` would do: where
    /// it differs (a hash of the migrations, say), the template is another one, even under the same name.
    pub fn filled<F, Fut, E>(name: &str, version: &impl Hash, fill: F) -> Self
    where
        F: FnOnce(String) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let mut hasher = DefaultHasher::new();
        version.hash(&mut hasher);
        let fill: Fill = Box::new(move |url| Box::pin(async move { fill(url).await.map_err(Into::into) }));
        Self { name: format!("tmpl_{name}_{:016x}", hasher.finish()), fill }
    }

    /// Makes the template unless it is there already.
    async fn ensure(self, server: &Address) -> Result<String> {
        let Self { name, fill } = self;
        let mut connection = connect(server, &name).await?;
        let sql = |action: &'static str| {
            let subject = name.clone();
            move |source| Error::Sql { action, subject, source }
        };
        sqlx::query("SET lock_timeout = '120s'").execute(&mut connection).await.map_err(sql("wait for"))?;
        sqlx::query("SELECT pg_advisory_lock(hashtextextended($1, 0))")
            .bind(&name)
            .execute(&mut connection)
            .await
            .map_err(sql("wait for"))?;
        let made: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)")
                .bind(&name)
                .fetch_one(&mut connection)
                .await
                .map_err(sql("look for"))?;
        if !made {
            let database = quoted(&name);
            let create = [format!("DROP DATABASE IF EXISTS {database}"), format!("CREATE DATABASE {database}")];
            execute(&mut connection, create).await.map_err(sql("create the template database"))?;
            fill(server.url(&name)).await.map_err(|source| Error::Template { name: name.clone(), source })?;
            // A connection that `fill` left open would be in the way of every copy.
            let seal = [
                format!("ALTER DATABASE {database} ALLOW_CONNECTIONS false"),
                format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"),
                format!("ALTER DATABASE {database} IS_TEMPLATE true"),
            ];
            execute(&mut connection, seal).await.map_err(sql("seal the template database"))?;
        }
        connection.close().await.map_err(sql("leave"))?;
        Ok(name)
    }
}

async fn connect(server: &Address, database: &str) -> Result<PgConnection> {
    let sql = |source| Error::Sql {
        action: "connect to the private server, in order to make",
        subject: database.to_owned(),
        source,
    };
    PgConnection::connect(&server.url("postgres")).await.map_err(sql)
}

async fn execute(
    connection: &mut PgConnection,
    statements: impl IntoIterator<Item = String>,
) -> Result<(), sqlx::Error> {
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// A database of one test's own on the shared server. It is not dropped: it goes with the server.
#[derive(Debug, Clone)]
pub struct Database {
    name: String,
    server: Address,
}

impl Database {
    /// Makes a database from `template` on the shared server.
    pub async fn fresh(template: Template) -> Result<Self> {
        Self::on(&Server::shared().await?, template).await
    }

    /// Makes a database from `template` on a server of the caller's choice.
    pub async fn on(server: &Address, template: Template) -> Result<Self> {
        let template = template.ensure(server).await?;
        let name = format!("t_{:016x}", rand::random::<u64>());
        let sql = |source| Error::Sql { action: "create the database", subject: name.clone(), source };
        let mut connection = connect(server, &name).await?;
        let version: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::int")
            .fetch_one(&mut connection)
            .await
            .map_err(sql)?;
        // Copying files is the only way before PostgreSQL 15, and by far the faster one for a database this small.
        let strategy = if version >= 15_00_00 { " STRATEGY file_copy" } else { "" };
        let create = format!("CREATE DATABASE {} TEMPLATE {}{strategy}", quoted(&name), quoted(&template));
        execute(&mut connection, [create]).await.map_err(sql)?;
        connection.close().await.map_err(sql)?;
        Ok(Self { name, server: server.clone() })
    }

    /// The database's URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// The database's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}
