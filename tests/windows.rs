//! Windows: the spans requested, the moves of the watermark, and no gap between two windows.

use std::time::Duration;

use chrono::{DurationRound, TimeDelta, Utc};
use onelogin_simulator::{Bounds, Config, Order, Simulator, created_at_text};

use crate::support::api::{Api, on_all};
use crate::support::block_on;
use crate::support::door::Door;
use crate::support::onelogin::{
    WATERMARKS, WINDOWS, all_records, assert_loaded, at, counts, empty, put, record, shown, start,
    sync_ok,
};
use crate::support::outcome::{assert_complete, assert_recorded, outcome};
use crate::support::tables::{Db, NULL, assert_rows, on_both};
use crate::support::transaction::Transaction;

const TODAY: [&str; 2] = ["--since", "2026-03-20"];
const NOON: &str = "2026-03-20T12:00:00Z";

/// Puts a record of each of these times.
fn put_at(api: Api, onelogin: &Simulator, times: &[&str]) {
    for time in times {
        // Each event has its own id.
        api.put_failure(onelogin, at(time).timestamp(), time, 1);
    }
}

on_all!(an_older_span_is_read_without_moving_the_watermark_back, |db, api| {
    let onelogin = empty(NOON);
    put_at(api, &onelogin, &["2026-03-02T00:00:00Z", "2026-03-20T11:00:00Z"]);
    api.sync_ok(&onelogin, db, &TODAY);
    let watermark = db.rows(WATERMARKS);

    let outcome = api.sync_ok(&onelogin, db, &["--since", "2026-03-01", "--until", "2026-03-03"]);

    assert_eq!(counts(&outcome), [1, 1, 0, 0, 0]);
    let (high, scanned) = ("2026-03-20 11:00:00.000+00:00", "2026-03-20 12:00:00.000+00:00");
    assert_rows(&watermark, &[&["default", api.name(), high, scanned, NULL]]);
    assert_eq!(db.rows(WATERMARKS), watermark);
    api.assert_loaded(db, &api.served(&onelogin, None, None));
});

on_all!(a_span_after_a_gap_is_read_without_moving_the_watermark_over_the_gap, |db, api| {
    let onelogin = empty("2026-03-10T00:00:00Z");
    put_at(api, &onelogin, &["2026-03-09T00:00:00Z"]);
    api.sync_ok(&onelogin, db, &["--since", "2026-03-08"]);
    onelogin.set_now(at(NOON));
    put_at(api, &onelogin, &["2026-03-14T00:00:00Z", "2026-03-19T00:00:00Z"]);
    let watermark = db.rows(WATERMARKS);

    let outcome = api.sync_ok(&onelogin, db, &["--since", "2026-03-18"]);

    assert_eq!(counts(&outcome), [1, 1, 0, 0, 0]);
    assert_eq!(db.rows(WATERMARKS), watermark);
    assert_eq!(outcome["scanned_through"], "2026-03-10T00:00:00Z");

    // What lies between comes with the next run.
    let outcome = api.sync_ok(&onelogin, db, &[]);

    assert_eq!(outcome["inserted"], 1);
    assert_eq!(outcome["high_water_mark"], "2026-03-19T00:00:00Z");
    assert_eq!(outcome["scanned_through"], NOON);
    api.assert_loaded(db, &api.served(&onelogin, None, None));
});

on_all!(a_year_of_backfill_is_covered_without_a_gap, |db, api| {
    let onelogin = start(Config { failures: 2_000, days: 365, ..Config::default() });
    let (from, to) = ("2025-03-20 12:00:00.000+00:00", "2026-03-20 12:00:00.000+00:00");

    let arguments = ["--since", "2025-03-20T12:00:00Z", "--refresh-people", "never"];
    let outcome = api.sync_ok(&onelogin, db, &arguments);

    let windows = db.rows(WINDOWS);
    assert_eq!((windows[0][0].as_str(), windows[windows.len() - 1][1].as_str()), (from, to));
    assert!(windows.windows(2).all(|pair| pair[0][1] == pair[1][0]), "a gap in {windows:?}");
    // Seven days or two at first, then wider, since these hold few records.
    assert!((3..10).contains(&windows.len()), "{} windows", windows.len());
    assert_eq!(outcome["windows"], windows.len());
    api.assert_loaded(db, &api.served(&onelogin, None, None));
});

on_all!(empty_answers_for_months_move_the_scan_on, |db, api| {
    let onelogin = empty("2026-01-01T00:00:00Z");
    let mut arguments = vec!["--since", "2025-12-01"];
    for month in ["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"] {
        onelogin.set_now(at(&format!("{month}T00:00:00Z")));
        let outcome = api.sync_ok(&onelogin, db, &arguments);
        assert_eq!(counts(&outcome), [0; 5]);
        assert_rows(
            &db.rows(WATERMARKS),
            &[&["default", api.name(), NULL, &format!("{month} 00:00:00.000+00:00"), NULL]],
        );
        arguments.clear();
    }
    onelogin.set_now(at("2026-05-01T00:00:00Z"));
    put_at(api, &onelogin, &["2026-04-02T00:00:00Z"]);

    let outcome = api.sync_ok(&onelogin, db, &[]);

    assert_eq!(counts(&outcome)[1], 1);
    assert_eq!(outcome["high_water_mark"], "2026-04-02T00:00:00Z");
    api.assert_loaded(db, &api.served(&onelogin, None, None));
});

on_all!(after_eighty_quiet_days_a_run_makes_one_request_for_records, |db, api| {
    let onelogin = empty("2026-01-01T00:00:00Z");
    put_at(api, &onelogin, &["2025-12-31T00:00:00Z"]);
    api.sync_ok(&onelogin, db, &["--since", "2025-12-01"]);
    onelogin.set_now(at(NOON));
    api.sync_ok(&onelogin, db, &[]);
    let before = api.requested(&onelogin).len();

    let outcome = api.sync_ok(&onelogin, db, &[]);

    let day = at(NOON) - TimeDelta::days(1) - TimeDelta::seconds(1);
    assert_eq!(api.requested(&onelogin)[before..].iter().map(|r| r.0).collect::<Vec<_>>(), [day]);
    let calls = if api == Api::Events { 2 } else { 1 };
    assert_eq!((&outcome["windows"], &outcome["requests"]), (&1.into(), &calls.into()));
});

on_all!(a_record_of_the_future_is_not_requested_before_its_time, |db, api| {
    let onelogin = empty(NOON);
    put_at(api, &onelogin, &["2026-03-20T11:00:00Z", "2026-06-01T00:00:00Z"]);

    let outcome = api.sync_ok(&onelogin, db, &TODAY);

    assert_eq!(counts(&outcome), [1, 1, 0, 0, 0]);
    assert_eq!(outcome["high_water_mark"], "2026-03-20T11:00:00Z");
    assert_eq!(outcome["scanned_through"], NOON);

    onelogin.set_now(at("2026-06-02T00:00:00Z"));
    let outcome = api.sync_ok(&onelogin, db, &[]);

    assert_eq!(outcome["inserted"], 1);
    assert_eq!(outcome["high_water_mark"], "2026-06-01T00:00:00Z");
    assert_eq!(outcome["scanned_through"], "2026-06-02T00:00:00Z");
    api.assert_loaded(db, &api.served(&onelogin, None, None));
});

on_all!(a_record_of_2099_that_comes_all_the_same_does_not_drag_the_watermark, |db, api| {
    let onelogin = empty(NOON);
    put_at(api, &onelogin, &["2026-03-20T11:00:00Z"]);
    // A server that does not look at the dates: it serves the record today.
    api.put_failure_at(&onelogin, "2026-03-20T11:30:00Z", 2, "2099-01-01T00:00:00Z", 1);

    let outcome = api.sync_ok(&onelogin, db, &TODAY);

    assert_eq!(counts(&outcome), [2, 2, 0, 0, 0]);
    assert_eq!(outcome["high_water_mark"], "2026-03-20T11:00:00Z");
    api.assert_loaded(db, &api.served(&onelogin, None, None));

    onelogin.set_now(at("2026-03-21T12:00:00Z"));
    put_at(api, &onelogin, &["2026-03-21T08:00:00Z"]);
    assert_eq!(api.sync_ok(&onelogin, db, &[])["high_water_mark"], "2026-03-21T08:00:00Z");
    api.assert_loaded(db, &api.served(&onelogin, None, None));
});

on_all!(a_server_whose_clock_is_behind_is_read_to_its_own_now, |db, api| {
    let now = (Utc::now() - TimeDelta::hours(1)).duration_trunc(TimeDelta::seconds(1));
    let now = now.expect("a second divides");
    let newest = now - TimeDelta::seconds(1);
    let onelogin = start(Config { failures: 0, now, ..Config::default() });
    put_at(api, &onelogin, &[&shown(newest)]);

    // A first run goes back 90 days.
    api.sync_ok(&onelogin, db, &[]);

    let (high, scanned) = (shown(newest), shown(now));
    assert_rows(&db.rows(WATERMARKS), &[&["default", api.name(), &high, &scanned, NULL]]);

    onelogin.advance(Duration::from_mins(10));
    put_at(api, &onelogin, &[&shown(onelogin.now())]);
    let outcome = api.sync_ok(&onelogin, db, &["--overlap", "0s"]);

    let now = shown(onelogin.now());
    assert_eq!(counts(&outcome)[1], 1);
    assert_rows(&db.rows(WATERMARKS), &[&["default", api.name(), &now, &now, NULL]]);
    api.assert_loaded(db, &api.served(&onelogin, None, None));
});

on_all!(a_server_half_a_minute_ahead_is_read_to_its_own_now, |db, api| {
    let now = (Utc::now() + TimeDelta::seconds(30)).duration_trunc(TimeDelta::seconds(1));
    let now = now.expect("a second divides");
    let onelogin = start(Config { failures: 0, now, ..Config::default() });
    put_at(api, &onelogin, &[&shown(now)]);

    api.sync_ok(&onelogin, db, &[]);

    let now = shown(now);
    assert_rows(&db.rows(WATERMARKS), &[&["default", api.name(), &now, &now, NULL]]);
});

on_all!(a_start_ahead_of_the_servers_clock_moves_no_watermark, |db, api| {
    let now = Utc::now() - TimeDelta::hours(1);
    let onelogin = start(Config { failures: 0, now, ..Config::default() });
    let since = shown(now + TimeDelta::minutes(30));

    let outcome = outcome(api.sync(&onelogin, db, &["--since", &since]).run(), 76);

    assert_eq!(counts(&outcome), [0; 5]);
    assert_rows(&db.rows(WATERMARKS), &[&["default", api.name(), NULL, NULL, NULL]]);

    put_at(api, &onelogin, &[&shown(now)]);
    assert_eq!(api.sync_ok(&onelogin, db, &[])["inserted"], 1);
});

on_both!(an_hour_that_comes_twice_in_autumn_holds_two_failures, |db| {
    let onelogin = empty("2025-11-02T12:00:00Z");
    for (time, written) in [
        ("2025-11-02T08:30:00Z", "2025/11/02 01:30:00 -0700"),
        ("2025-11-02T09:30:00Z", "2025/11/02 01:30:00 -0800"),
    ] {
        let mut record = record(1, time, 1);
        written.clone_into(&mut record.created_at);
        put(&onelogin, time, record.to_json());
    }

    let outcome = sync_ok(&onelogin, db, &["--since", "2025-11-02"]);

    assert_eq!(counts(&outcome), [2, 2, 0, 0, 0]);
    assert_rows(
        &db.rows(
            "select created_at, created_at_raw from provisioning_failures order by created_at",
        ),
        &[
            &["2025-11-02 08:30:00.000+00:00", "2025/11/02 01:30:00 -0700"],
            &["2025-11-02 09:30:00.000+00:00", "2025/11/02 01:30:00 -0800"],
        ],
    );
    assert_eq!(outcome["high_water_mark"], "2025-11-02T09:30:00Z");
});

on_both!(one_instant_in_two_zones_is_one_failure, |db| {
    let onelogin = empty(NOON);
    let time = "2026-03-20T11:00:00Z";
    let mut record = record(1, time, 1);
    let number = put(&onelogin, time, record.to_json());
    sync_ok(&onelogin, db, &TODAY);
    record.created_at = created_at_text(at(time), 330);
    onelogin.replace(number, record.to_json());

    let outcome = sync_ok(&onelogin, db, &[]);

    assert_eq!(counts(&outcome), [1, 0, 1, 0, 0]);
    assert_loaded(db, &all_records(&onelogin));
});

/// Records on both sides of every border, however the server understands its dates.
fn loses_nothing_at_borders(api: Api, db: &Db, bounds: Bounds) {
    let onelogin = start(Config { failures: 0, now: at(NOON), bounds, ..Config::default() });
    // The second window is wider, but ends at noon.
    let (start, border) = match api {
        Api::Legacy => ("2026-03-01T12:00:00Z", "2026-03-08T12:00:00Z"),
        Api::Events => ("2026-03-15T12:00:00Z", "2026-03-17T12:00:00Z"),
    };
    for border in [start, border, NOON] {
        for seconds in -1..=1 {
            let time = shown(at(border) + TimeDelta::seconds(seconds));
            put_at(api, &onelogin, &[&time]);
        }
    }
    api.sync_ok(&onelogin, db, &["--since", start]);
    let windows = "select distinct window_from from sync_windows order by window_from";
    assert_rows(&db.rows(windows), &[&[&shown(at(start))], &[&shown(at(border))]]);

    // The last of them is a second ahead of the first run.
    onelogin.advance(Duration::from_secs(1));
    api.sync_ok(&onelogin, db, &["--overlap", "0s"]);

    // The second before the span comes with it, unless the server leaves its bounds out.
    let outside = usize::from(bounds == Bounds::Exclusive);
    let texts = api.served(&onelogin, None, None);
    assert_eq!(texts.len(), 9);
    api.assert_loaded(db, &texts[outside..]);
}

on_all!(bounds_that_are_both_counted_in_lose_nothing, |db, api| {
    loses_nothing_at_borders(api, db, Bounds::Inclusive);
});

on_all!(a_stop_that_is_not_counted_in_loses_nothing, |db, api| {
    loses_nothing_at_borders(api, db, Bounds::HalfOpen);
});

on_all!(bounds_of_which_neither_is_counted_in_lose_nothing, |db, api| {
    loses_nothing_at_borders(api, db, Bounds::Exclusive);
});

/// A month with bad records in it ends in the same tables, however it is served.
fn does_not_depend_on(db: &Db, failures: u64, serving: impl FnOnce(Config) -> Config) -> Simulator {
    let month = Config { failures, bad_records: 50, ..Config::default() };
    let texts = all_records(&start(month.clone()));
    let onelogin = start(serving(month));

    let month = ["--since", "2026-02-18T12:00:00Z", "--max-rejects", "99"];
    sync_ok(&onelogin, db, &month);

    assert_loaded(db, &texts);
    let rejected = db.count("rejected_records");
    assert!((5..99).contains(&rejected), "{rejected} records rejected");
    assert_eq!(db.count("provisioning_failures") + rejected, texts.len());
    onelogin
}

on_both!(the_youngest_record_may_come_first, |db| {
    does_not_depend_on(db, 2_400, |month| Config { order: Order::Descending, ..month });
});

on_both!(records_may_come_in_any_order, |db| {
    does_not_depend_on(db, 2_400, |month| Config { order: Order::Shuffled, ..month });
});

on_both!(an_answer_may_be_compressed, |db| {
    let onelogin = does_not_depend_on(db, 2_400, |month| Config { gzip: true, ..month });
    let sent: u64 = onelogin.requests().iter().map(|request| request.bytes).sum();
    let read: u64 = db.rows("select bytes from sync_runs")[0][0].parse().expect("a number");
    assert!(sent < read / 2, "{sent} bytes for {read}");
});

on_both!(a_silent_limit_of_a_thousand_loses_nothing, |db| {
    let cap = Some(1_000);
    let onelogin = does_not_depend_on(db, 2_400, |month| Config { cap, ..month });
    let requests = onelogin.requests_served();
    assert!((4..20).contains(&requests), "{requests} requests");
});

on_both!(a_silent_limit_that_keeps_the_youngest_loses_nothing, |db| {
    let (cap, order) = (Some(500), Order::Descending);
    let onelogin = does_not_depend_on(db, 2_400, |month| Config { cap, order, ..month });
    let requests = onelogin.requests_served();
    assert!((6..40).contains(&requests), "{requests} requests");
});

on_both!(a_silent_limit_of_fifty_loses_nothing, |db| {
    let onelogin = does_not_depend_on(db, 600, |month| Config { cap: Some(50), ..month });
    let requests = onelogin.requests_served();
    assert!((12..100).contains(&requests), "{requests} requests");
});

/// A story for each number of windows that are read ahead while the database keeps the first waiting.
macro_rules! read_ahead {
    ($($name:ident: $prefetch:literal => $requests:literal;)*) => {
        mod while_a_window_is_written_others_are_read {
            use super::*;
            $(on_both!($name, |db| { reads_ahead(db, $prefetch, $requests) });)*
        }
    };
}

read_ahead! {
    none: "0" => 1;
    one: "1" => 2;
    two: "2" => 3;
}

fn reads_ahead(db: &Db, prefetch: &str, requests: usize) {
    // Windows of 7, 28, 112 and 218 days, none of them more than a batch.
    let onelogin = start(Config { failures: 1_500, days: 365, ..Config::default() });
    let api = Api::Legacy;
    let door = Door::before(onelogin.addr());
    let running = api
        .sync(&onelogin, db, &["--since", "2025-03-20T12:00:00Z", "--prefetch", prefetch])
        .env("ONELOGIN_BASE_URL", door.url())
        .start();
    door.wait_for_knock();
    let lock = Transaction::lock(db);
    door.open();

    block_on(onelogin.wait_for_requests(requests));
    assert_eq!(db.count("sync_windows"), 0);
    assert_eq!(onelogin.requests_served(), requests);

    drop(lock);
    let outcome = outcome(running.wait(), 0);
    assert_eq!(outcome["windows"], 4);
    assert_recorded(db, &outcome);
    assert_complete(api, &onelogin, db);
    // In the order of their spans, which the watermarks follow.
    let jumps = "select count(*) from sync_windows w where window_from <> coalesce(
        (select max(window_to) from sync_windows b where b.window_id < w.window_id), window_from)";
    assert_rows(&db.rows(jumps), &[&["0"]]);
}
