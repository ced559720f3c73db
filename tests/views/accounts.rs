//! A question about one account takes as long among many accounts as alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use onelogin_simulator::Config;
use sqlx::AssertSqlSafe;

use crate::support::api::Api;
use crate::support::block_on;
use crate::support::onelogin::start;
use crate::support::tables::Db;

const OTHERS: u32 = 20;
/// Steps between two counts.
const COUNTED: u64 = 100;
/// Steps for the other accounts themselves, of which some views read a row or two each.
const PER_ACCOUNT: u64 = 1_000;

/// The steps of SQLite's virtual machine that a question takes, which are the same each time.
fn steps(db: &Db, sql: &str) -> u64 {
    let counts = Arc::new(AtomicU64::new(0));
    block_on(async {
        let mut connection = db.connect_sqlite().await.expect("the file is there");
        let counter = Arc::clone(&counts);
        let mut handle = connection.lock_handle().await.expect("nobody else uses it");
        handle.set_progress_handler(i32::try_from(COUNTED).expect("few"), move || {
            counter.fetch_add(1, Ordering::Relaxed);
            true
        });
        drop(handle);
        let query = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&mut connection).await;
        query.unwrap_or_else(|error| panic!("{error}, in {sql}"));
    });
    counts.load(Ordering::Relaxed) * COUNTED
}

/// Copies the rows of the account to others.
fn copy(db: &Db) {
    let tables = "select m.name from sqlite_schema m join pragma_table_info(m.name) c
        where m.type = 'table' and c.name = 'account'";
    for table in db.rows(tables) {
        let table = &table[0];
        let columns = db.rows(&format!(
            "select name from pragma_table_info('{table}') where name <> 'account' order by cid"
        ));
        let columns: Vec<&str> = columns.iter().map(|row| row[0].as_str()).collect();
        let columns = columns.join(", ");
        for n in 0..OTHERS {
            db.execute(&format!(
                "insert into {table} (account, {columns}) select 'account {n}', {columns} from {table}
                 where account = 'default'"
            ));
        }
    }
}

#[test]
fn a_question_takes_no_more_steps_among_many_accounts_or_without_one() {
    let (db, onelogin) = (Db::sqlite(), start(Config { failures: 2_000, ..Config::default() }));
    for api in [Api::Legacy, Api::Events] {
        api.sync_ok(&onelogin, &db, &["--since", "2026-01-01", "--refresh-people", "never"]);
    }
    let views = "select m.name from sqlite_schema m join pragma_table_info(m.name) c
        where m.type = 'view' and c.name = 'account' order by 1";
    let questions: Vec<String> = db
        .rows(views)
        .into_iter()
        .map(|view| format!("select * from {} where account = 'default'", view[0]))
        .collect();
    let alone: Vec<u64> = questions.iter().map(|question| steps(&db, question)).collect();
    let mut more = Vec::new();
    for (question, alone) in questions.iter().zip(&alone) {
        let (without, _) = question.split_once(" where").expect("an account");
        let steps = steps(&db, without);
        if steps > alone * 2 + PER_ACCOUNT {
            more.push(format!(
                "{without}: {alone} steps with its one account named, {steps} without"
            ));
        }
    }
    copy(&db);

    for (question, alone) in questions.iter().zip(&alone) {
        let among = steps(&db, question);
        if among > alone * 13 / 10 + u64::from(OTHERS) * PER_ACCOUNT {
            more.push(format!("{question}: {alone} steps alone, {among} among others"));
        }
    }
    assert!(questions.len() > 20 && alone.iter().sum::<u64>() > 1_000_000, "{alone:?}");
    assert!(more.is_empty(), "{}", more.join("\n"));
}
