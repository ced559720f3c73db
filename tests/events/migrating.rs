//! From the legacy API to the events API, without losing or doubling a failure.

use onelogin_simulator::{Config, Endpoint, EventRecord, Fault, Simulator};

use super::{NOON, failure, month};
use crate::support::api::{Api, parameter, put_event};
use crate::support::onelogin::{at, empty, put, record, start};
use crate::support::outcome::{SINCE, history, outcome};
use crate::support::program::Program;
use crate::support::tables::{Db, assert_rows, on_both};

const SUSPENDED: &str =
    "select source, user_id, app_name from failures order by created_at, user_id, source";

on_both!(events_begin_where_legacy_stands_less_the_overlap, |db| {
    let onelogin = empty("2026-03-10T12:00:00Z");
    put(&onelogin, "2026-03-10T09:00:00Z", record(1, "2026-03-10T09:00:00Z", 7).to_json());
    Api::Legacy.sync_ok(&onelogin, db, &["--since", "2026-03-01"]);
    onelogin.set_now(at(NOON));

    Api::Events.sync_ok(&onelogin, db, &[]);

    // The last failure less a day, and a second more.
    let requested = Api::Events.requested(&onelogin);
    assert_eq!(requested[0].0, at("2026-03-09T08:59:59Z"));
    let watermarks = "select source, scanned_through from watermarks order by source";
    assert_rows(
        &db.rows(watermarks),
        &[
            &["events", "2026-03-20 12:00:00.000+00:00"],
            &["legacy", "2026-03-10 12:00:00.000+00:00"],
        ],
    );
    // Another account has no legacy sync to continue from.
    let before = requested.len();
    Api::Events.sync_ok(&onelogin, db, &["--account", "another"]);
    assert_ne!(Api::Events.requested(&onelogin)[before].0, at("2026-03-09T08:59:59Z"));
});

on_both!(an_account_that_migrates_has_each_failure_once, |db| {
    let onelogin = month(|month| Config { failures: 900, late_records: 0, ..month });
    Api::Legacy.sync_ok(&onelogin, db, &["--since", SINCE, "--until", "2026-03-10T12:00:00Z"]);
    let of_legacy = db.count("provisioning_failures");

    Api::Events.sync_ok(&onelogin, db, &["--refresh-people", "never"]);

    // The overlap is in both.
    assert!(db.count("provisioning_failures") > 900);
    assert_eq!(db.count("failures"), 900);
    let sources = db.rows("select source, count(*) from failures group by source order by source");
    assert_eq!(sources.len(), 2);
    let [events, legacy] =
        [&sources[0][1], &sources[1][1]].map(|n| n.parse::<usize>().expect("a count"));
    assert_eq!(events + legacy, 900);
    assert!(legacy < of_legacy && legacy > 500, "{sources:?}");
});

on_both!(failures_that_look_alike_are_counted_and_not_merged, |db| {
    let onelogin = empty(NOON);
    let time = "2026-03-20T11:00:00Z";
    let event = |id, millis: &str, user_id| {
        let at = at(&format!("2026-03-20T11:00:00.{millis}Z"));
        put_event(&onelogin, EventRecord::new(id, at, 61, user_id));
    };
    // Twice in the old source and once in the new one; the other way round; and a second apart.
    for (id, user_id) in [(1, 1), (2, 1), (3, 2), (4, 3)] {
        put(&onelogin, time, record(id, time, user_id).to_json());
    }
    event(11, "100", 1);
    event(12, "100", 2);
    event(13, "999", 2);
    put(&onelogin, "2026-03-20T11:00:02Z", record(5, "2026-03-20T11:00:02Z", 4).to_json());
    event(14, "500", 4);

    Api::Legacy.sync_ok(&onelogin, db, &["--since", "2026-03-20"]);
    Api::Events.sync_ok(&onelogin, db, &["--refresh-people", "never"]);

    assert_rows(
        &db.rows("select user_id, source, count(*) from failures group by 1, 2 order by 1, 2"),
        &[
            &["1", "events", "1"],
            &["1", "legacy", "1"],
            &["2", "events", "2"],
            &["3", "legacy", "1"],
            &["4", "events", "1"],
            &["4", "legacy", "1"],
        ],
    );
});

on_both!(a_failure_of_another_operation_or_person_is_another_and_an_app_may_be_renamed, |db| {
    let onelogin = empty(NOON);
    let time = "2026-03-20T11:00:00Z";
    for id in 1..=4 {
        put(&onelogin, time, record(id, time, id).to_json());
    }
    put_event(
        &onelogin,
        EventRecord { app_name: Some("Wiki".into()), ..EventRecord::new(11, at(time), 61, 1) },
    );
    put_event(&onelogin, EventRecord::new(12, at(time), 62, 2));
    put_event(&onelogin, EventRecord::new(13, at(time), 61, 9));
    put_event(&onelogin, EventRecord { app_name: None, ..EventRecord::new(14, at(time), 61, 4) });

    Api::Legacy.sync_ok(&onelogin, db, &["--since", "2026-03-20"]);
    Api::Events.sync_ok(&onelogin, db, &["--refresh-people", "never"]);

    let null = crate::support::tables::NULL;
    assert_rows(
        &db.rows(SUSPENDED),
        &[
            &["events", "1", "Wiki"],
            &["events", "2", "Sales App"],
            &["legacy", "2", "Sales App"],
            &["legacy", "3", "Sales App"],
            &["events", "4", null],
            &["events", "9", "Sales App"],
        ],
    );
});

fn compare(onelogin: &Simulator, db: &Db, arguments: &[&str]) -> Program {
    let span = ["--since", "2026-03-01", "--until", "2026-03-19"];
    Program::new(&[&["compare", "--database-url", &db.url()], &span[..], arguments].concat())
        .env("ONELOGIN_BASE_URL", onelogin.url())
        .env("ONELOGIN_API_KEY", onelogin.key())
        .env("ONELOGIN_CLIENT_ID", onelogin.client_id())
        .env("ONELOGIN_CLIENT_SECRET", onelogin.client_secret())
}

on_both!(two_apis_with_the_same_failures_compare_equal, |db| {
    let onelogin = month(|month| month);

    let compared = compare(&onelogin, db, &["--format", "json"]).run().expect_code(0).json();

    let expected =
        onelogin.records(Some(at("2026-03-01T00:00:00Z")), Some(at("2026-03-19T00:00:00Z")));
    assert_eq!(compared["matched"], expected.count());
    assert_eq!(
        (&compared["only_legacy"], &compared["only_events"]),
        (&serde_json::json!([]), &serde_json::json!([]))
    );
    // Its calls are counted like those of a run.
    assert_rows(
        &db.rows("select sum(calls) from api_calls"),
        &[&[&(onelogin.calls().len() - onelogin.calls_to(Endpoint::Legacy).len()).to_string()]],
    );
    assert_eq!(db.count("provisioning_failures"), 0, "nothing is loaded");
    // Regression: successes, which are not compared, were requested too.
    let events = onelogin.calls_to(Endpoint::Events);
    let types: Vec<String> =
        events.iter().filter_map(|call| parameter(&call.query, "event_type_id")).collect();
    assert!(!types.is_empty() && types.iter().all(|types| !types.contains("51")), "{types:?}");
});

on_both!(failures_that_only_one_api_has_are_named_and_exit_65, |db| {
    let onelogin = month(|month| Config { failures: 60, ..month });
    let (time, later) = ("2026-03-05T11:00:00Z", "2026-03-06T11:00:00Z");
    put(&onelogin, time, record(1, time, 7).to_json());
    put_event(&onelogin, EventRecord::new(81_000_000_999, at(later), 64, 8));
    // Within the tolerance, and on the edge of the span.
    put(&onelogin, later, record(2, later, 9).to_json());
    put_event(&onelogin, EventRecord::new(5, at("2026-03-06T11:00:02.500Z"), 61, 9));
    put_event(&onelogin, EventRecord::new(6, at("2026-03-19T00:00:01Z"), 61, 10));
    let tolerance = ["--tolerance", "3s"];

    let compared = compare(&onelogin, db, &[&tolerance[..], &["--format", "json"]].concat()).run();
    let compared = compared.expect_code(65).json();

    assert_eq!(
        compared["only_legacy"],
        serde_json::json!([{"created_at": time, "user_id": 7, "operation": "suspend", "app_name": "Sales App", "source_id": 1}])
    );
    assert_eq!(
        compared["only_events"],
        serde_json::json!([{"created_at": later, "user_id": 8, "operation": "create", "app_name": "Sales App", "source_id": 81_000_000_999_i64}])
    );
    let compared = compare(&onelogin, db, &tolerance).run().expect_code(65);
    assert!(
        compared.stdout.contains("1 only in legacy") && compared.stdout.contains("user 7"),
        "{compared}"
    );
    assert!(compared.stderr.contains("the APIs differ: 2 failures"), "{compared}");
    assert!(!compared.stdout.contains('@'), "{compared}");
});

on_both!(attempts_that_were_skipped_are_no_difference, |db| {
    let onelogin = month(|month| Config { failures: 60, ..month });
    put_event(&onelogin, EventRecord::new(5, at("2026-03-06T11:00:00Z"), 60, 9));

    let compared = compare(&onelogin, db, &[]).run().expect_code(0);

    assert!(compared.stdout.contains("0 only in events"), "{compared}");
});

on_both!(a_comparison_that_cannot_read_a_record_exits_65, |db| {
    let onelogin = month(|month| Config { failures: 60, ..month });
    let time = "2026-03-05T11:00:00Z";
    let unreadable = record(1, time, 7).to_json().replace("created_at", "made_at");
    put(&onelogin, time, unreadable);

    let compared = compare(&onelogin, db, &[]).run().expect_code(65);

    assert!(compared.stdout.contains("1 record of legacy could not be read"), "{compared}");
    assert!(compared.stderr.contains("1 record could not be read"), "{compared}");
    let compared = compare(&onelogin, db, &["--format", "json"]).run().expect_code(65).json();
    assert_eq!(
        (&compared["unreadable_legacy"], &compared["unreadable_events"]),
        (&1.into(), &0.into())
    );
});

#[test]
fn a_comparison_needs_both_credentials_and_a_span() {
    let (onelogin, db) = (empty(NOON), Db::sqlite());
    for missing in ["ONELOGIN_API_KEY", "ONELOGIN_CLIENT_ID", "ONELOGIN_CLIENT_SECRET"] {
        let refused = compare(&onelogin, &db, &[]).env(missing, "").run().expect_code(78);
        assert!(refused.stderr.contains(missing), "{refused}");
    }
    compare(&onelogin, &db, &["--until", "2026-02-01"]).run().expect_code(64);
    Program::new(&["compare"]).run().expect_code(64);
    assert_eq!(onelogin.calls(), []);
}

/// A run of the legacy API after its end explains the migration.
fn explains_how_to_migrate(db: &Db, fault: Fault) {
    let onelogin = history(60);
    onelogin.fail_always(Some(fault));

    let outcome = outcome(Api::Legacy.sync(&onelogin, db, &["--since", SINCE]).run(), 76);

    let error = outcome["error"].as_str().expect("a text");
    assert!(error.contains("migrate to the events API"), "{error}");
    assert!(error.contains("ONELOGIN_CLIENT_ID and ONELOGIN_CLIENT_SECRET"), "{error}");
}

on_both!(a_legacy_api_that_is_gone_explains_how_to_migrate, |db| {
    explains_how_to_migrate(db, Fault::NotFound);
    explains_how_to_migrate(db, Fault::Gone);
    explains_how_to_migrate(db, Fault::Html);
});

on_both!(a_legacy_api_that_announces_its_end_is_warned_of_once_per_run, |db| {
    let onelogin = start(Config { failures: 600, deprecation: true, ..Config::default() });

    let finished = Api::Legacy.sync(&onelogin, db, &["--since", SINCE]).run().expect_code(0);

    assert_eq!(finished.stderr.matches("announces the end").count(), 1, "{finished}");
    assert!(finished.stderr.contains("ONELOGIN_CLIENT_ID"), "{finished}");
});

on_both!(the_credentials_decide_which_api_is_read, |db| {
    let onelogin = empty(NOON);
    let both = Api::Legacy
        .sync(&onelogin, db, &["--since", "2026-03-20"])
        .env("ONELOGIN_CLIENT_ID", onelogin.client_id())
        .env("ONELOGIN_CLIENT_SECRET", onelogin.client_secret());
    assert_eq!(both.run().expect_code(0).json()["source"], "events");
    let announced = Api::Legacy
        .sync(&onelogin, db, &["--since", "2026-03-20", "--source", "legacy"])
        .env("ONELOGIN_CLIENT_ID", onelogin.client_id())
        .env("ONELOGIN_CLIENT_SECRET", onelogin.client_secret());
    assert_eq!(announced.run().expect_code(0).json()["source"], "legacy");
    // Half of a credential is none, and no reason to read something else.
    let half = Api::Legacy
        .sync(&onelogin, db, &["--since", "2026-03-20"])
        .env("ONELOGIN_CLIENT_ID", onelogin.client_id());
    let half = half.run().expect_code(78);
    assert!(half.stderr.contains("ONELOGIN_CLIENT_SECRET"), "{half}");
});

on_both!(an_account_that_migrated_is_as_fresh_as_its_events, |db| {
    let onelogin = empty(NOON);
    put_event(&onelogin, failure(1, "2026-03-20T11:00:00Z"));
    Api::Legacy.sync_ok(&onelogin, db, &["--since", "2026-03-20"]);
    Api::Events.sync_ok(&onelogin, db, &[]);
    let now = crate::support::onelogin::shown(chrono::Utc::now());
    db.execute(&format!("update watermarks set scanned_through = '{now}' where source = 'events'"));

    let url = db.url();
    let status = |age| Program::new(&["status", "--database-url", &url, "--max-age", age]).run();

    status("1h").expect_code(0);
    db.execute("update watermarks set scanned_through = '2026-03-20 12:00:00.000+00:00'");
    status("1h").expect_code(75);
});
