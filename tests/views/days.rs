//! Days, months, and what follows from them.

use chrono::{Days, NaiveDate};

use crate::support::tables::{NULL, assert_rows, on_both};

use super::rows::{CASE, Case, MAIL, Rows, WIKI};
use super::{database, rows_of};

/// Read until noon of 1 May, so that the last 92 days begin with 30 January. The first day of which every success
/// is known is 11 April.
fn account() -> Rows {
    Rows::default().account("acme", "05-01 12:00:00", "04-10 00:00:00.001")
}

/// The numbers of a few days. Failures have a row per error; all else is in the row without.
fn days() -> Rows {
    account()
        .day(["01-10", "", "unknown", "e0"], [1, 0, 0, 0, 0])
        .day(["01-29", "Wiki", "suspend", "e1"], [2, 0, 0, 0, 0])
        .day(["01-29", "Wiki", "suspend", ""], [0, 0, 0, 1, 0])
        .day(["01-30", "Wiki", "suspend", ""], [0, 0, 0, 0, 1])
        .day(["04-10", "Wiki", "suspend", ""], [0, 4, 0, 0, 0])
        .day(["04-11", "Wiki", "create", "e1"], [2, 0, 0, 0, 0])
        .day(["04-11", "Wiki", "create", ""], [0, 1, 0, 0, 0])
        .day(["04-12", "Mail", "delete", "e1"], [153, 0, 0, 0, 0])
        .day(["04-12", "Mail", "delete", ""], [0, 7, 4, 0, 0])
        .day(["04-29", "Chat", "suspend", ""], [0, 0, 1, 1, 0])
        .day(["04-30", "Wiki", "suspend", "e1"], [1, 0, 0, 0, 0])
        .day(["04-30", "Wiki", "suspend", "e2"], [2, 0, 0, 0, 0])
        .day(["04-30", "Wiki", "suspend", ""], [0, 3, 0, 2, 0])
        .day(["04-30", "Mail", "create", ""], [0, 5, 0, 0, 0])
        .day(["05-01", "Wiki", "suspend", ""], [0, 9, 0, 0, 1])
        // By a wrong clock.
        .day(["05-02", "Wiki", "suspend", "e1"], [1, 0, 0, 0, 0])
        .day(["05-02", "Wiki", "suspend", ""], [0, 0, 0, 1, 0])
}

on_both!(days_without_failures_are_there_for_92_days, |db| {
    database(db, &days());

    let counts = rows_of(
        db,
        "select account, day, app_name, operation, failures, opened, resolved from failures_daily
         where failures > 0 or opened > 0 or resolved > 0 order by day, app_name, operation",
    );
    assert_rows(
        &counts,
        &[
            &["acme", "2026-01-10", NULL, "unknown", "1", "0", "0"],
            &["acme", "2026-01-29", "Wiki", "suspend", "2", "1", "0"],
            &["acme", "2026-01-30", "Wiki", "suspend", "0", "0", "1"],
            &["acme", "2026-04-11", "Wiki", "create", "2", "0", "0"],
            &["acme", "2026-04-12", "Mail", "delete", "153", "0", "0"],
            &["acme", "2026-04-29", "Chat", "suspend", "0", "1", "0"],
            &["acme", "2026-04-30", "Wiki", "suspend", "3", "2", "0"],
            &["acme", "2026-05-01", "Wiki", "suspend", "0", "0", "1"],
            &["acme", "2026-05-02", "Wiki", "suspend", "1", "1", "0"],
        ],
    );
    // Mail's creations never failed.
    let filled = rows_of(
        db,
        "select app_name, operation, count(*), count(distinct day), min(day), max(day) from failures_daily
         where day <= '2026-05-01' group by app_name, operation order by coalesce(app_name, ''), operation",
    );
    assert_rows(
        &filled,
        &[
            &[NULL, "unknown", "93", "93", "2026-01-10", "2026-05-01"],
            &["Chat", "suspend", "92", "92", "2026-01-30", "2026-05-01"],
            &["Mail", "delete", "92", "92", "2026-01-30", "2026-05-01"],
            &["Wiki", "create", "92", "92", "2026-01-30", "2026-05-01"],
            &["Wiki", "suspend", "93", "93", "2026-01-29", "2026-05-01"],
        ],
    );
});

on_both!(the_backlog_is_what_was_opened_less_what_was_resolved, |db| {
    database(db, &days());

    // Each level of the backlog, with its days.
    let backlog = rows_of(
        db,
        "select account, app_name, operation, is_deprovision, unresolved_at_end, is_known, min(day), max(day), count(*)
         from backlog_daily
         group by account, app_name, operation, is_deprovision, unresolved_at_end, is_known
         order by coalesce(app_name, ''), operation, min(day)",
    );

    // The case of 2 May counts on the last day.
    assert_rows(
        &backlog,
        &[
            &["acme", NULL, "unknown", "0", "0", "0", "2026-01-10", "2026-05-01", "73"],
            &["acme", NULL, "unknown", "0", "0", "1", "2026-04-11", "2026-04-30", "20"],
            &["acme", "Chat", "suspend", "1", "0", "0", "2026-01-30", "2026-04-10", "71"],
            &["acme", "Chat", "suspend", "1", "0", "1", "2026-04-11", "2026-04-28", "18"],
            &["acme", "Chat", "suspend", "1", "1", "1", "2026-04-29", "2026-04-30", "2"],
            &["acme", "Chat", "suspend", "1", "1", "0", "2026-05-01", "2026-05-01", "1"],
            &["acme", "Mail", "delete", "1", "0", "0", "2026-01-30", "2026-05-01", "72"],
            &["acme", "Mail", "delete", "1", "0", "1", "2026-04-11", "2026-04-30", "20"],
            &["acme", "Wiki", "create", "0", "0", "0", "2026-01-30", "2026-05-01", "72"],
            &["acme", "Wiki", "create", "0", "0", "1", "2026-04-11", "2026-04-30", "20"],
            &["acme", "Wiki", "suspend", "1", "1", "0", "2026-01-29", "2026-01-29", "1"],
            &["acme", "Wiki", "suspend", "1", "0", "0", "2026-01-30", "2026-04-10", "71"],
            &["acme", "Wiki", "suspend", "1", "0", "1", "2026-04-11", "2026-04-29", "19"],
            &["acme", "Wiki", "suspend", "1", "2", "1", "2026-04-30", "2026-04-30", "1"],
            &["acme", "Wiki", "suspend", "1", "2", "0", "2026-05-01", "2026-05-01", "1"],
        ],
    );
});

on_both!(the_success_rate_is_that_of_days_whose_successes_are_known, |db| {
    database(db, &days());

    let rates = rows_of(
        db,
        "select account, day, app_name, operation, attempts, successes, failures, skipped, success_rate
         from success_rate order by day, app_name, operation",
    );

    // 7 of 160 is 0.04375, and half is rounded up.
    assert_rows(
        &rates,
        &[
            &["acme", "2026-04-11", "Wiki", "create", "3", "1", "2", "0", "0.3333"],
            &["acme", "2026-04-12", "Mail", "delete", "160", "7", "153", "4", "0.0438"],
            &["acme", "2026-04-30", "Mail", "create", "5", "5", "0", "0", "1"],
            &["acme", "2026-04-30", "Wiki", "suspend", "6", "3", "3", "0", "0.5"],
        ],
    );
});

on_both!(the_time_to_resolve_is_by_nearest_rank_in_the_month_of_the_resolution, |db| {
    let resolved = |n, opened: &'static str, resolved: &'static str| Case {
        of: (n, n),
        at: (opened, opened),
        resolved: Some((resolved, "success")),
        ..CASE
    };
    let ten = (1..=10).map(|n| {
        let at = ["00", "01", "02", "03", "04", "05", "06", "07", "08", "09"][n as usize - 1];
        let at: &'static str = Box::leak(format!("03-31 23:59:{at}.500").into_boxed_str());
        resolved(n, at, "03-31 23:59:59.999")
    });
    let rows = ten
        .fold(account(), |rows, case| rows.case(&case))
        .case(&resolved(11, "02-28 23:59:59", "02-28 23:59:59.999"))
        .case(&resolved(12, "02-28 23:59:00", "03-01 00:00:00"))
        .case(&Case {
            app: MAIL,
            is_skipped: true,
            attempts: 0,
            ..resolved(13, "04-01 00:00:00", "04-02 00:00:00")
        })
        .case(&Case { app: MAIL, ..resolved(14, "04-01 00:00:00", "04-03 00:00:00") })
        .case(&Case {
            app: MAIL,
            is_timed: false,
            ..resolved(15, "04-01 00:00:00", "04-01 00:00:00")
        })
        .case(&Case { of: (16, 16), at: ("04-01 00:00:00", "04-01 00:00:00"), app: WIKI, ..CASE });
    database(db, &rows);

    let times = rows_of(
        db,
        "select account, month, app_name, operation, cases, median_seconds, p90_seconds
         from time_to_resolve order by month",
    );

    // March: 50 to 59 seconds and 60.
    assert_rows(
        &times,
        &[
            &["acme", "2026-02-01", "Wiki", "suspend", "1", "0", "0"],
            &["acme", "2026-03-01", "Wiki", "suspend", "11", "55", "59"],
            &["acme", "2026-04-01", "Mail", "suspend", "2", "86400", "172800"],
        ],
    );
});

on_both!(days_and_months_of_1970_and_2199_are_there_too, |db| {
    let case = |n, opened, resolved| Case {
        of: (n, n),
        at: (opened, opened),
        resolved: Some((resolved, "success")),
        ..CASE
    };
    let rows = Rows::default()
        .account("acme", "2199-12-31 12:00:00", "2026-04-10 00:00:00")
        .case(&case(1, "1970-01-01 00:00:00", "1970-01-01 00:01:00"))
        .case(&case(2, "2009-12-31 23:59:59", "2009-12-31 23:59:59.999"))
        .case(&case(3, "2050-01-01 00:00:00", "2050-01-01 00:02:00"))
        .case(&case(4, "2199-12-31 23:59:00", "2199-12-31 23:59:59.999"))
        .day(["1970-01-01", "Wiki", "suspend", ""], [0, 0, 0, 1, 1])
        .day(["2199-12-31", "Wiki", "suspend", "e1"], [1, 0, 0, 0, 0]);
    database(db, &rows);

    let months =
        rows_of(db, "select month, cases, median_seconds from time_to_resolve order by month");
    assert_rows(
        &months,
        &[
            &["1970-01-01", "1", "60"],
            &["2009-12-01", "1", "0"],
            &["2050-01-01", "1", "120"],
            &["2199-12-01", "1", "59"],
        ],
    );
    for view in ["failures_daily", "backlog_daily"] {
        let days = format!(
            "select min(day), count(*), count(distinct day), max(day) from {view} where day > '1970-01-01'"
        );
        assert_rows(&rows_of(db, &days), &[&["2199-10-01", "92", "92", "2199-12-31"]]);
        let first = rows_of(db, &format!("select count(*) from {view} where day = '1970-01-01'"));
        assert_rows(&first, &[&["1"]]);
    }
});

on_both!(a_new_error_is_one_of_the_last_7_days, |db| {
    let class = ["permission", "no", "Give the right"];
    let error = |rows: Rows, name, first| rows.error(name, class, [first, "05-01 00:00:00"], 3);
    let rows = error(account(), "old", "04-24 11:59:59.999");
    let rows = error(rows, "new", "04-24 12:00:00");
    database(db, &rows);

    let errors = rows_of(db, "select * from new_errors");

    let (first, last) = ("2026-04-24 12:00:00.000+00:00", "2026-05-01 00:00:00.000+00:00");
    let new = ["acme", "new", "new", "permission", "no", "Give the right", first, last, "3"];
    assert_rows(&errors, &[&new]);
});

on_both!(an_app_is_silent_if_it_is_quiet_for_longer_than_it_used_to_be, |db| {
    // App, its last day, the days before that on which it had events.
    let apps: [(&str, &str, &[u64]); 6] = [
        ("5 of 28 days", "04-01", &[0, 2, 12, 22, 27]),
        ("the first 28 days ago", "04-01", &[0, 2, 12, 22, 28]),
        (
            "every day but the last 3",
            "04-28",
            &[
                0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
                23, 24, 25, 26, 27,
            ],
        ),
        (
            "every day but the last 4",
            "04-27",
            &[
                0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
                23, 24, 25, 26, 27,
            ],
        ),
        ("yesterday", "04-30", &[0, 1, 2, 3, 4]),
        ("", "03-01", &[0, 1, 2, 3, 4, 5]),
    ];
    let mut rows = account();
    for (app, last, days) in apps {
        let last: NaiveDate = format!("2026-{last}").parse().expect("a day");
        for (place, days) in days.iter().enumerate() {
            let day = (last - Days::new(*days)).format("%m-%d").to_string();
            // Failures of two errors on one day are one day; successes count as well.
            if place % 2 == 0 {
                rows = rows.day([&day, app, "create", "e1"], [1, 0, 0, 0, 0]);
                rows = rows.day([&day, app, "create", "e2"], [1, 0, 0, 0, 0]);
            } else {
                rows = rows.day([&day, app, "create", ""], [0, 1, 0, 0, 0]);
            }
        }
    }
    // Only skipped.
    for day in ["03-01", "03-02", "03-03", "03-04", "03-05"] {
        rows = rows.day([day, "skipped", "suspend", ""], [0, 0, 1, 0, 0]);
    }
    database(db, &rows);

    let silent = rows_of(db, "select * from silent_apps order by app_name");

    assert_rows(
        &silent,
        &[
            &["acme", "5 of 28 days", "2026-04-01", "30", "5"],
            &["acme", "every day but the last 4", "2026-04-27", "4", "28"],
        ],
    );
});
