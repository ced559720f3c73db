//! The roles of `docs/roles.sql` on a real Postgres, and an SQLite file opened for reading.

use onelogin_simulator::Simulator;
use sqlx::error::DatabaseError;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};
use url::Url;

use crate::docs::read;
use crate::support::api::Api;
use crate::support::block_on;
use crate::support::outcome::{SINCE, assert_complete, assert_recorded, history, outcome};
use crate::support::postgres::Server;
use crate::support::program::Program;
use crate::support::tables::{Db, assert_rows};

const LOADER: &str = "onelogin_loader";
const READER: &str = "onelogin_reader";
/// Every column of a view that the reader may select, as a query of its view's rows.
const SELECTED: &str =
    "select 'select ' || string_agg(quote_ident(a.attname), ', ') || ' from ' || c.relname
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'v'
      and has_column_privilege('onelogin_reader', c.oid, a.attnum, 'select')
    group by c.relname order by c.relname";
/// Columns of views that the reader may not select, and the number of views that have them.
const HIDDEN: &str = "select a.attname, count(*)
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'v'
      and not has_column_privilege('onelogin_reader', c.oid, a.attnum, 'select')
    group by a.attname order by a.attname";

const VIEWS: &str = "select viewname from pg_views where schemaname = 'public'";

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

    /// The rows of statements that a role runs, every value as text.
    fn run_as(&self, role: &str, sql: &str) -> Result<Vec<Vec<String>>, sqlx::Error> {
        let rows = block_on(async {
            let mut connection = PgConnection::connect(&self.url(role)).await?;
            sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&mut connection).await
        })?;
        let text = |row: &PgRow, column: usize| {
            let value = row.try_get_raw(column).expect("a column");
            value.as_str().unwrap_or_default().to_owned()
        };
        Ok(rows.iter().map(|row| (0..row.len()).map(|i| text(row, i)).collect()).collect())
    }
}

#[test]
fn the_loader_completes_first_and_everyday_runs_and_a_rebuild() {
    let onelogin = history(3_000);
    for api in [Api::Legacy, Api::Events] {
        let roles = Roles::create();

        roles.sync(&onelogin, api, &["--since", SINCE]);
        assert_complete(api, &onelogin, &roles.db);
        roles.sync(&onelogin, api, &[]);
        assert_complete(api, &onelogin, &roles.db);

        for command in [&["migrate", "--rebuild"][..], &["status"]] {
            Program::new(command).env("DATABASE_URL", roles.url(LOADER)).run().expect_code(0);
        }
    }
}

#[test]
fn the_loader_may_leave_event_types_out() {
    let (onelogin, roles) = (history(60), Roles::create());
    roles.sync(&onelogin, Api::Events, &["--since", SINCE]);

    for types in ["61,62", "61,62,63"] {
        roles.sync(&onelogin, Api::Events, &["--event-types", types]);
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
fn the_reader_sees_every_view_and_no_name() {
    let (roles, onelogin) = (Roles::create(), history(3_000));
    roles.sync(&onelogin, Api::Events, &["--since", SINCE]);

    // As autovacuum does within a minute.
    roles.db.execute("analyze");

    let hidden = roles.db.rows(HIDDEN);
    let names: Vec<&str> = hidden.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(
        names,
        [
            "description",
            "display_name",
            "email",
            "error_description",
            "firstname",
            "lastname",
            "resolution",
            "status_detail",
            "user_email_addr",
            "user_name",
            "username"
        ]
    );

    let people = roles.db.rows(
        "select distinct unnest(array[email, username, display_name, firstname || ' ' || lastname])
         from users where email is not null",
    );
    assert!(people.len() > 100, "{people:?}");
    let queries = roles.db.rows(SELECTED).concat();
    assert_eq!(queries.len(), roles.db.rows(VIEWS).len(), "each view has columns to read");
    for query in queries {
        let rows = roles.run_as(READER, &query).unwrap_or_else(|error| panic!("{query}: {error}"));
        for text in rows.iter().flatten() {
            let seen = people.iter().find(|name| text.contains(&name[0]));
            assert_eq!(seen, None, "{query} shows a name");
        }
    }
    Program::new(&["status"]).env("DATABASE_URL", roles.url(READER)).run().expect_code(0);
}

#[test]
fn with_the_errors_the_reader_makes_a_report_without_people() {
    let (roles, onelogin) = (Roles::create(), history(300));
    roles.sync(&onelogin, Api::Events, &["--since", SINCE]);
    let report = |url: &str, arguments: &[&str]| {
        let arguments = [&["report", "--format", "json"], arguments].concat();
        Program::new(&arguments).env("DATABASE_URL", url).run()
    };
    let grant = "grant select on error_texts to onelogin_reader;";
    assert!(read("docs/security.md").contains(grant));
    roles.db.execute(grant);

    let own = report(&roles.db.url(), &["--no-people"]).expect_code(0).json();
    let readers = report(&roles.url(READER), &["--no-people"]).expect_code(0).json();

    assert_eq!(readers["failures"], 300);
    assert_eq!(readers, own);
    let refused = report(&roles.url(READER), &[]);
    let refused = refused.expect_code(78);
    let advice = "run: grant select on table outstanding_deprovisioning to onelogin_reader";
    assert!(refused.stderr.contains(advice), "{refused}");
}

#[test]
fn the_reader_writes_nothing_and_reads_no_table() {
    let roles = Roles::create();

    roles.assert_refused(
        READER,
        &[
            "select * from failures",
            "select email from failures",
            "select 1 from failures where email like 'a%'",
            "select error_description from open_cases",
            "select user_id from users",
            "select raw from provisioning_failures",
            "select raw from rejected_records",
            "begin read write; delete from users",
            "begin read write; update sync_runs set error = null",
            "begin read write; create table notes (note text)",
            "begin read write; drop view failures",
        ],
    );
    let settings = ["statement_timeout", "default_transaction_read_only", "jit"].map(|name| {
        roles.run_as(READER, &format!("show {name}")).expect("a setting").concat().concat()
    });
    assert_eq!(settings, ["1min", "on", "off"]);
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
