//! Wrong clocks: the server's, a cache's, ours, and what was stored under one of them.

use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use onelogin_simulator::{Config, DateHeader, Endpoint, Fault, Simulator};
use serde_json::Value;

use crate::support::api::{Api, on_all};
use crate::support::onelogin::{WATERMARKS, at, counts, shown, start};
use crate::support::program::{Finished, Program};
use crate::support::tables::{Db, NULL, assert_rows, on_both};

const DAY: Duration = Duration::from_hours(24);
const SCANNED: &str = "select scanned_through from watermarks";

/// The present, in whole seconds.
fn now() -> DateTime<Utc> {
    Utc::now().duration_trunc(TimeDelta::seconds(1)).expect("a second divides")
}

/// A server without records, whose `Date` is off.
fn dated(date: DateHeader) -> Simulator {
    start(Config { failures: 0, now: now(), date, ..Config::default() })
}

/// Puts a failure that happened this many minutes before the server's now.
fn put_ago(api: Api, onelogin: &Simulator, id: i64, minutes: i64) {
    let time = shown(onelogin.now() - TimeDelta::minutes(minutes));
    api.put_failure(onelogin, id, &time, id);
}

/// Shifts what is stored of the watermark.
fn shift_watermark(db: &Db, to: DateTime<Utc>) {
    let to = shown(to);
    db.execute(&format!(
        "update watermarks set scanned_through = '{to}', high_water_mark = '{to}'"
    ));
}

fn scanned(db: &Db) -> DateTime<Utc> {
    at(&db.rows(SCANNED)[0][0])
}

fn warnings(finished: &Finished) -> usize {
    finished.stderr.lines().filter(|line| line.contains("WARN")).count()
}

fn status(db: &Db, arguments: &[&str]) -> Program {
    Program::new(&[&["status", "--database-url", &db.url()], arguments].concat())
}

on_all!(
    a_clock_more_than_a_day_ahead_is_not_this_api_and_nothing_of_its_answer_is_kept,
    |db, api| {
        let ahead = Fault::DateAhead(365 * DAY);
        let onelogin = dated(DateHeader::Right);
        put_ago(api, &onelogin, 1, 5);
        onelogin.fail_always(Some(ahead));

        let refused = api.sync(&onelogin, db, &[]).run().expect_code(76);

        let (ours, theirs) = (Utc::now().format("%Y-").to_string(), Utc::now() + 365 * DAY);
        let error = refused.json()["error"].as_str().expect("a text").to_owned();
        assert!(
            error.contains(&ours) && error.contains(&theirs.format("%Y-").to_string()),
            "{error}"
        );
        assert_eq!(["sync_windows", "provisioning_failures"].map(|table| db.count(table)), [0, 0]);
        assert_rows(&db.rows(WATERMARKS), &[&["default", api.name(), NULL, NULL, NULL]]);

        onelogin.fail_always(None);
        assert_eq!(api.sync_ok(&onelogin, db, &[])["inserted"], 1);
    }
);

on_both!(every_answer_of_the_events_api_is_held_to_the_same_clock, |db| {
    let ahead = || Some(Fault::DateAhead(2 * DAY));
    for (account, endpoint) in [("token", Endpoint::Token), ("users", Endpoint::Users)] {
        let onelogin = dated(DateHeader::Right);
        put_ago(Api::Events, &onelogin, 1, 5);
        onelogin.fail_always_at(endpoint, ahead());
        Api::Events.sync(&onelogin, db, &["--account", account]).run().expect_code(76);
    }
    assert_rows(&db.rows("select account, asked_at from users"), &[&["users", NULL]]);
});

on_both!(a_page_from_the_future_takes_its_window_with_it, |db| {
    let onelogin = start(Config { failures: 0, now: now(), page: 2, ..Config::default() });
    (1..=5).for_each(|id| put_ago(Api::Events, &onelogin, id, id));
    onelogin.fail_next([Fault::Age(Duration::ZERO), Fault::DateAhead(2 * DAY)]);

    let since = shown(onelogin.now() - TimeDelta::hours(1));
    Api::Events.sync(&onelogin, db, &["--since", &since]).run().expect_code(76);

    assert_eq!(["sync_windows", "provisioning_failures"].map(|table| db.count(table)), [0, 0]);
});

on_all!(a_clock_up_to_a_day_ahead_moves_no_watermark_a_minute_past_ours, |db, api| {
    let onelogin =
        start(Config { failures: 0, now: now() + TimeDelta::hours(3), ..Config::default() });
    put_ago(api, &onelogin, 1, 200);

    let outcome = api.sync_ok(&onelogin, db, &[]);

    assert_eq!(outcome["inserted"], 1);
    assert!(scanned(db) <= Utc::now() + TimeDelta::minutes(1), "{outcome}");
    assert!(scanned(db) >= Utc::now() - TimeDelta::minutes(1), "{outcome}");

    // What its clock has seen and ours has not is read when ours gets there.
    put_ago(api, &onelogin, 2, 60);
    assert_eq!(api.sync_ok(&onelogin, db, &[])["inserted"], 0);
    onelogin.set_now(now());
    put_ago(api, &onelogin, 3, 0);
    assert_eq!(api.sync_ok(&onelogin, db, &[])["inserted"], 1);
});

on_all!(a_slow_clock_is_believed_with_one_warning, |db, api| {
    let month = TimeDelta::days(30);
    let onelogin = start(Config { failures: 0, now: now() - month, ..Config::default() });
    put_ago(api, &onelogin, 1, 5);

    let finished = api.sync(&onelogin, db, &[]).run().expect_code(0);

    assert_eq!((counts(&finished.json())[1], warnings(&finished)), (1, 1), "{finished}");
    assert!(finished.stderr.contains("is behind ours by a day or more"), "{finished}");
    assert_eq!(scanned(db), onelogin.now());
});

on_all!(a_cached_answer_is_as_old_as_its_age, |db, api| {
    let onelogin = dated(DateHeader::Right);
    put_ago(api, &onelogin, 1, 700);
    onelogin.fail_always(Some(Fault::Cached(Duration::from_hours(10))));

    let outcome = api.sync_ok(&onelogin, db, &[]);

    assert_eq!((counts(&outcome)[1], scanned(db)), (1, onelogin.now()));
});

on_all!(an_answer_without_a_clock_is_read_to_ours, |db, api| {
    let onelogin = dated(DateHeader::Absent);
    put_ago(api, &onelogin, 1, 5);
    let until = shown(now() + TimeDelta::days(90));

    let outcome = api.sync_ok(&onelogin, db, &["--until", &until]);

    assert_eq!(outcome["inserted"], 1);
    assert!((Utc::now() - scanned(db)).abs() < TimeDelta::minutes(1), "{outcome}");
});

on_all!(a_clock_that_went_back_ends_the_run_with_76_and_drops_nothing, |db, api| {
    let onelogin = dated(DateHeader::Right);
    put_ago(api, &onelogin, 1, 5);
    api.sync_ok(&onelogin, db, &[]);
    put_ago(api, &onelogin, 2, 1);
    let watermark = db.rows(WATERMARKS);
    onelogin.fail_always(Some(Fault::DateBehind(30 * DAY)));

    let refused = api.sync(&onelogin, db, &[]).run().expect_code(76);

    assert!(refused.stderr.contains("set the clock that is wrong"), "{refused}");
    assert_eq!(refused.json()["windows"], 0);
    assert_eq!(db.rows(WATERMARKS), watermark);

    onelogin.fail_always(None);
    assert_eq!(api.sync_ok(&onelogin, db, &[])["inserted"], 1);
});

on_all!(an_empty_span_is_nothing_to_read, |db, api| {
    let onelogin = dated(DateHeader::Right);
    api.sync_ok(&onelogin, db, &[]);
    let watermark = db.rows(WATERMARKS);
    let (past, soon) = (shown(now() - TimeDelta::days(9)), shown(now() + TimeDelta::hours(9)));

    for empty in [["--until", &past], ["--since", &soon]] {
        let finished = api.sync(&onelogin, db, &empty).run().expect_code(0);
        assert!(finished.stderr.contains("nothing to read: the span is empty"), "{finished}");
        assert_eq!(finished.json()["windows"], 0);
        assert_eq!(db.rows(WATERMARKS), watermark);
    }
});

on_all!(a_watermark_ahead_of_both_clocks_is_stale_and_then_lowered, |db, api| {
    let onelogin = dated(DateHeader::Right);
    put_ago(api, &onelogin, 1, 5);
    api.sync_ok(&onelogin, db, &[]);
    let right = scanned(db);
    // A year ahead, and what a run does then: it finds nothing to read and reports success.
    let ahead = right + TimeDelta::days(365);
    shift_watermark(db, ahead);
    let window = format!(
        "insert into sync_windows
         select '01a21b81-c187-7110-84a0-ba0f56390288', run_id, account, source, window_from, '{}', 0, 0, 0, 0, 0,
             committed_at, 0, 0, false
         from sync_windows limit 1",
        shown(ahead)
    );
    db.execute(&window);

    let stale = status(db, &["--max-age", "100d"]).run().expect_code(75);
    for output in [&stale.stdout, &stale.stderr] {
        assert!(output.contains("ahead of the clock"), "{stale}");
    }
    let json = status(db, &["--format", "json"]).run().expect_code(0).json();
    assert_eq!(json[0]["is_watermark_ahead"], Value::Bool(true));

    // Also what happened, and was late, in the time that was skipped.
    put_ago(api, &onelogin, 2, 600);
    onelogin.advance(Duration::from_mins(1));
    put_ago(api, &onelogin, 3, 0);
    let healed = api.sync(&onelogin, db, &[]).run().expect_code(0);

    assert_eq!((healed.json()["inserted"].as_u64(), warnings(&healed)), (Some(2), 1), "{healed}");
    assert!(healed.stderr.contains("is not believed"), "{healed}");
    assert!(scanned(db) >= right && scanned(db) <= Utc::now() + TimeDelta::minutes(1));
    let from = &db.rows("select window_from from sync_windows order by window_id desc limit 1");
    assert!(at(&from[0][0]) >= right - TimeDelta::hours(25), "{from:?}");
    status(db, &["--max-age", "1h"]).run().expect_code(0);
    api.assert_loaded(db, &api.served(&onelogin, None, None));
});

on_all!(months_under_a_wrong_watermark_are_read_and_a_file_is_no_scan, |db, api| {
    let onelogin =
        start(Config { failures: 0, now: now() - TimeDelta::days(100), ..Config::default() });
    put_ago(api, &onelogin, 1, 5);
    api.sync_ok(&onelogin, db, &[]);
    let right = scanned(db);
    shift_watermark(db, now() + TimeDelta::days(365));
    onelogin.set_now(now());
    put_ago(api, &onelogin, 2, 90 * 24 * 60);
    put_ago(api, &onelogin, 3, 24 * 60);
    let saved = api.served(&onelogin, None, None).pop().expect("a record");
    let directory = tempfile::TempDir::new().expect("a directory");
    let file = directory.path().join("saved.json");
    std::fs::write(&file, format!("[{saved}]")).expect("a file");
    api.sync_ok(&onelogin, db, &["--from-file", file.to_str().expect("a path")]);

    assert_eq!(api.sync_ok(&onelogin, db, &[])["inserted"], 1);

    let from = "select window_from from sync_windows where run_id =
        (select run_id from sync_runs order by run_id desc limit 1) order by window_id limit 1";
    assert!(at(&db.rows(from)[0][0]) <= right);
    api.assert_loaded(db, &api.served(&onelogin, None, None));
});

on_all!(without_a_window_to_believe_the_sync_starts_where_the_first_run_did, |db, api| {
    let onelogin = dated(DateHeader::Right);
    put_ago(api, &onelogin, 1, 250 * 24 * 60);
    let since = shown(now() - TimeDelta::days(300));
    api.sync_ok(&onelogin, db, &["--since", &since]);
    let ahead = shown(now() + TimeDelta::days(365));
    shift_watermark(db, at(&ahead));
    db.execute(&format!("update sync_windows set window_to = '{ahead}'"));
    put_ago(api, &onelogin, 2, 200 * 24 * 60);

    let outcome = api.sync_ok(&onelogin, db, &[]);

    assert_eq!(counts(&outcome), [2, 1, 0, 1, 0]);
    assert!(scanned(db) <= Utc::now() + TimeDelta::minutes(1));
});

on_all!(a_watermark_that_only_our_clock_calls_ahead_stays, |db, api| {
    // Our clock is two hours slow: the server's is right, and so is what was stored by it.
    let right = now() + TimeDelta::hours(2);
    let onelogin = start(Config { failures: 0, now: now(), ..Config::default() });
    put_ago(api, &onelogin, 1, 5);
    api.sync_ok(&onelogin, db, &[]);
    onelogin.set_now(right);
    shift_watermark(db, right - TimeDelta::minutes(5));
    db.execute(&format!("update watermarks set high_water_mark = '{}'", shown(now())));
    put_ago(api, &onelogin, 2, 150);

    let outcome = api.sync_ok(&onelogin, db, &[]);

    assert_eq!((counts(&outcome)[1], scanned(db)), (1, right - TimeDelta::minutes(5)));

    // With the overlap too small for the difference, there is nothing to read, and the run reports the reason.
    api.sync(&onelogin, db, &["--since", &shown(right - TimeDelta::minutes(9))])
        .run()
        .expect_code(76);
});

on_both!(the_events_api_continues_from_no_watermark_that_is_ahead, |db| {
    let onelogin = dated(DateHeader::Right);
    put_ago(Api::Legacy, &onelogin, 1, 5);
    Api::Legacy.sync_ok(&onelogin, db, &[]);
    shift_watermark(db, now() + TimeDelta::days(365));
    put_ago(Api::Events, &onelogin, 2, 300);

    assert_eq!(Api::Events.sync_ok(&onelogin, db, &[])["inserted"], 1);
});

on_all!(a_lease_longer_than_any_is_no_lease, |db, api| {
    let onelogin = dated(DateHeader::Right);
    api.sync_ok(&onelogin, db, &[]);
    let leased = |until: DateTime<Utc>| {
        db.execute(&format!(
            "update watermarks set lease_owner = 'host:1', lease_expires_at = '{}'",
            shown(until)
        ));
    };

    leased(now() + TimeDelta::hours(23));
    api.sync(&onelogin, db, &[]).run().expect_code(75);
    leased(now() + TimeDelta::days(400));
    api.sync_ok(&onelogin, db, &[]);
});

// Regression: where no window was left to believe, the end of the known successes stayed in the future, and cases counted as
// open of which nobody can know.
on_both!(an_end_of_successes_in_the_future_is_not_believed, |db| {
    let onelogin = dated(DateHeader::Right);
    put_ago(Api::Events, &onelogin, 1, 5);
    Api::Events.sync_ok(&onelogin, db, &[]);
    let ahead = now() + TimeDelta::days(300);
    shift_watermark(db, ahead);
    db.execute(&format!(
        "update watermarks set successes_through = '{}'; delete from sync_windows",
        shown(ahead)
    ));
    onelogin.advance(Duration::from_mins(1));

    Api::Events.sync_ok(&onelogin, db, &[]);

    let known = &db.rows("select successes_through from watermarks")[0][0];
    assert!(at(known) <= Utc::now() + TimeDelta::minutes(2), "{known}");
});

on_both!(what_was_done_in_the_future_is_done_again, |db| {
    let onelogin = dated(DateHeader::Right);
    put_ago(Api::Events, &onelogin, 1, 5);
    Api::Events.sync_ok(&onelogin, db, &[]);
    let ahead = shown(now() + TimeDelta::days(300));
    db.execute(&format!(
        "update watermarks set rescanned_at = '{ahead}';
         update event_types set checked_at = '{ahead}';
         update reading_plans set types_compared_at = '{ahead}';
         update api_calls set minute = '{ahead}', calls = 2500;"
    ));
    onelogin.advance(Duration::from_mins(1));

    Api::Events.sync_ok(&onelogin, db, &[]);

    let times =
        "select rescanned_at from watermarks union all select max(checked_at) from event_types
        union all select max(minute) from api_calls";
    let soon = Utc::now() + TimeDelta::minutes(2);
    assert!(db.rows(times).iter().all(|row| at(&row[0]) <= soon), "{:?}", db.rows(times));
});
