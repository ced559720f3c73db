//! Incidents of the last 30 days.

use crate::support::tables::{NULL, assert_rows, on_both};

use super::rows::{FAILED, Failure, MAIL, Rows, Success, WIKI};
use super::{database, rows_of, short};

/// Read until noon of 20 March, so that the last 30 days begin with noon of 18 February.
fn account() -> Rows {
    Rows::default().account("acme", "03-20 12:00:00", "03-01 00:00:00")
}

/// Creations of users 1, 2, … that failed with one error at these times.
fn failed(mut rows: Rows, first: u32, error: &'static str, times: &[&'static str]) -> Rows {
    for (place, at) in (0..).zip(times) {
        let user = Some(i64::from(place + 1));
        let failure = Failure {
            n: first + place,
            at,
            user,
            operation: "create",
            error: Some(error),
            ..FAILED
        };
        rows = rows.failure(&failure);
    }
    rows
}

fn incidents(db: &crate::support::tables::Db) -> Vec<Vec<String>> {
    let id = short("incident_id");
    rows_of(
        db,
        &format!(
            "select account, {id}, kind, app_id, app_name, error_fingerprint, error_class, started_at, ended_at,
                 is_ongoing, failures, people
             from app_incidents order by started_at, incident_id"
        ),
    )
}

on_both!(an_incident_is_one_error_of_three_people_without_a_pause_of_more_than_an_hour, |db| {
    let class = ["timeout", "yes", "Repeat it"];
    let rows = account().error("gap", class, ["03-01 00:00:00", "03-20 00:00:00"], 9);
    // Exactly an hour is no pause; a millisecond more is.
    let rows = failed(
        rows,
        100,
        "gap",
        &[
            "03-01 10:00:00",
            "03-01 11:00:00",
            "03-01 12:00:00",
            "03-01 13:00:00.001",
            "03-01 13:10:00",
            "03-01 13:20:00",
        ],
    );
    // Two people; three with a twin and a skipped attempt that do not count.
    let rows = failed(rows, 200, "two", &["03-02 10:00:00", "03-02 10:01:00"])
        .failure(&Failure {
            n: 202,
            at: "03-02 10:02:00",
            operation: "create",
            error: Some("two"),
            ..FAILED
        })
        .failure(&Failure {
            n: 203,
            at: "03-02 10:03:00",
            user: Some(3),
            twin_of: Some(201),
            source: "legacy",
            operation: "create",
            error: Some("two"),
            ..FAILED
        })
        .failure(&Failure {
            n: 204,
            at: "03-02 10:03:00",
            user: Some(3),
            outcome: "skipped",
            error: None,
            ..FAILED
        });
    // Began before the last 30 days; began with them.
    let rows = failed(
        rows,
        300,
        "before",
        &["02-18 11:30:00", "02-18 12:10:00", "02-18 12:20:00", "02-18 12:30:00"],
    );
    let rows = failed(rows, 400, "within", &["02-18 12:00:00", "02-18 12:01:00", "02-18 12:02:00"]);
    // Ended an hour before now, and a millisecond later.
    let rows = failed(rows, 500, "ended", &["03-20 10:58:00", "03-20 10:59:00", "03-20 11:00:00"]);
    let rows =
        failed(rows, 600, "ongoing", &["03-20 10:58:00", "03-20 10:59:00", "03-20 11:00:00.001"]);
    // In two apps, each with two people.
    let rows = failed(rows, 700, "apps", &["03-05 10:00:00", "03-05 10:01:00"])
        .failure(&Failure {
            n: 702,
            at: "03-05 10:02:00",
            user: Some(3),
            app: MAIL,
            error: Some("apps"),
            ..FAILED
        })
        .failure(&Failure {
            n: 703,
            at: "03-05 10:02:00",
            user: Some(4),
            app: MAIL,
            error: Some("apps"),
            ..FAILED
        });
    database(db, &rows);

    let at = |time: &str| format!("2026-{time}+00:00");
    let expected = [
        ("400", "within", "unknown", "02-18 12:00:00.000", "02-18 12:02:00.000", "0"),
        ("100", "gap", "timeout", "03-01 10:00:00.000", "03-01 12:00:00.000", "0"),
        ("103", "gap", "timeout", "03-01 13:00:00.001", "03-01 13:20:00.000", "0"),
        ("500", "ended", "unknown", "03-20 10:58:00.000", "03-20 11:00:00.000", "0"),
        ("600", "ongoing", "unknown", "03-20 10:58:00.000", "03-20 11:00:00.001", "1"),
    ];
    let expected = expected.map(|(id, error, class, from, to, ongoing)| {
        let (from, to) = (at(from), at(to));
        ["acme", id, "error", "1", "Wiki", error, class, &from, &to, ongoing, "3", "3"]
            .map(str::to_owned)
    });
    let expected: Vec<Vec<&str>> =
        expected.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
    assert_rows(&incidents(db), &expected.iter().map(Vec::as_slice).collect::<Vec<_>>());
});

on_both!(an_hour_of_many_deprovisionings_is_an_incident, |db| {
    // Successes of this many people from a number on, in one hour.
    let hour = |rows: Rows, first: u32, people: u32, at: &'static str, app| {
        (0..people).fold(rows, |rows, place| {
            let user = Some(i64::from(place + 1));
            rows.success(&Success { n: first + place, at, user, operation: "delete", app })
        })
    };
    // Wiki: nine hours of one person and one of 11, which is 5.5 times the mean of 2; the hour's last moment and
    // its first. Mail: nine hours of one person and one of 9. Two hours of 20: no more than their mean.
    let hours = [
        "03-01 00", "03-01 01", "03-01 02", "03-01 03", "03-01 04", "03-01 05", "03-01 06",
        "03-01 07", "03-01 08",
    ];
    let mut rows = account();
    for (place, at) in (0..).zip(hours) {
        let at: &'static str = Box::leak(format!("{at}:30:00").into_boxed_str());
        rows = hour(rows, 100 + place, 1, at, WIKI);
        rows = hour(rows, 120 + place, 1, at, MAIL);
    }
    let rows = hour(rows, 200, 10, "03-10 10:59:59.999", WIKI)
        .failure(&Failure { n: 210, at: "03-10 10:00:00", user: Some(11), ..FAILED })
        .failure(&Failure {
            n: 211,
            at: "03-10 10:30:00",
            user: Some(11),
            outcome: "skipped",
            error: None,
            ..FAILED
        })
        .success(&Success {
            n: 212,
            at: "03-10 10:30:00",
            user: Some(12),
            operation: "create",
            app: WIKI,
        });
    let rows = hour(rows, 300, 9, "03-10 10:00:00", MAIL);
    let rows = hour(rows, 400, 20, "03-11 10:00:00", (None, Some("Chat")));
    let rows = hour(rows, 420, 20, "03-11 11:00:00", (None, Some("Chat")));
    // Nine quiet hours, and one of ten people without a failure that goes on: exactly 5 times their mean of 2 would
    // need 11 hours.
    let chat = (None, Some("Forum"));
    let rows = (0..9).fold(rows, |rows, place| {
        let at: &'static str = Box::leak(format!("03-02 0{place}:00:00").into_boxed_str());
        hour(rows, 500 + place, 1, at, chat)
    });
    let rows = hour(rows, 600, 10, "03-20 11:30:00", chat);
    database(db, &rows);

    let hour = |id, app_id, app, from, to, ongoing, events, people| {
        ["acme", id, "deprovisioning", app_id, app, NULL, NULL, from, to, ongoing, events, people]
    };
    let (from, to) = ("2026-03-10 10:00:00.000+00:00", "2026-03-10 10:59:59.999+00:00");
    let ongoing = "2026-03-20 11:30:00.000+00:00";
    assert_rows(
        &incidents(db),
        &[
            &hour("210", "1", "Wiki", from, to, "0", "11", "11"),
            &hour("600", NULL, "Forum", ongoing, ongoing, "1", "10", "10"),
        ],
    );
});

// Regression: an hour that began before the last 30 days was listed as if it had begun with them, and an app with two
// names in an hour had the one that the database's collation put last.
on_both!(an_hour_is_read_from_its_beginning_and_named_by_its_first_failure, |db| {
    // The last 30 days begin with 02-18 12:30.
    let account = Rows::default().account("acme", "03-20 12:30:00", "02-01 00:00:00");
    let quiet = (0..9).fold(account, |rows, place: u32| {
        let at: &'static str = Box::leak(format!("03-02 0{place}:00:00").into_boxed_str());
        let one = Success { n: 100 + place, at, user: Some(1), operation: "delete", app: WIKI };
        rows.success(&one).success(&Success { n: 150 + place, app: MAIL, ..one })
    });
    let begun =
        Success { n: 200, at: "02-18 12:29:59.999", user: Some(1), operation: "delete", app: WIKI };
    let rows = (201..=211).fold(quiet.success(&begun), |rows, n: u32| {
        rows.success(&Success {
            n,
            at: "02-18 12:30:00",
            user: Some(n.into()),
            operation: "delete",
            app: WIKI,
        })
    });
    let rows = (301..=312).fold(rows, |rows, n: u32| {
        let (at, app) = match n {
            301 => ("02-18 13:00:00", (MAIL.0, Some("post"))),
            _ => ("02-18 13:10:00", (MAIL.0, Some("Zebra"))),
        };
        rows.failure(&Failure { n, at, user: Some(n.into()), app, ..FAILED })
    });
    database(db, &rows);

    let found = rows_of(
        db,
        "select kind, app_id, app_name, started_at, people from app_incidents where kind = 'deprovisioning'",
    );

    let from = "2026-02-18 13:00:00.000+00:00";
    assert_rows(&found, &[&["deprovisioning", "2", "post", from, "12"]]);
});
