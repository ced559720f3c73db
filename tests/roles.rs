//! The roles of `docs/roles.sql` on a real Postgres, and an SQLite file opened for reading.

use onelogin_simulator::Simulator;
use sqlx::error::DatabaseError;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use url::Url;

use crate::docs::read;
use crate::support::api::Api;
use crate::support::block_on;
use crate::support::outcome::{SINCE, assert_complete, assert_recorded, history, outcome};
use crate::support::postgres::Server;
use crate::support::program::Program;
use crate::support::tables::{Db, assert_rows};

const LOADER: &str = "onelogin_loader";

/// A database with the roles of the documentation, on a server of its own because roles belong to a server.
struct Roles {
    db: Db,
    _server: Server,
}

impl Roles {
    fn create() -> Self {
        let server = Server::own();
        let db = Db::Postgres(server.database());
        Program::new(&["migrate", "--database-url", &db.url()]).run().expect_code(0);
        let roles = read("docs/roles.sql");
        db.execute(&roles);
        // As after the next migration.
        db.execute(&roles);
        Self { db, _server: server }
    }

    /// The database's URL for one of the roles.
    fn url(&self, role: &str) -> String {
        let mut url: Url = self.db.url().parse().expect("a URL");
        url.set_username(role).expect("a URL with a host");
        url.into()
    }

    fn sync(&self, onelogin: &Simulator, api: Api, arguments: &[&str]) {
        let common = ["sync", "--format", "json", "--no-migrate", "--source", api.name()];
        let run = Program::new(&[&common, arguments].concat())
            .env("DATABASE_URL", self.url(LOADER))
            .env("ONELOGIN_BASE_URL", onelogin.url())
            .env("ONELOGIN_API_KEY", onelogin.key())
            .env("ONELOGIN_CLIENT_ID", onelogin.client_id())
            .env("ONELOGIN_CLIENT_SECRET", onelogin.client_secret());
        assert_recorded(&self.db, &outcome(run.run(), 0));
    }

    /// Asserts that Postgres refuses each statement for want of rights.
    #[track_caller]
    fn assert_refused(&self, role: &str, statements: &[&str]) {
        for sql in statements {
            let error = self.run_as(role, sql).expect_err(sql);
            let code = error.as_database_error().and_then(DatabaseError::code).unwrap_or_default();
            assert_eq!(code, "42501", "{role}: {sql}: {error}");
        }
    }

    fn run_as(&self, role: &str, sql: &str) -> Result<(), sqlx::Error> {
        block_on(async {
            let mut connection = PgConnection::connect(&self.url(role)).await?;
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.map(drop)
        })
    }
}

#[test]
fn the_loader_completes_first_and_everyday_runs() {
    let onelogin = history(3_000);
    for api in [Api::Legacy, Api::Events] {
        let roles = Roles::create();

        roles.sync(&onelogin, api, &["--since", SINCE]);
        assert_complete(api, &onelogin, &roles.db);
        roles.sync(&onelogin, api, &[]);
        assert_complete(api, &onelogin, &roles.db);

        Program::new(&["status"]).env("DATABASE_URL", roles.url(LOADER)).run().expect_code(0);
    }
}

#[test]
fn the_loader_changes_no_schema_and_deletes_no_failure() {
    let roles = Roles::create();

    roles.assert_refused(
        LOADER,
        &[
            "drop table users",
            "alter table users add note text",
            "create table notes (note text)",
            "truncate provisioning_failures",
            "delete from provisioning_failures",
            "delete from users",
            "update refinery_schema_history set checksum = '0'",
            "update data_dictionary set is_personal = false",
        ],
    );
    // A table of a later migration is missing here until `docs/roles.sql` grants it.
    assert_rows(
        &roles.db.rows(
            "select string_agg(c.relname, ' ' order by c.relname) from pg_class c
             where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
               and not has_table_privilege('onelogin_loader', c.oid, 'insert')",
        ),
        &[&["calendar_days calendar_months data_dictionary refinery_schema_history"]],
    );
}

#[test]
fn a_read_only_uri_of_a_file_reads_and_does_not_write() {
    let (db, onelogin) = (Db::sqlite(), history(60));
    Api::Legacy.sync_ok(&onelogin, &db, &["--since", SINCE]);
    let url = format!("{}?mode=ro", db.url());
    let run = |sql: &str| {
        block_on(async {
            let mut connection = SqliteConnection::connect(&url).await?;
            sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&mut connection).await
        })
    };

    let failures = run("select failure_id from failures").expect("it can be read");
    let error = run("delete from provisioning_failures").expect_err("it cannot be written");

    assert_eq!(failures.len(), 60);
    assert!(error.to_string().contains("readonly database"), "{error}");
    Program::new(&["status", "--database-url", &url]).run().expect_code(0);
    assert_complete(Api::Legacy, &onelogin, &db);
}
