//! The one form of a time in SQLite, and the types that its columns declare.

use std::fs;

use regex::Regex;

use super::keys::files;
use super::{migrate, root};
use crate::support::api::{Api, put_event};
use crate::support::onelogin::{at, empty, put, record};
use crate::support::tables::{Db, assert_rows};

const NOON: &str = "2026-03-20T12:00:00Z";
const TIME: &str = "2026-03-20T11:00:00Z";

/// Columns that are declared as a time, and hold something else.
fn other_forms(db: &Db) -> Vec<Vec<String>> {
    let columns = "select t.name, c.name from sqlite_master t, pragma_table_info(t.name) c
        where t.type = 'table' and c.type = 'datetime'";
    let columns = db.rows(columns);
    assert!(columns.len() > 25, "{columns:?}");
    let other = columns.iter().map(|column| {
        let [table, column] = &column[..] else { panic!("two columns") };
        format!(
            "select '{table}.{column}', {column} from {table}
             where {column} not like '____-__-__ __:__:__.___+00:00' or typeof({column}) not in ('text', 'null')"
        )
    });
    db.rows(&other.collect::<Vec<_>>().join(" union all "))
}

#[test]
fn sqlite_holds_every_time_in_one_form() {
    let (db, onelogin) = (Db::sqlite(), empty(NOON));
    let since = ["--since", "2026-03-20", "--max-rejects", "9"];
    put(&onelogin, TIME, record(1, TIME, 1).to_json());
    put(&onelogin, TIME, r#"{"id":null}"#);
    put_event(&onelogin, onelogin_simulator::EventRecord::new(1, at(TIME), 61, 1));
    put_event(&onelogin, onelogin_simulator::EventRecord::new(2, at(TIME), 51, 1));
    for api in [Api::Legacy, Api::Events] {
        for _ in 0..2 {
            api.sync(&onelogin, &db, &since).run().expect_code(0);
        }
    }

    let written = [
        "users",
        "provisioning_failures",
        "provisioning_successes",
        "rejected_records",
        "watermarks",
    ];
    assert!(written.iter().all(|table| db.count(table) > 0), "{written:?}");
    assert_rows(&other_forms(&db), &[]);
    let scanned = "select distinct length(scanned_through), length(updated_at) from watermarks";
    assert_rows(&db.rows(scanned), &[&["29", "29"]]);
}

#[test]
fn sqlite_declares_times_flags_records_and_ids_as_what_they_are() {
    let (sqlite, postgres) = (Db::sqlite(), Db::postgres());
    for db in [&sqlite, &postgres] {
        migrate(db, &[]).run().expect_code(0);
    }
    let declared = sqlite.rows(
        "select t.name, c.name, case lower(c.type) when 'datetime' then 'timestamp with time zone'
             when 'integer' then 'bigint' when 'real' then 'double precision' else lower(c.type) end
         from sqlite_master t, pragma_table_info(t.name) c
         where t.type = 'table' and t.name not like 'refinery%' and t.name not like 'sqlite%'
         order by t.name, c.cid",
    );
    let expected = postgres.rows(
        "select table_name, column_name, case data_type when 'integer' then 'bigint' else data_type end
         from information_schema.columns c
         where table_schema = 'public' and table_name not like 'refinery%'
           and exists (select 1 from pg_tables t where t.tablename = c.table_name)
         order by table_name collate \"C\", ordinal_position",
    );
    let expected: Vec<Vec<&str>> =
        expected.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
    assert_rows(&declared, &expected.iter().map(Vec::as_slice).collect::<Vec<_>>());
}

/// The driver would write a time in another form, and SQLite would compare it as a text, without an error.
#[test]
fn no_statement_binds_a_time_but_as_the_type_that_has_its_form() {
    let bind = Regex::new(r"\.bind\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)").expect("a pattern");
    let no_time = Regex::new(concat!(
        r"^Id\(|^count\(|^Time\(|\.map\(Time\)$|account$|\.as_str\(\)$|token$|^owner$|limit\b|^LOCK$",
        r"|^ABANDONED$|exit_code|error\b|^env!\(|^read_from$|_id$|_day$|_month$|^name$|^fingerprint$|_user$|^is_due$|^step\.|^through$",
        r"|^part$|^type_id$|^None::<bool>$|one_type$|^(begin|day)$|^next\.unwrap_or\(LAST_DAY|^midnight\(|densest$|^page$|num_seconds\(\)\)$|density\.last$|part_read$|failures_only$|^version$|are_users_distinct$|^names$|^is_from_file$"
    ));
    let no_time = no_time.expect("a pattern");
    let mut seen = 0;
    for file in files(&root().join("src/store")) {
        if file.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = fs::read_to_string(&file).expect("a text");
        for bound in bind.captures_iter(&text) {
            seen += 1;
            let (file, bound) = (file.display(), &bound[1]);
            assert!(
                no_time.is_match(bound),
                "{file}: .bind({bound}): a time is bound as Time(…); name another value in this test"
            );
        }
    }
    assert!(seen > 60, "{seen} values");
}
