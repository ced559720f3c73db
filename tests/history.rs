//! The tables hold all that the source holds, whenever it appeared there: once, and as it is now.

use std::time::Duration;

use onelogin_simulator::{Config, Entry, Ids, Record, Simulator};
use serde_json::value::RawValue;

use crate::support::onelogin::{
    FAILURES, RUNS, USERS, WATERMARKS, WINDOWS, all_records, assert_loaded, at, counts, empty, put,
    record, start, sync_ok, written,
};
use crate::support::tables::{NULL, assert_rows, on_both};

/// As printed in OneLogin's documentation, but for the space where the page wraps inside a text.
const SAMPLE: &str = include_str!("fixtures/documented_sample.json");

/// A few hundred failures of one week.
fn a_week(late_records: u32) -> Simulator {
    start(Config { failures: 400, days: 7, late_records, ..Config::default() })
}

const A_WEEK_AGO: [&str; 2] = ["--since", "2026-03-13T12:00:00Z"];

on_both!(the_documented_sample_loads_to_expected_rows, |db| {
    let onelogin = empty("2014-09-10T00:00:00Z");
    let sample: Vec<&RawValue> = serde_json::from_str(SAMPLE).expect("an array");
    let [first, second] = [sample[0].get(), sample[1].get()];
    put(&onelogin, "2014-09-09T01:17:23Z", first);
    put(&onelogin, "2014-09-09T22:25:23Z", second);

    let outcome = sync_ok(&onelogin, db, &["--since", "2014-09-08"]);

    assert_eq!(counts(&outcome), [2, 2, 0, 0, 0]);
    // The ids are made, not given: another id would load every failure a second time.
    let [first_id, second_id] =
        ["014857fc-90b8-8258-b686-b7ada959ba11", "01485c85-7438-8a60-871a-b0f248c27230"];
    let [first_at, second_at] = ["2014-09-09 01:17:23.000+00:00", "2014-09-09 22:25:23.000+00:00"];
    let timeout = "The connection timed out while provisioning to https://lux.onelogin.com/sales";
    #[rustfmt::skip]
    assert_rows(&db.rows(FAILURES), &[
        &[first_id, "default", "legacy", "654321", "123456", "101010", "unknown", "description", NULL, NULL, NULL, first_at,
          "2014/09/08 18:17:23 -0700", "Internal provisioning error", NULL, NULL, NULL, NULL, first],
        &[second_id, "default", "legacy", "765432", "234567", "111111", "reactivate", "description", NULL, "Sales App", NULL, second_at,
          "2014/09/09 15:25:23 -0700", "Tanja Ono could not be reactivated in Sales App", timeout, NULL, NULL, NULL, second],
    ]);
    let hashes = db.rows("select content_hash from provisioning_failures order by failure_id");
    assert_rows(&hashes, &[&["-2758372751567684929"], &["-1180403573080603653"]]);
    #[rustfmt::skip]
    assert_rows(&db.rows(USERS), &[
        &["default", "101010", "johanna@hui.com", "jhui", "Johanna", "Hui", first_id, first_at, "Johanna Hui", first_id, first_at, "legacy"],
        &["default", "111111", "tanja@ono.com", "tono", "Tanja", "Ono", second_id, second_at, "Tanja Ono", second_id, second_at, "legacy"],
    ]);
    let (from, to) = ("2014-09-08 00:00:00.000+00:00", "2014-09-10 00:00:00.000+00:00");
    assert_rows(&db.rows(WATERMARKS), &[&["default", "legacy", second_at, to, NULL]]);
    assert_rows(&db.rows(WINDOWS), &[&[from, to, "2", "2", "0", "0", "0"]]);
    let run = &["succeeded", "0", "2", "2", "0", "0", "0", "2", "1", "0"];
    assert_rows(&db.rows(RUNS), &[run]);
    assert_eq!(outcome["bytes"], onelogin.requests()[0].bytes);
    assert_rows(&db.rows("select count(*) from rejected_records"), &[&["0"]]);
});

on_both!(a_first_run_loads_all_that_the_source_holds, |db| {
    let onelogin = start(Config { failures: 3_000, ..Config::default() });
    let texts = all_records(&onelogin);

    let outcome = sync_ok(&onelogin, db, &["--since", "2026-02-18T12:00:00Z"]);

    assert_loaded(db, &texts);
    // A record at the border of two windows comes with both.
    let [fetched, inserted, updated, unchanged, rejected] = counts(&outcome);
    assert_eq!((inserted, updated, rejected), (texts.len() as u64, 0, 0));
    assert_eq!(fetched, inserted + unchanged);
    let ledger = "select sum(fetched), sum(inserted), sum(unchanged), count(*) from sync_windows";
    let windows = outcome["windows"].to_string();
    let total = [fetched, inserted, unchanged].map(|n| n.to_string());
    assert_rows(&db.rows(ledger), &[&[&total[0], &total[1], &total[2], &windows]]);
    assert_eq!(outcome["requests"], onelogin.requests_served());
    assert_eq!(outcome["scanned_through"], "2026-03-20T12:00:00Z");
});

on_both!(a_second_run_writes_nothing, |db| {
    let onelogin = a_week(0);
    sync_ok(&onelogin, db, &A_WEEK_AGO);
    let before = written(db);

    let outcome = sync_ok(&onelogin, db, &[]);

    let again = onelogin.records(Some(at("2026-03-19T11:59:59Z")), None).count() as u64;
    assert!(again > 10, "the overlap holds only {again} records");
    assert_eq!(counts(&outcome), [again, 0, 0, again, 0]);
    assert_eq!(outcome["users_written"], 0);
    assert_eq!(outcome["requests"], 1);
    assert!(before == written(db), "a row was written");

    // Nor does a run over everything.
    let outcome = sync_ok(&onelogin, db, &A_WEEK_AGO);
    assert_eq!(counts(&outcome)[1..3], [0, 0]);
    assert!(counts(&outcome)[3] > again);
    assert!(before == written(db), "a row was written");
});

on_both!(records_that_appear_late_are_found, |db| {
    let onelogin = a_week(4);
    sync_ok(&onelogin, db, &A_WEEK_AGO);
    let first = all_records(&onelogin);

    // The latest appear six hours after they happened.
    for _ in 0..4 {
        onelogin.advance(Duration::from_hours(3));
        sync_ok(&onelogin, db, &[]);
    }

    let texts = all_records(&onelogin);
    let late = onelogin.records(None, Some(at("2026-03-20T12:00:00Z"))).count() - first.len();
    assert!(late > 0, "no record appeared late");
    assert_loaded(db, &texts);
});

on_both!(a_record_within_the_overlap_is_found_after_several_runs, |db| {
    let onelogin = empty("2026-03-19T12:30:00Z");
    put(&onelogin, "2026-03-19T12:00:00Z", record(1, "2026-03-19T12:00:00Z", 1).to_json());
    let late = record(2, "2026-03-19T12:20:00Z", 2).to_json();
    let late = Entry::new(at("2026-03-19T12:20:00Z"), late).late(at("2026-03-20T12:00:00Z"));
    onelogin.put(late);
    sync_ok(&onelogin, db, &["--since", "2026-03-19"]);
    for hour in ["2026-03-19T18:00:00Z", "2026-03-20T00:00:00Z", "2026-03-20T06:00:00Z"] {
        // The watermark moves on with these.
        put(&onelogin, hour, record(3, hour, 3).to_json());
        onelogin.set_now(at(hour));
        assert_eq!(sync_ok(&onelogin, db, &[])["inserted"], 1);
    }

    onelogin.set_now(at("2026-03-20T12:10:00Z"));
    let outcome = sync_ok(&onelogin, db, &[]);

    assert_eq!(outcome["inserted"], 1);
    assert_eq!(outcome["high_water_mark"], "2026-03-20T06:00:00Z");
    assert_loaded(db, &all_records(&onelogin));
});

on_both!(a_record_later_than_the_overlap_is_found_when_its_span_is_read_again, |db| {
    let onelogin = empty("2026-03-19T13:00:00Z");
    put(&onelogin, "2026-03-19T12:30:00Z", record(1, "2026-03-19T12:30:00Z", 1).to_json());
    sync_ok(&onelogin, db, &["--since", "2026-03-19"]);
    put(&onelogin, "2026-03-19T10:00:00Z", record(2, "2026-03-19T10:00:00Z", 2).to_json());

    assert_eq!(sync_ok(&onelogin, db, &["--overlap", "1h"])["inserted"], 0);
    assert_eq!(sync_ok(&onelogin, db, &["--since", "2026-03-19"])["inserted"], 1);

    assert_loaded(db, &all_records(&onelogin));
});

on_both!(a_record_of_the_very_second_of_the_watermark_is_found, |db| {
    let second = "2026-03-20T12:00:00Z";
    let onelogin = empty(second);
    put(&onelogin, second, record(1, second, 1).to_json());
    sync_ok(&onelogin, db, &["--since", "2026-03-20"]);
    put(&onelogin, second, record(2, second, 1).to_json());
    put(&onelogin, second, record(3, second, 2).to_json());

    let outcome = sync_ok(&onelogin, db, &["--overlap", "0s"]);

    assert_eq!(counts(&outcome), [3, 2, 0, 1, 0]);
    assert_eq!(outcome["high_water_mark"], second);
    assert_loaded(db, &all_records(&onelogin));
});

on_both!(a_record_that_two_windows_hold_is_loaded_once, |db| {
    let onelogin = empty("2026-03-20T12:00:00Z");
    // The first window of a run is seven days wide, and both windows include their border.
    put(&onelogin, "2026-03-08T00:00:00Z", record(1, "2026-03-08T00:00:00Z", 1).to_json());

    let outcome = sync_ok(&onelogin, db, &["--since", "2026-03-01"]);

    assert_eq!(counts(&outcome), [2, 1, 0, 1, 0]);
    let (from, border, to) = (
        "2026-03-01 00:00:00.000+00:00",
        "2026-03-08 00:00:00.000+00:00",
        "2026-03-20 12:00:00.000+00:00",
    );
    assert_rows(
        &db.rows(WINDOWS),
        &[&[from, border, "1", "1", "0", "0", "0"], &[border, to, "1", "0", "0", "1", "0"]],
    );
    assert_loaded(db, &all_records(&onelogin));
});

on_both!(an_id_that_repeats_as_an_apps_would_loses_nothing, |db| {
    let config = Config {
        failures: 1_500,
        days: 7,
        ids: Ids::OfTheApp,
        late_records: 0,
        ..Config::default()
    };
    let onelogin = start(config);

    let outcome = sync_ok(&onelogin, db, &A_WEEK_AGO);

    assert_eq!(outcome["inserted"], 1_500);
    let ids: usize = db.rows("select count(distinct source_id) from provisioning_failures")[0][0]
        .parse()
        .unwrap();
    assert!(ids < 100, "{ids} different ids");
    assert_loaded(db, &all_records(&onelogin));
});

on_both!(equal_ids_of_other_logins_people_times_or_sentences_are_other_failures, |db| {
    let onelogin = empty("2026-03-20T12:00:00Z");
    let time = "2026-03-20T11:00:00Z";
    let one = record(1, time, 1);
    let sentence = "User 1 could not be deleted in Sales App".to_owned();
    for other in [
        Record { login_id: 7, ..one.clone() },
        Record { user: record(1, time, 2).user, ..one.clone() },
        Record { user: None, ..one.clone() },
        Record { created_at: record(1, "2026-03-20T11:00:01Z", 1).created_at, ..one.clone() },
        Record { description: sentence, ..one.clone() },
        one,
    ] {
        put(&onelogin, time, other.to_json());
    }

    let outcome = sync_ok(&onelogin, db, &["--since", "2026-03-20"]);

    assert_eq!(counts(&outcome), [6, 6, 0, 0, 0]);
    assert_loaded(db, &all_records(&onelogin));
});

on_both!(a_failure_whose_content_changed_is_updated_in_place, |db| {
    let onelogin = empty("2026-03-20T12:00:00Z");
    let time = "2026-03-20T11:00:00Z";
    let mut changing = record(1, time, 1);
    let number = put(&onelogin, time, changing.to_json());
    put(&onelogin, time, record(2, time, 2).to_json());
    sync_ok(&onelogin, db, &["--since", "2026-03-20"]);
    let fixed = "select failure_id, first_seen_at from provisioning_failures order by failure_id";
    let (ids, before) = (db.rows(fixed), written(db));
    changing.error_description = None;
    changing.user.as_mut().expect("a person").email = Some("married@example.com".to_owned());
    onelogin.replace(number, changing.to_json());

    let outcome = sync_ok(&onelogin, db, &[]);

    assert_eq!(counts(&outcome), [2, 0, 1, 1, 0]);
    assert_eq!(outcome["users_written"], 1);
    assert_loaded(db, &all_records(&onelogin));
    assert_eq!(db.rows(fixed), ids);
    let same = written(db).iter().filter(|row| before.contains(row)).count();
    assert_eq!(same, 2, "only the other failure and its person are as they were");
});
