//! Faults of the source: each one when it passes and when it stays.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use onelogin_simulator::{Config, Fault, RetryAfter, WideAnswer};

use crate::support::api::{Api, on_all};
use crate::support::block_on;
use crate::support::onelogin::{at, put, record, start, sync, sync_ok};
use crate::support::outcome::{
    SINCE, assert_complete, assert_holds, assert_holds_first_window, assert_recorded, history,
    outcome,
};
use crate::support::tables::{Db, on_both};

const ABSENT: RetryAfter = RetryAfter::Absent;

/// A story for each fault that passes after the first request.
macro_rules! passing {
    ($($name:ident: $fault:expr;)*) => {
        mod a_fault_that_passes_costs_a_retry_and_no_row {
            use super::*;
            $(on_all!($name, |db, api| { passes(api, db, $fault) });)*
        }
    };
}

passing! {
    status_429: Fault::TooManyRequests(ABSENT);
    status_500: Fault::InternalError;
    status_503: Fault::Unavailable(ABSENT);
    an_empty_body: Fault::Empty;
    an_array_cut_short: Fault::TruncatedWellFormed;
    a_connection_closed_within_the_body: Fault::TruncatedConnection;
    a_reset_before_the_answer: Fault::Reset;
    a_reset_within_the_body: Fault::ResetMidBody;
    silence_within_the_body: Fault::Stall;
    silence_before_the_answer: Fault::StallBeforeHeaders;
}

fn passes(api: Api, db: &Db, fault: Fault) {
    let onelogin = history(600);
    onelogin.fail_next([fault]);

    let arguments = ["--since", SINCE, "--read-timeout", "1s", "--log-level", "debug"];
    let outcome = outcome(api.sync(&onelogin, db, &arguments).run(), 0);

    assert_eq!(outcome["retries"], 1);
    assert_eq!(
        api.requested(&onelogin).len() as u64,
        outcome["windows"].as_u64().expect("a count") + 1
    );
    assert_eq!(outcome["requests"], onelogin.calls().len());
    assert_recorded(db, &outcome);
    assert_complete(api, &onelogin, db);
}

on_both!(what_was_written_of_an_answer_that_breaks_is_rolled_back, |db| {
    // Half of it is more than a batch, and so with the database when the connection is closed.
    let onelogin =
        start(Config { failures: 12_000, days: 6, late_records: 0, ..Config::default() });
    onelogin.fail_next([Fault::TruncatedConnection]);

    let failed = outcome(sync(&onelogin, db, &["--since", SINCE, "--max-attempts", "1"]).run(), 69);

    assert_eq!(failed["windows"], 0);
    assert_recorded(db, &failed);
    for table in ["provisioning_failures", "users", "rejected_records", "sync_windows"] {
        assert_eq!(db.count(table), 0, "{table}");
    }
    onelogin.fail_next([Fault::TruncatedConnection]);
    let second = outcome(sync(&onelogin, db, &["--since", SINCE]).run(), 0);
    assert_eq!((&second["retries"], &second["inserted"]), (&1.into(), &12_000.into()));
    assert_recorded(db, &second);
    assert_complete(Api::Legacy, &onelogin, db);
});

/// A story for each fault that stays, from the second window on: its exit code, the attempts to
/// allow, the requests that the second window gets, and a part of the error.
macro_rules! lasting {
    ($($name:ident: $fault:expr, exit $exit:literal, $tries:literal => $requests:literal, $text:literal;)*) => {
        mod a_fault_that_stays_ends_the_run_and_keeps_complete_windows {
            use super::*;
            $(on_both!($name, |db| { lasts(Api::Legacy, db, $fault, $exit, ($tries, $requests), $text) });)*
        }
    };
}

lasting! {
    status_429: Fault::TooManyRequests(ABSENT), exit 69, "2" => 2, "status 429";
    status_500: Fault::InternalError, exit 69, "2" => 2, "status 500";
    status_503: Fault::Unavailable(ABSENT), exit 69, "2" => 2, "status 503";
    status_401: Fault::Unauthorized, exit 77, "8" => 1, "ONELOGIN_API_KEY";
    status_403: Fault::Forbidden, exit 77, "8" => 1, "status 403";
    status_404: Fault::NotFound, exit 76, "8" => 1, "status 404";
    html: Fault::Html, exit 76, "8" => 1, "but a web page";
    an_object: Fault::NotAnArray, exit 76, "8" => 1, "but a JSON object with the key";
    a_redirect: Fault::Redirect, exit 76, "8" => 1, "a redirect to";
    an_empty_body: Fault::Empty, exit 69, "2" => 2, "ended after 0 bytes";
    an_array_cut_short: Fault::TruncatedWellFormed, exit 69, "2" => 2, "incomplete";
    a_connection_closed_within_the_body: Fault::TruncatedConnection, exit 69, "2" => 2, "broke, after";
    a_reset_before_the_answer: Fault::Reset, exit 69, "2" => 2, "broke, before";
    a_reset_within_the_body: Fault::ResetMidBody, exit 69, "2" => 2, "broke, after";
    silence_within_the_body: Fault::Stall, exit 69, "1" => 1, "took too long, after";
    silence_before_the_answer: Fault::StallBeforeHeaders, exit 69, "1" => 1, "took too long, before";
}

fn lasts(api: Api, db: &Db, fault: Fault, exit: i32, (tries, requests): (&str, usize), text: &str) {
    let onelogin = history(600);
    onelogin.hold_after(1);
    let limits = ["--max-attempts", tries, "--read-timeout", "1s", "--log-level", "debug"];
    let running = api.sync(&onelogin, db, &[&["--since", SINCE], &limits[..]].concat()).start();
    block_on(onelogin.wait_until_held());

    onelogin.fail_always(Some(fault));
    onelogin.release();
    let outcome = outcome(running.wait(), exit);

    assert_eq!((&outcome["status"], &outcome["windows"]), (&"failed".into(), &1.into()));
    assert_eq!(api.requested(&onelogin).len(), 1 + requests);
    assert_eq!(outcome["retries"], requests - 1);
    assert_eq!(outcome["requests"], onelogin.calls().len());
    assert!(outcome["error"].as_str().expect("a text").contains(text), "{outcome}");
    assert_eq!(outcome["scanned_through"], api.first_window_end());
    assert_recorded(db, &outcome);
    assert_eq!(db.count("sync_windows"), 1);
    assert_holds_first_window(api, &onelogin, db);

    onelogin.fail_always(None);
    api.sync_ok(&onelogin, db, &[]);
    assert_complete(api, &onelogin, db);
}

/// The same for the events API, whose errors have texts of their own.
macro_rules! lasting_events {
    ($($name:ident: $fault:expr, exit $exit:literal, $tries:literal => $requests:literal, $text:literal;)*) => {
        mod a_fault_of_the_events_api_that_stays_ends_the_run_and_keeps_complete_windows {
            use super::*;
            $(on_both!($name, |db| { lasts(Api::Events, db, $fault, $exit, ($tries, $requests), $text) });)*
        }
    };
}

lasting_events! {
    status_429: Fault::TooManyRequests(ABSENT), exit 69, "2" => 2, "status 429";
    a_rate_limit_sent_as_400: Fault::RateLimitExceeded, exit 69, "2" => 2, "status 400";
    status_500: Fault::InternalError, exit 69, "2" => 2, "status 500";
    status_503: Fault::Unavailable(ABSENT), exit 69, "2" => 2, "status 503";
    status_401: Fault::Unauthorized, exit 77, "8" => 2, "Read All";
    status_401_in_the_newer_shape: Fault::UnauthorizedModern, exit 77, "8" => 2, "Read All";
    a_missing_scope: Fault::MissingScope, exit 77, "8" => 2, "Read All";
    status_403: Fault::Forbidden, exit 77, "8" => 1, "Read All";
    status_404: Fault::NotFound, exit 76, "8" => 1, "status 404 and a JSON object with the key status";
    status_410: Fault::Gone, exit 76, "8" => 1, "status 410";
    status_422: Fault::Unprocessable, exit 76, "8" => 1, "status 422";
    an_error_under_200: Fault::ErrorUnder200, exit 77, "8" => 2, "Read All";
    a_message_that_is_an_object: Fault::MessageObject, exit 76, "8" => 1, "status 400";
    html: Fault::Html, exit 76, "8" => 1, "but a web page";
    a_bare_array: Fault::NotAnArray, exit 76, "8" => 1, "but a JSON array";
    a_redirect: Fault::Redirect, exit 76, "8" => 1, "a redirect to";
    an_empty_body: Fault::Empty, exit 69, "2" => 2, "ended after 0 bytes";
    a_page_cut_short: Fault::TruncatedWellFormed, exit 69, "2" => 2, "incomplete";
    a_connection_closed_within_the_body: Fault::TruncatedConnection, exit 69, "2" => 2, "broke, after";
    a_reset_before_the_answer: Fault::Reset, exit 69, "2" => 2, "broke, before";
    a_reset_within_the_body: Fault::ResetMidBody, exit 69, "2" => 2, "broke, after";
    silence_within_the_body: Fault::Stall, exit 69, "1" => 1, "took too long, after";
    silence_before_the_answer: Fault::StallBeforeHeaders, exit 69, "1" => 1, "took too long, before";
}

/// A story for each form in which a server asks for a pause.
macro_rules! requested_waits {
    ($($name:ident: $fault:expr;)*) => {
        mod the_wait_is_at_least_as_long_as_requested {
            use super::*;
            $(#[test] fn $name() { waits_a_second($fault) })*
        }
    };
}

requested_waits! {
    in_seconds: Fault::TooManyRequests(RetryAfter::Seconds(1));
    as_a_date: Fault::TooManyRequests(RetryAfter::HttpDate(1));
    until_the_limit_resets: Fault::TooManyRequests(RetryAfter::RateLimitReset(1));
    in_seconds_by_a_503: Fault::Unavailable(RetryAfter::Seconds(1));
}

fn waits_a_second(fault: Fault) {
    let (onelogin, db) = (history(60), Db::sqlite());
    onelogin.fail_next([fault]);
    let began = Instant::now();

    let outcome = sync_ok(&onelogin, &db, &["--since", SINCE]);

    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(outcome["retries"], 1);
    assert_complete(Api::Legacy, &onelogin, &db);
}

#[test]
fn a_wait_that_would_pass_the_limit_is_not_begun() {
    for form in
        [RetryAfter::Seconds(120), RetryAfter::HttpDate(120), RetryAfter::RateLimitReset(120)]
    {
        let (onelogin, db) = (history(60), Db::sqlite());
        onelogin.fail_always(Some(Fault::TooManyRequests(form)));

        let began = Instant::now();
        let arguments = ["--since", SINCE, "--retry-for", "1m"];
        let outcome = outcome(sync(&onelogin, &db, &arguments).run(), 69);

        assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
        assert_eq!((&outcome["requests"], &outcome["retries"]), (&1.into(), &0.into()));
        assert_recorded(&db, &outcome);
    }
}

/// A story for each way in which a server fails for a window that is too wide for it: the wide
/// requests that it takes.
macro_rules! too_wide {
    ($($name:ident: $answer:expr => $wide:literal;)*) => {
        mod a_window_too_wide_for_the_server_is_halved {
            use super::*;
            $(on_both!($name, |db| { is_halved(db, $answer, $wide) });)*
        }
    };
}

too_wide! {
    silence: WideAnswer::Stall => 1;
    status_500: WideAnswer::Error => 2;
    a_cut: WideAnswer::Truncate => 1;
}

fn is_halved(db: &Db, wide_answer: WideAnswer, wide: usize) {
    let too_wide = Some(Duration::from_hours(60));
    let onelogin = start(Config { failures: 600, too_wide, wide_answer, ..Config::default() });
    let (since, until) = ("2026-03-10T00:00:00Z", "2026-03-14T00:00:00Z");

    let limits = ["--read-timeout", "1s", "--retry-for", "5s"];
    let arguments = [&["--since", since, "--until", until], &limits[..]].concat();
    let outcome = outcome(sync(&onelogin, db, &arguments).run(), 0);

    let requested: Vec<_> =
        onelogin.requests().into_iter().filter_map(|r| r.start_date.zip(r.stop_date)).collect();
    let requested: Vec<_> =
        requested.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    let whole = ("2026-03-09T23:59:59Z", "2026-03-14T00:00:01Z");
    let halves = [
        ("2026-03-09T23:59:59Z", "2026-03-12T00:00:00Z"),
        ("2026-03-11T23:59:59Z", "2026-03-14T00:00:01Z"),
    ];
    assert_eq!(requested, [&vec![whole; wide], &halves[..]].concat());
    assert_eq!((&outcome["windows"], &outcome["retries"]), (&2.into(), &wide.into()));
    assert_recorded(db, &outcome);
    let second = chrono::TimeDelta::seconds(1);
    let (from, to) = (at(since) - second, at(until) + second);
    assert_holds(db, Api::Legacy.served(&onelogin, Some(from), Some(to)));
}

#[test]
fn a_slow_answer_passes_though_it_takes_longer_than_the_read_limit() {
    let (onelogin, db) = (history(100), Db::sqlite());
    let pause = Duration::from_millis(100);
    onelogin.fail_always(Some(Fault::SlowDrip { bytes: 2_500, interval: pause }));
    let began = Instant::now();

    let arguments = ["--since", "2026-02-18T00:00:00Z", "--read-timeout", "1s"];
    let outcome = outcome(sync(&onelogin, &db, &arguments).run(), 0);

    assert!(began.elapsed() > Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(outcome["retries"], 0);
    assert_complete(Api::Legacy, &onelogin, &db);
}

#[test]
fn a_wrong_key_is_refused_at_once() {
    let (onelogin, db) = (history(60), Db::sqlite());

    let finished = sync(&onelogin, &db, &[]).env("ONELOGIN_API_KEY", "another").run();

    let outcome = outcome(finished, 77);
    assert_eq!((&outcome["requests"], onelogin.requests_served()), (&1.into(), 1));
    assert_recorded(&db, &outcome);
    assert_eq!(db.count("provisioning_failures"), 0);
}

#[test]
fn a_wrong_path_is_not_this_api() {
    let (onelogin, db) = (history(60), Db::sqlite());
    let base_url = format!("{}/elsewhere", onelogin.url());

    let finished = sync(&onelogin, &db, &["--base-url", &base_url]).run();

    let outcome = outcome(finished, 76);
    assert!(outcome["error"].as_str().expect("a text").contains("status 404"), "{outcome}");
    assert_recorded(&db, &outcome);
}

#[test]
fn a_server_that_is_not_there_is_unreachable() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port can be bound");
        format!("http://{}", listener.local_addr().expect("it is bound"))
    };
    for base_url in [closed.as_str(), "https://onelogin.invalid"] {
        let (onelogin, db) = (history(60), Db::sqlite());

        let arguments = ["--base-url", base_url, "--max-attempts", "2"];
        let outcome = outcome(sync(&onelogin, &db, &arguments).run(), 69);

        assert_eq!((&outcome["requests"], &outcome["retries"]), (&2.into(), &1.into()));
        let error = outcome["error"].as_str().expect("a text");
        assert!(error.contains("cannot connect") && error.contains(base_url), "{error}");
        assert_recorded(&db, &outcome);
    }
}

on_both!(a_second_that_a_limit_may_have_cut_is_warned_of_once, |db| {
    let onelogin = start(Config {
        failures: 0,
        cap: Some(100),
        now: at("2026-03-20T12:00:00Z"),
        ..Config::default()
    });
    for (id, time) in (1..).zip(["2026-03-18T10:00:00Z"; 150]) {
        put(&onelogin, time, record(id, time, 7).to_json());
    }

    let finished = sync(&onelogin, db, &["--since", "2026-03-18"]).run().expect_code(0);

    assert_eq!(db.count("provisioning_failures"), 100);
    let warnings = finished.stderr.lines().filter(|line| line.contains("in one second"));
    let warnings: Vec<_> = warnings.collect();
    let [warning] = &warnings[..] else { panic!("{finished}") };
    for part in
        ["second=2026-03-18T10:00:00Z", "records=100", "may be missing", "onelogin-sync compare"]
    {
        assert!(warning.contains(part), "{part}: {warning}");
    }
});

on_both!(seconds_that_a_limit_may_have_cut_are_counted, |db| {
    let onelogin = start(Config {
        failures: 0,
        cap: Some(50),
        now: at("2026-03-20T12:00:00Z"),
        ..Config::default()
    });
    for (second, time) in (0..).zip(["2026-03-18T10:00:00Z", "2026-03-18T11:00:00Z"]) {
        for id in 1..=60 {
            put(&onelogin, time, record(second * 100 + id, time, 7).to_json());
        }
    }

    let finished = sync(&onelogin, db, &["--since", "2026-03-18"]).run().expect_code(0);

    assert_eq!(finished.stderr.matches("onelogin-sync compare").count(), 1, "{finished}");
    assert!(finished.stderr.contains("seconds=2 "), "{finished}");
});
