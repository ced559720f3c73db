//! The state of the copy: what it is the copy of, what is missing, what came late.

use crate::support::tables::{Db, NULL, assert_rows, on_both};

use super::rows::{FAILED, Failure, MAIL, NO_APP, Rows, Success, WIKI, id, quoted, time};
use super::{database, rows_of, short};

/// Adds a window of an account's source.
fn window(rows: Rows, source: &str, n: u32, from: &str, to: &str) -> Rows {
    let [from, to] = [from, to].map(|at| quoted(&time(at)));
    rows.add(
        "sync_windows (account, window_id, run_id, source, window_from, window_to, fetched, inserted, updated,
            unchanged, rejected, committed_at, successes, ignored)",
        &[
            &"'acme'",
            &quoted(&id(n)),
            &quoted(&id(0)),
            &quoted(source),
            &from,
            &to,
            &0,
            &0,
            &0,
            &0,
            &0,
            &to,
            &0,
            &0,
        ],
    )
}

/// Adds a run of an account's source.
fn run(rows: Rows, source: &str, n: u32, started_at: &str, people_pending: u32) -> Rows {
    let started_at = quoted(&time(started_at));
    rows.add(
        "sync_runs (account, run_id, source, status, started_at, finished_at, exit_code, error, fetched, inserted,
            updated, unchanged, rejected, users_written, requests, retries, bytes, version, successes, ignored,
            people_pending)",
        &[
            &"'acme'",
            &quoted(&id(n)),
            &quoted(source),
            &"'failed'",
            &started_at,
            &started_at,
            &69,
            &"'unreachable'",
            &0,
            &0,
            &0,
            &0,
            &0,
            &0,
            &1,
            &0,
            &0,
            &"'1'",
            &0,
            &0,
            &people_pending,
        ],
    )
}

/// Adds a record that was rejected.
fn reject(rows: Rows, n: u32, source: &str, seen: &str, replayed: Option<&str>) -> Rows {
    let replayed = replayed.map_or("null".to_owned(), |at| quoted(&time(at)));
    let seen = quoted(&time(seen));
    rows.add(
        "rejected_records (account, reject_id, run_id, source, reason, detail, raw, first_seen_at, last_seen_at,
            replayed_at)",
        &[
            &"'acme'",
            &quoted(&id(n)),
            &quoted(&id(0)),
            &quoted(source),
            &"'bad_id'",
            &"'missing'",
            &"'{}'",
            &seen,
            &seen,
            &replayed,
        ],
    )
}

fn legacy_watermark(rows: Rows, scanned: &str) -> Rows {
    let scanned = quoted(&time(scanned));
    rows.add(
        "watermarks (account, source, scanned_through, lease_token, updated_at, needs_rebuild)",
        &[&"'acme'", &"'legacy'", &scanned, &1, &scanned, &true],
    )
}

on_both!(now_is_the_last_scan_and_else_the_greatest_time, |db| {
    let account = |rows: Rows, name: &str| rows.add("accounts (account)", &[&quoted(name)]);
    let rows = Rows::default().account("acme", "03-20 12:30:00.250", "03-10 00:00:00");
    let rows = legacy_watermark(rows, "03-20 11:00:00").failure(&Failure {
        n: 1,
        at: "03-22 00:00:00",
        ..FAILED
    });
    let rows = ["failed", "succeeded", "nothing"].into_iter().fold(rows, account);
    // A failure after a success, and the other way round; a saved file has no scan.
    let rows = rows
        .failure(&Failure { account: "failed", n: 2, at: "03-01 00:00:00", ..FAILED })
        .failure(&Failure { account: "failed", n: 3, at: "03-03 00:00:00.007", ..FAILED })
        .failure(&Failure { account: "succeeded", n: 4, at: "03-01 00:00:00", ..FAILED });
    let other = |rows: Rows, account: &'static str, n, at: &'static str| {
        let success = Success { n, at, user: Some(1), operation: "create", app: WIKI };
        rows.success_of(account, &success)
    };
    let rows = other(rows, "failed", 5, "03-02 00:00:00");
    let rows = other(rows, "succeeded", 6, "03-05 23:59:59.999");
    database(db, &rows);

    let times = rows_of(db, "select account, as_of, as_of_day, first_filled_day, from_1_hour, from_7_days, from_30_days,
        overdue_before, successes_from, successes_through, first_known_day, last_known_day
        from account_times order by account");

    let at =
        |text: &str| if text.is_empty() { NULL.to_owned() } else { format!("2026-{text}+00:00") };
    let row = |account: &str, now: [&str; 7], known: [&str; 4]| -> Vec<String> {
        let [as_of, day, filled, hour, week, month, overdue] = now;
        let [from, through, first, last] = known;
        vec![
            account.into(),
            at(as_of),
            day.into(),
            filled.into(),
            at(hour),
            at(week),
            at(month),
            at(overdue),
            at(from),
            at(through),
            first.into(),
            last.into(),
        ]
    };
    #[rustfmt::skip]
    let expected = [
        row("acme", ["03-20 12:30:00.250", "2026-03-20", "2025-12-19", "03-20 11:30:00.250", "03-13 12:30:00.250", "02-18 12:30:00.250", "03-19 12:30:00.250"],
            ["03-10 00:00:00.000", "03-20 12:30:00.250", "2026-03-10", "2026-03-19"]),
        row("failed", ["03-03 00:00:00.007", "2026-03-03", "2025-12-02", "03-02 23:00:00.007", "02-24 00:00:00.007", "02-01 00:00:00.007", "03-02 00:00:00.007"],
            ["", "", NULL, NULL]),
        row("nothing", ["", NULL, NULL, "", "", "", ""], ["", "", NULL, NULL]),
        row("succeeded", ["03-05 23:59:59.999", "2026-03-05", "2025-12-04", "03-05 22:59:59.999", "02-26 23:59:59.999", "02-03 23:59:59.999", "03-04 23:59:59.999"],
            ["", "", NULL, NULL]),
    ];
    let expected: Vec<Vec<&str>> =
        expected.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
    assert_rows(&times, &expected.iter().map(Vec::as_slice).collect::<Vec<_>>());
});

on_both!(what_is_missing_is_counted_0_included, |db| {
    let rows = Rows::default()
        .account("acme", "03-21 00:00:00", "03-10 00:00:00")
        .account("empty", "03-21 00:00:00", "03-10 00:00:00")
        .user(1, "Ann", "Lee")
        .error(
            "e1",
            ["permission", "no", "Give the right"],
            ["03-01 00:00:00", "03-01 00:00:00"],
            3,
        )
        .error("e2", ["unknown", "no", "Read it"], ["03-01 00:00:00", "03-01 00:00:00"], 1);
    // Windows of both sources overlap from 5 to 15 March.
    let rows = legacy_watermark(rows, "03-15 00:00:00");
    let rows = run(rows, "events", 0, "03-01 00:00:00", 0);
    let rows = window(rows, "events", 1, "03-05 00:00:00", "03-21 00:00:00");
    let rows = window(rows, "legacy", 2, "02-01 00:00:00", "03-15 00:00:00");
    let failure = |n, at| Failure { n, at, ..FAILED };
    let rows = rows
        // A pair, one of each source alone, and two before and after both were read.
        .failure(&failure(1, "03-06 00:00:00"))
        .failure(&Failure { source: "legacy", twin_of: Some(1), ..failure(2, "03-06 00:00:01") })
        .failure(&Failure {
            user: None,
            app: NO_APP,
            operation: "unknown",
            ..failure(3, "03-05 00:00:00")
        })
        .failure(&Failure {
            source: "legacy",
            app: (None, Some("Wiki")),
            error: Some("e2"),
            ..failure(4, "03-07 00:00:00")
        })
        .failure(&Failure { source: "legacy", error: None, ..failure(5, "03-04 23:59:59.999") })
        .failure(&failure(6, "03-15 00:00:00"))
        // Too old, after now, skipped.
        .failure(&Failure { user: None, ..failure(7, "02-18 23:59:59.999") })
        .failure(&Failure { user: None, ..failure(8, "03-21 00:00:00.001") })
        .failure(&Failure {
            user: None,
            outcome: "skipped",
            error: None,
            ..failure(9, "03-08 00:00:00")
        });
    let rows = reject(rows, 1, "events", "03-20 00:00:00", None);
    let rows = reject(rows, 2, "legacy", "03-20 00:00:00", Some("03-20 01:00:00"));
    let rows = reject(rows, 3, "legacy", "02-18 00:00:00", None);
    // Users of the last 30 days without a profile, and one of before.
    let rows = [(2, "03-20 00:00:00"), (3, "03-01 00:00:00"), (4, "02-01 00:00:00")].into_iter().fold(rows, |rows, (user, at)| {
        let (at, run) = (quoted(&time(at)), quoted(&id(0)));
        rows.add(
            "users (account, user_id, last_failure_id, last_failure_at, first_seen_at, synced_at, run_id)",
            &[&"'acme'", &user, &run, &at, &at, &at, &run],
        )
    });
    database(db, &rows);

    let checks = "select * from data_quality where account = 'acme' order by check_name";
    let expected: &[&[&str]] = &[
        &["acme", "failures_without_app", "1", "5"],
        &["acme", "failures_without_user", "1", "5"],
        &["acme", "future_created_at", "1", "5"],
        &["acme", "open_rejects", "1", "5"],
        &["acme", "unknown_error_class", "2", "5"],
        &["acme", "unknown_operation", "1", "5"],
        &["acme", "unpaired_sources", "2", "5"],
        &["acme", "users_without_profile", "2", "5"],
    ];
    assert_rows(&rows_of(db, checks), expected);
    let empty = "select sum(failures_30_days), sum(failures_checked), count(*) from data_quality where account = 'empty'";
    assert_rows(&rows_of(db, empty), &[&["0", "0", "8"]]);
});

on_both!(a_gap_is_a_span_of_more_than_a_second_between_windows, |db| {
    let rows = Rows::default().account("acme", "03-21 00:00:00", "03-10 00:00:00");
    let rows = run(rows, "events", 0, "03-01 00:00:00", 0);
    let windows = [
        // One within another, one that touches, a gap of a second, one of a millisecond more than two.
        ("events", "03-01 00:00:00", "03-02 00:00:00"),
        ("events", "03-01 01:00:00", "03-01 02:00:00"),
        ("events", "03-02 00:00:00", "03-03 00:00:00"),
        ("events", "03-03 00:00:01.999", "03-04 00:00:00"),
        ("events", "03-04 00:00:02.001", "03-05 00:00:00"),
        // Committed in another order.
        ("legacy", "03-20 00:00:00", "03-21 00:00:00"),
        ("legacy", "03-01 00:00:00", "03-10 00:00:00"),
    ];
    let rows = (1..)
        .zip(windows)
        .fold(rows, |rows, (n, (source, from, to))| window(rows, source, n, from, to));
    database(db, &rows);

    let gaps = rows_of(db, "select * from coverage_gaps order by source");

    #[rustfmt::skip]
    assert_rows(&gaps, &[
        &["acme", "events", "2026-03-04 00:00:00.000+00:00", "2026-03-04 00:00:02.001+00:00", "2"],
        &["acme", "legacy", "2026-03-10 00:00:00.000+00:00", "2026-03-20 00:00:00.000+00:00", "864000"],
    ]);
});

on_both!(lateness_is_by_nearest_rank_per_source, |db| {
    let seen = ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10"];
    let late = |n: u32| Failure {
        n,
        at: "03-20 00:00:00",
        first_seen_at: Box::leak(
            format!("03-20 00:00:{}.999", seen[n as usize - 1]).into_boxed_str(),
        ),
        is_late: true,
        app: MAIL,
        ..FAILED
    };
    let rows = Rows::default().account("acme", "03-21 00:00:00", "03-10 00:00:00");
    let rows = legacy_watermark(rows, "03-21 00:00:00");
    let rows = (1..=10)
        .fold(rows, |rows, n| rows.failure(&late(n)))
        .failure(&Failure { n: 11, at: "03-20 00:00:00", ..FAILED })
        .failure(&Failure { n: 12, at: "03-20 00:00:00", ..FAILED })
        .failure(&Failure { n: 13, at: "02-18 00:00:00", ..late(1) })
        .failure(&Failure {
            n: 14,
            at: "03-20 00:00:00",
            source: "legacy",
            twin_of: Some(1),
            ..FAILED
        });
    database(db, &rows);

    let lateness = rows_of(db, "select * from lateness order by source");

    assert_rows(
        &lateness,
        &[
            &["acme", "events", "10", "12", "5", "9", "10", "10"],
            &["acme", "legacy", "0", "1", NULL, NULL, NULL, NULL],
        ],
    );
});

on_both!(the_health_of_a_source_is_that_of_its_last_run, |db| {
    let rows = Rows::default().account("acme", "2025-01-01 00:00:00", "2024-12-01 00:00:00");
    let rows = legacy_watermark(rows, "2099-01-01 00:00:00");
    let rows = run(rows, "events", 1, "03-01 00:00:00", 7);
    let rows = run(rows, "events", 2, "03-02 00:00:00", 3);
    let rows = reject(rows, 1, "events", "03-20 00:00:00", None);
    let rows = reject(rows, 2, "events", "03-20 00:00:00", Some("03-20 01:00:00"));
    let rows = rows.add(
        "watermarks (account, source, lease_token, updated_at)",
        &[&"'fresh'", &"'events'", &1, &quoted(&time("03-01 00:00:00"))],
    );
    database(db, &rows);

    let run_id = short("last_run_id");
    let is_old = match db {
        Db::Sqlite(_) => "scan_age_seconds > 30000000",
        Db::Postgres(_) => "(scan_age_seconds > 30000000)::int",
    };
    let health = rows_of(
        db,
        &format!(
            "select account, source, read_from, high_water_mark, scanned_through, mark_age_seconds, {is_old},
                 {run_id}, last_run_status, last_run_started_at, last_run_finished_at, last_run_exit_code,
                 last_run_error, open_rejects, people_pending, successes_from, successes_through,
                 is_watermark_ahead, is_rebuilding
             from sync_health order by account, source"
        ),
    );

    let (march, scanned) = ("2026-03-02 00:00:00.000+00:00", "2025-01-01 00:00:00.000+00:00");
    #[rustfmt::skip]
    assert_rows(&health, &[
        &["acme", "events", NULL, NULL, scanned, NULL, "1", "002", "failed", march, march, "69", "unreachable", "1", "3",
          "2024-12-01 00:00:00.000+00:00", scanned, "0", "0"],
        &["acme", "legacy", NULL, NULL, "2099-01-01 00:00:00.000+00:00", NULL, "0", NULL, NULL, NULL, NULL, NULL, NULL, "0", "0",
          NULL, NULL, "1", "1"],
        &["fresh", "events", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "0", "0",
          NULL, NULL, "0", "0"],
    ]);
});
