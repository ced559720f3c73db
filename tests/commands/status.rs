//! `status`: where the copy stands, for people, programs and monitors.

use chrono::{SubsecRound, Utc};
use onelogin_simulator::{Config, Entry, Record, Simulator};
use serde_json::{Value, json};

use crate::support::onelogin::{at, empty, start, sync, sync_ok};
use crate::support::program::Program;
use crate::support::tables::{Db, on_both};

const SINCE: &str = "2026-03-18T00:00:00Z";

fn status(db: &Db, arguments: &[&str]) -> Program {
    Program::new(&[&["status"], arguments].concat()).env("DATABASE_URL", db.url())
}

/// Two failures and a record that cannot be read; it is noon on 20 March 2026.
fn onelogin() -> Simulator {
    let onelogin = empty("2026-03-20T12:00:00Z");
    for (id, time) in [(1, "2026-03-19T09:00:00Z"), (2, "2026-03-20T10:30:00Z")] {
        onelogin.put(Entry::new(at(time), Record::new(id, at(time), 7).to_json()));
    }
    onelogin.put(Entry::new(at("2026-03-20T11:00:00Z"), "[1]"));
    onelogin
}

fn migrated(db: &Db) {
    Program::new(&["migrate"]).env("DATABASE_URL", db.url()).run().expect_code(0);
}

on_both!(status_shows_people_how_far_the_copy_has_got, |db| {
    let onelogin = onelogin();
    sync_ok(&onelogin, db, &["--since", SINCE, "--max-rejects", "1"]);

    let printed = status(db, &[]).run().expect_code(0).stdout;

    assert_eq!(
        without_times_of_today(&printed.replace(&onelogin.addr().to_string(), "HOST")),
        "account default, source legacy\n  \
           scanned through  2026-03-20T12:00:00Z (… ago)\n  \
           newest record    2026-03-20T10:30:00Z (… ago)\n  \
           last run         succeeded, exit 0, began …\n  \
           read from        HOST\n  \
           day re-read      2026-03-20T12:00:00Z\n  \
           hour re-read     2026-03-20T12:00:00Z\n  \
           week re-read     2026-03-20T12:00:00Z\n  \
           cases            0 open, 1 unknown\n  \
           open rejects     1\n"
    );
});

on_both!(status_shows_what_went_wrong, |db| {
    let onelogin = onelogin();
    let job = sync(&onelogin, db, &["--since", SINCE]).env("ONELOGIN_API_KEY", "wrong");
    job.run().expect_code(77);

    let printed = status(db, &[]).run().expect_code(0).stdout;

    let expected = "account default, source legacy\n  \
           scanned through  -\n  \
           newest record    -\n  \
           last run         failed, exit 77, began …\n                   ";
    let printed = without_times_of_today(&printed);
    assert!(printed.starts_with(expected), "{printed}");
    assert!(printed.ends_with("\n  open rejects     0\n"), "{printed}");
    assert!(!printed.contains("wrong"), "the key is not shown: {printed}");
});

on_both!(status_shows_programs_the_same, |db| {
    sync_ok(&onelogin(), db, &["--since", SINCE, "--max-rejects", "1"]);

    let mut printed = status(db, &["--format", "json"]).run().expect_code(0).json();

    let masked = ["run_id", "started_at", "finished_at"];
    for name in masked {
        assert!(printed[0]["last_run"][name].take().is_string(), "{name}");
    }
    assert!(printed[0]["read_from"].take().is_string());
    for name in ["mark_age_seconds", "scan_age_seconds"] {
        assert!(printed[0][name].take().is_i64(), "{name}");
    }
    let rereads = ["day", "hour", "week"].map(|span| {
        json!({
            "span": span,
            "read_at": "2026-03-20T12:00:00Z",
            "part_read": 1.0,
            "is_failures_only": false,
            "next_from": null,
            "next_until": null,
        })
    });
    assert_eq!(
        printed,
        json!([{
            "account": "default",
            "source": "legacy",
            "high_water_mark": "2026-03-20T10:30:00Z",
            "scanned_through": "2026-03-20T12:00:00Z",
            "mark_age_seconds": null,
            "scan_age_seconds": null,
            "last_run": {
                "run_id": null,
                "status": "succeeded",
                "started_at": null,
                "finished_at": null,
                "exit_code": 0,
                "error": null,
            },
            "open_rejects": 1,
            "open_cases": 0,
            "unknown_cases": 1,
            "read_from": null,
            "is_watermark_ahead": false,
            "rereads": rereads,
        }])
    );
});

on_both!(status_knows_each_account, |db| {
    for account in ["b", "a"] {
        let arguments = ["--since", SINCE, "--max-rejects", "1", "--account", account];
        sync_ok(&onelogin(), db, &arguments);
    }

    let accounts = |arguments: &[&str]| -> Vec<Value> {
        let all = status(db, &[&["--format", "json"], arguments].concat()).run();
        let all = all.expect_code(0).json();
        all.as_array().expect("an array").iter().map(|one| one["account"].clone()).collect()
    };

    assert_eq!(accounts(&[]), ["a", "b"]);
    assert_eq!(accounts(&["--account", "b"]), ["b"]);
    let unknown = status(db, &["--account", "c"]).run().expect_code(78);
    assert!(unknown.stderr.contains("account c was never synced"), "{unknown}");
    assert!(unknown.stderr.contains("a, b"), "{unknown}");
});

on_both!(a_copy_older_than_max_age_is_75, |db| {
    // A clock that shows the present, since ages are counted from it.
    let now = Utc::now().trunc_subsecs(0);
    let onelogin = start(Config { failures: 0, now, ..Config::default() });
    sync_ok(&onelogin, db, &[]);
    status(db, &["--max-age", "1h"]).run().expect_code(0);

    db.execute("update watermarks set scanned_through = '2026-03-20 12:00:00.000+00:00'");
    let stale = status(db, &["--max-age", "1h"]).run().expect_code(75);

    assert!(stale.stdout.contains("scanned through  2026-03-20T12:00:00Z"), "{stale}");
    assert!(stale.stderr.contains("longer ago than 1h"), "{stale}");
});

on_both!(a_copy_that_was_never_made_is_75_with_max_age, |db| {
    migrated(db);
    assert_eq!(status(db, &[]).run().expect_code(0).stdout, "no run yet\n");

    let never = status(db, &["--max-age", "1h"]).run().expect_code(75);
    assert!(never.stderr.contains("nothing was ever scanned"), "{never}");

    // Nor does a run that failed count.
    sync(&onelogin(), db, &[]).env("ONELOGIN_API_KEY", "wrong").run().expect_code(77);
    let never = status(db, &["--max-age", "1h"]).run().expect_code(75);
    assert!(never.stderr.contains("never scanned"), "{never}");
});

#[test]
fn status_makes_no_file() {
    let db = Db::sqlite();
    let Db::Sqlite(directory) = &db else { unreachable!("just made") };

    let missing = status(&db, &[]).run().expect_code(78);

    assert!(missing.stderr.contains("onelogin.db"), "{missing}");
    assert_eq!(directory.path().read_dir().expect("it is there").count(), 0);
}

on_both!(a_database_without_the_tables_is_78, |db| {
    db.execute("create table visitor (id integer)");
    let refused = status(db, &[]).run().expect_code(78);
    assert!(refused.stderr.contains("onelogin-sync migrate"), "{refused}");
    assert_eq!(refused.stdout, "");
});

/// Ages and the start of the run change from day to day.
fn without_times_of_today(text: &str) -> String {
    let mask = |line: &str| match (line.split_once(" ("), line.split_once("began ")) {
        (Some((before, _)), _) => format!("{before} (… ago)\n"),
        (None, Some((before, _))) => format!("{before}began …\n"),
        (None, None) => format!("{line}\n"),
    };
    text.lines().map(mask).collect()
}
