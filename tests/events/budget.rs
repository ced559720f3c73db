//! Calls: no more per hour than our share across all runs, and no call if the account has no call left.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use onelogin_simulator::{Config, OverLimit, Simulator};

use super::{MONTH, month};
use crate::support::api::Api;
use crate::support::block_on;
use crate::support::outcome::assert_complete;
use crate::support::program::Finished;
use crate::support::tables::{Db, assert_rows, on_both};

/// A run with a limit of calls per hour.
fn limited(onelogin: &Simulator, db: &Db, calls: &str, more: &[&str]) -> Finished {
    let limit = ["--max-calls-per-hour", calls];
    Api::Events.sync(onelogin, db, &[&MONTH[..], &limit, more].concat()).run()
}

/// Leaves the calls of one minute: a run may have made some in the next.
const ONE_MINUTE: &str = "delete from api_calls where minute < (select max(minute) from api_calls)";

on_both!(no_hour_has_more_calls_than_our_share_over_all_runs, |db| {
    let onelogin = month(|month| month);

    let first = limited(&onelogin, db, "9", &[]).expect_code(69);
    assert_eq!(onelogin.calls().len(), 9);
    let outcome = first.json();
    assert_eq!(outcome["requests"], 9);
    let error = outcome["error"].as_str().expect("a text");
    assert!(error.contains("the 9 calls per hour of --max-calls-per-hour are used up"), "{error}");
    assert!(outcome["windows"].as_u64() > Some(0), "complete windows are kept: {outcome}");
    let way_out = "; continue with the same command without --since; a run may use the calls of one \
                   hour, so run it hourly until it has caught up, with a higher \
                   --max-calls-per-hour if it does not: the 9 calls";
    assert!(error.contains(way_out), "{error}");

    // The next runs of the hour make no call at all.
    for _ in 0..2 {
        limited(&onelogin, db, "9", &[]).expect_code(69);
        assert_eq!(onelogin.calls().len(), 9);
    }
    // A greater share is a greater share.
    limited(&onelogin, db, "12", &[]).expect_code(69);
    assert_eq!(onelogin.calls().len(), 12);
    assert_rows(&db.rows("select sum(calls) from api_calls"), &[&["12"]]);

    // An hour later.
    let hour_later =
        format!("{ONE_MINUTE}; update api_calls set minute = '2026-01-01 00:00:00.000+00:00'");
    db.execute(&hour_later);
    limited(&onelogin, db, "9", &[]).expect_code(69);
    assert_eq!(onelogin.calls().len(), 21);

    db.execute(&hour_later);
    limited(&onelogin, db, "2500", &[]).expect_code(0);
    assert_complete(Api::Events, &onelogin, db);
});

on_both!(no_hour_has_more_calls_than_our_share_though_a_run_was_killed, |db| {
    let onelogin = month(|month| month);
    onelogin.hold_after(60);
    let arguments = [&MONTH[..], &["--max-calls-per-hour", "40"]].concat();
    let running = Api::Events.sync(&onelogin, db, &arguments).start();
    block_on(onelogin.wait_until_held());
    running.kill9();
    running.wait();
    onelogin.release();
    db.execute("update watermarks set lease_expires_at = '2000-01-01 00:00:00.000+00:00'");

    limited(&onelogin, db, "40", &[]).expect_code(0);

    assert!(onelogin.calls().len() <= 40, "{} calls", onelogin.calls().len());
    assert_complete(Api::Events, &onelogin, db);
});

on_both!(runs_that_are_killed_reserve_no_more_than_a_window_each, |db| {
    let onelogin = month(|month| month);
    for _ in 0..4 {
        onelogin.hold_after(60);
        let running = Api::Events.sync(&onelogin, db, &MONTH).start();
        block_on(onelogin.wait_until_held());
        running.kill9();
        running.wait();
        onelogin.release();
        db.execute("update watermarks set lease_expires_at = '2000-01-01 00:00:00.000+00:00'");
    }

    let made = onelogin.calls().len();
    let counted: usize =
        db.rows("select sum(calls) from api_calls")[0][0].parse().expect("a count");
    assert!((made..=made + 4 * 100).contains(&counted), "{counted} counted, {made} made");
    limited(&onelogin, db, "2500", &[]).expect_code(0);
    assert_complete(Api::Events, &onelogin, db);
});

on_both!(the_calls_of_a_killed_run_are_counted_but_for_its_last_ten, |db| {
    let onelogin = month(|month| Config { page: 10, ..month });
    onelogin.hold_after(450);
    let running = Api::Events.sync(&onelogin, db, &MONTH).start();
    block_on(onelogin.wait_until_held());
    running.kill9();
    running.wait();
    onelogin.release();
    let made = onelogin.calls().len();
    db.execute("update watermarks set lease_expires_at = '2000-01-01 00:00:00.000+00:00'");

    // It returns what the killed one had reserved, and makes no call.
    let next = limited(&onelogin, db, "20", &[]).expect_code(69);

    assert_eq!(onelogin.calls().len(), made, "{next}");
    let counted: usize =
        db.rows("select sum(calls) from api_calls")[0][0].parse().expect("a count");
    assert!((made - 10..=made).contains(&counted), "{counted} counted, {made} made");
});

on_both!(the_calls_of_an_hourly_run_do_not_hold_the_next_one_back, |db| {
    let onelogin = month(|month| month);
    for hour in 1..=3 {
        limited(&onelogin, db, "20", &[]).expect_code(69);
        assert_eq!(onelogin.calls().len(), 20 * hour);
        // The next one begins half a minute early.
        let minute = Utc::now() - TimeDelta::seconds(3_570);
        let minute = minute.format("%Y-%m-%d %H:%M:00.000+00:00");
        db.execute(&format!("{ONE_MINUTE}; update api_calls set minute = '{minute}'"));
    }
});

on_both!(accounts_have_their_own_share, |db| {
    let onelogin = month(|month| month);
    limited(&onelogin, db, "5", &[]).expect_code(69);
    limited(&onelogin, db, "5", &["--account", "another"]).expect_code(69);
    assert_eq!(onelogin.calls().len(), 10);
});

/// The server's own limit, in each form it is announced in.
fn ends_at_the_servers_limit(db: &Db, over_limit: OverLimit) {
    let onelogin = month(|month| Config { calls_per_hour: 9, over_limit, ..month });

    let finished = Api::Events.sync(&onelogin, db, &MONTH).run().expect_code(69);

    // The headers announce it before the limit is reached.
    assert_eq!(onelogin.calls().len(), 9);
    let error = finished.json()["error"].as_str().expect("a text").to_owned();
    assert!(error.contains("all programs share it"), "{error}");
    assert!(db.count("sync_windows") > 0);

    // One that does not know yet meets it, and waits no hour for it.
    let began = Instant::now();
    let finished = Api::Events.sync(&onelogin, db, &MONTH).run().expect_code(69);
    assert!(began.elapsed() < Duration::from_mins(1));
    assert!(finished.json()["error"].as_str().expect("a text").contains("limits the rate"));

    // Each hour it continues after what it has.
    onelogin.advance(Duration::from_hours(1));
    while Api::Events.sync(&onelogin, db, &MONTH[2..]).run().code != Some(0) {
        onelogin.advance(Duration::from_hours(1));
        assert!(onelogin.calls().len() < 200, "does not come to an end");
    }
    assert_complete(Api::Events, &onelogin, db);
}

on_both!(the_end_of_the_accounts_calls_ends_a_run, |db| {
    ends_at_the_servers_limit(db, OverLimit::Status429);
});

on_both!(a_limit_sent_as_a_bad_request_is_the_same, |db| {
    ends_at_the_servers_limit(db, OverLimit::BadRequest);
});

on_both!(calls_of_other_programs_count_against_the_account, |db| {
    let onelogin = month(|month| Config { calls_per_hour: 100, ..month });
    onelogin.spend(95);

    Api::Events.sync(&onelogin, db, &MONTH).run().expect_code(69);

    assert_eq!(onelogin.calls().len(), 5);
});

on_both!(a_reset_that_is_near_is_waited_for, |db| {
    let onelogin =
        month(|month| Config { failures: 150, calls_per_hour: 7, ticking: true, ..month });
    // The hour begins with one call, and is over soon.
    limited(&onelogin, db, "1", &[]).expect_code(69);
    onelogin.advance(Duration::from_secs(3_597));

    let finished = limited(&onelogin, db, "2500", &[]).expect_code(0);

    assert!(finished.stderr.contains("trying again in"), "{finished}");
    assert_complete(Api::Events, &onelogin, db);
});
