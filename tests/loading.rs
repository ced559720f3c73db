//! Many new records: rows that a first load writes without a look-up, and what lies among them.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use onelogin_simulator::{Config, Record};

use crate::support::onelogin::{
    all_records, assert_loaded, assert_same, at, counts, empty, put, record, rejects, start, sync,
    sync_ok, written,
};
use crate::support::program::Program;
use crate::support::tables::{Db, on_both};
use crate::support::transaction::Transaction;

const NOON: &str = "2026-03-20T12:00:00Z";
const TIME: &str = "2026-03-20T11:00:00Z";
const TODAY: [&str; 2] = ["--since", "2026-03-20"];
/// Records of a few batches.
const MANY: i64 = 3_300;

on_both!(a_stored_record_among_thousands_of_new_ones_is_found, |db| {
    let onelogin = empty(NOON);
    let middle = "2026-03-20T11:25:00Z";
    let stored = record(1, middle, 1);
    let number = put(&onelogin, middle, stored.to_json());
    sync_ok(&onelogin, db, &TODAY);
    onelogin.replace(number, Record { error_description: None, ..stored }.to_json());
    for id in 0..MANY {
        let time = (at(TIME) + TimeDelta::seconds(id)).to_rfc3339();
        put(&onelogin, &time, record(id + 10, &time, id % 7).to_json());
    }

    let outcome = sync_ok(&onelogin, db, &[]);

    assert_eq!(counts(&outcome), [3_301, 3_300, 1, 0, 0]);
    assert_loaded(db, &all_records(&onelogin));
    assert_eq!(counts(&sync_ok(&onelogin, db, &[])), [3_301, 0, 0, 3_301, 0]);
});

on_both!(a_record_that_comes_again_some_batches_later_is_written_once, |db| {
    let onelogin = empty(NOON);
    let first = record(1, TIME, 1);
    put(&onelogin, TIME, first.to_json());
    for id in 10..10 + MANY {
        put(&onelogin, TIME, record(id, TIME, id % 7).to_json());
    }
    put(&onelogin, TIME, first.to_json());
    put(&onelogin, TIME, Record { error_description: None, ..record(10, TIME, 3) }.to_json());

    let finished = sync(&onelogin, db, &TODAY).run().expect_code(65);

    assert_eq!(counts(&finished.json()), [3_303, 3_301, 0, 1, 1]);
    assert_loaded(db, &all_records(&onelogin));
});

/// Loads these records, in this order, into an empty database with this exit code. Asserts that the tables
/// hold what one load of them gives, that the next run changes nothing if there was no collision, and for
/// Postgres that batches were copied together. Returns the counts.
#[track_caller]
fn loaded(db: &Db, records: &[Record], code: i32) -> [u64; 5] {
    let onelogin = empty(NOON);
    for record in records {
        // The stand-in sorts by this time, and keeps the order of what has the same.
        put(&onelogin, TIME, record.to_json());
    }
    let run = sync(&onelogin, db, &TODAY).env("ONELOGIN_LOG_LEVEL", "debug").run();
    let finished = run.expect_code(code);
    assert_loaded(db, &all_records(&onelogin));
    let copied = finished.stderr.matches("batches copied in one statement").count();
    assert_eq!(copied > 0, matches!(db, Db::Postgres(_)), "{copied}");
    if code == 0 {
        let before = written(db);
        sync_ok(&onelogin, db, &[]);
        assert_same(&written(db), &before);
    }
    counts(&finished.json())
}

/// Records a second apart.
fn many() -> Vec<Record> {
    let of_second = |id| {
        let time = (at(TIME) + TimeDelta::seconds(id)).to_rfc3339();
        record(id + 1, &time, id % 7)
    };
    (0..MANY).map(of_second).collect()
}

/// The same failure with other content.
fn changed(record: &Record) -> Record {
    Record { error_description: None, ..record.clone() }
}

on_both!(an_answer_in_the_order_of_time_or_against_it_is_loaded, |db| {
    let mut records = many();
    assert_eq!(loaded(db, &records, 0), [3_300, 3_300, 0, 0, 0]);
    db.execute("delete from provisioning_failures; delete from users; delete from watermarks");
    records.reverse();
    assert_eq!(loaded(db, &records, 0), [3_300, 3_300, 0, 0, 0]);
});

on_both!(an_answer_with_everything_twice_is_loaded_once, |db| {
    let records = [many(), many()].concat();
    assert_eq!(loaded(db, &records, 0), [6_600, 3_300, 0, 3_300, 0]);
});

on_both!(batches_that_overlap_are_loaded_once, |db| {
    let mut records = many();
    let again = records[2_400..2_700].to_vec();
    records.splice(2_700..2_700, again);
    assert_eq!(loaded(db, &records, 0), [3_600, 3_300, 0, 300, 0]);
});

on_both!(of_two_colliding_records_the_last_is_kept_also_across_the_end_of_a_batch, |db| {
    let (before, colliding, after) = {
        let all = many();
        (all[..1_800].to_vec(), all[1_800..2_400].to_vec(), all[2_400..].to_vec())
    };
    // Each record comes again after the next one, so that a batch that ends here ends between two of them.
    let mut records = before;
    for (place, record) in colliding.iter().enumerate() {
        records.push(record.clone());
        records.extend(place.checked_sub(1).map(|before| changed(&colliding[before])));
    }
    records.extend(colliding.last().map(changed));
    records.extend(after);
    assert_eq!(loaded(db, &records, 65), [3_900, 3_300, 0, 0, 600]);
    assert_eq!(rejects(db).len(), 600);
});

/// The indexes of a database, with their texts but for line breaks, and for SQLite what its planner supposes of
/// them.
fn indexes(db: &Db) -> Vec<Vec<String>> {
    db.rows(match db {
        Db::Sqlite(_) => {
            "select name, replace(sql, char(10), ' ') from sqlite_schema
             where type = 'index' and sql is not null
             union all select coalesce(idx, tbl), stat from sqlite_stat1 order by 1, 2"
        }
        Db::Postgres(_) => {
            "select indexname::text, indexdef from pg_indexes where schemaname = 'public' order by 1"
        }
    })
}

fn migrate(db: &Db) {
    Program::new(&["migrate"]).env("DATABASE_URL", db.url()).run().expect_code(0);
}

const LATE: [&str; 2] = ["provisioning_failures_by_user", "provisioning_successes_by_user"];
const LOSE: &str =
    "drop index provisioning_failures_by_user; drop index provisioning_successes_by_user";

/// The indexes of a database without those of records by user.
fn without_late(indexes: &[Vec<String>]) -> Vec<Vec<String>> {
    indexes.iter().filter(|row| !LATE.contains(&row[0].as_str())).cloned().collect()
}

on_both!(a_first_load_ends_with_every_index, |db| {
    let onelogin = empty(NOON);
    migrate(db);
    let before = indexes(db);
    put(&onelogin, TIME, record(1, TIME, 1).to_json());

    sync_ok(&onelogin, db, &TODAY);

    assert_same(&indexes(db), &before);
});

on_both!(a_first_load_of_many_rows_ends_with_every_index, |db| {
    let config = Config { failures: 21_000, days: 3, now: at(NOON), ..Config::default() };
    let onelogin = start(config);
    migrate(db);
    let before = indexes(db);

    sync_ok(&onelogin, db, &["--since", "2026-03-10"]);

    assert!(db.count("provisioning_cases") > 10_000);
    assert_same(&indexes(db), &before);
});

on_both!(indexes_that_a_killed_first_load_left_out_are_made_by_the_next_command, |db| {
    let onelogin = empty(NOON);
    put(&onelogin, TIME, record(1, TIME, 1).to_json());
    sync_ok(&onelogin, db, &TODAY);
    let before = indexes(db);

    db.execute(LOSE);
    sync_ok(&onelogin, db, &[]);
    assert_same(&indexes(db), &before);

    db.execute(LOSE);
    migrate(db);
    assert_same(&indexes(db), &before);
});

on_both!(a_first_load_writes_without_the_indexes_by_user, |db| {
    let onelogin = empty(NOON);
    migrate(db);
    let before = indexes(db);
    put(&onelogin, TIME, record(1, TIME, 1).to_json());
    // So that the run ends before it can make them.
    db.execute("alter table users rename to moved");

    sync(&onelogin, db, &TODAY).run().expect_code(78);

    let names = |indexes: Vec<Vec<String>>| -> Vec<String> {
        indexes.into_iter().map(|row| row[0].clone()).collect()
    };
    let (now, then) = (names(indexes(db)), names(without_late(&before)));
    assert_eq!(now.iter().collect::<BTreeSet<_>>(), then.iter().collect::<BTreeSet<_>>());
    db.execute("alter table moved rename to users");
    assert_eq!(counts(&sync_ok(&onelogin, db, &TODAY)), [1, 1, 0, 0, 0]);
    assert_same(&indexes(db), &before);
});

on_both!(the_first_cases_are_written_without_their_indexes, |db| {
    let config = Config { failures: 21_000, days: 3, now: at(NOON), ..Config::default() };
    let onelogin = start(config);
    migrate(db);
    let before = indexes(db);
    let (refuse, accept) = match db {
        Db::Sqlite(_) => (
            "create trigger refuse before insert on provisioning_cases begin select raise(abort, 'refused'); end",
            "drop trigger refuse",
        ),
        Db::Postgres(_) => (
            "create function refuse() returns trigger language plpgsql as 'begin raise exception ''refused''; end';
            create trigger refuse before insert on provisioning_cases for each row execute function refuse()",
            "drop function refuse cascade",
        ),
    };
    db.execute(refuse);

    sync(&onelogin, db, &["--since", "2026-03-10"]).run().expect_code(74);

    let left: Vec<_> = indexes(db)
        .into_iter()
        .filter(|row| row[0].starts_with("provisioning_cases_") && !row[0].ends_with("_pkey"))
        .collect();
    assert_eq!(left, Vec::<Vec<String>>::new());
    db.execute(accept);
    sync_ok(&onelogin, db, &[]);
    assert!(db.count("provisioning_cases") > 10_000);
    assert_same(&indexes(db), &before);
});

#[test]
fn a_first_load_keeps_its_indexes_while_somebody_reads_the_tables() {
    let (onelogin, db) = (empty(NOON), Db::postgres());
    migrate(&db);
    let before = indexes(&db);
    put(&onelogin, TIME, record(1, TIME, 1).to_json());
    let _reader = Transaction::begin(&db, "select count(*) from provisioning_failures");

    assert_eq!(counts(&sync_ok(&onelogin, &db, &TODAY)), [1, 1, 0, 0, 0]);

    assert_same(&indexes(&db), &before);
}

/// The other index is made meanwhile. With both tables locked at once, a run that has written successes and then writes
/// failures could wait for this one, which waits for it.
#[test]
fn an_index_whose_table_others_write_is_left_to_the_next_run() {
    let (onelogin, db) = (empty(NOON), Db::postgres());
    put(&onelogin, TIME, record(1, TIME, 1).to_json());
    sync_ok(&onelogin, &db, &TODAY);
    let before = indexes(&db);
    for locked in LATE {
        db.execute(LOSE);
        let table = locked.trim_end_matches("_by_user");
        let writer = Transaction::begin(&db, &format!("lock table {table} in row exclusive mode"));

        let run = sync(&onelogin, &db, &[]).run().expect_code(0);

        assert!(run.stderr.contains("the next run makes it"), "{}", run.stderr);
        let expected: Vec<_> = before.iter().filter(|row| row[0] != locked).cloned().collect();
        assert_same(&indexes(&db), &expected);
        drop(writer);
        sync_ok(&onelogin, &db, &[]);
        assert_same(&indexes(&db), &before);
    }
}
