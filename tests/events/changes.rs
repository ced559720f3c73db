//! Events after a failure: it is resolved, a success closes it, OneLogin adds types.

use std::time::Duration;

use onelogin_simulator::{Config, Endpoint, EventRecord, Fault};

use super::{MONTH, NOON, TODAY, failure, month};
use crate::support::api::{Api, put_event};
use crate::support::onelogin::{at, counts, empty, put, record};
use crate::support::tables::{NULL, assert_rows, on_both};

const OPEN: &str =
    "select user_id, app_name, operation from open_failures order by created_at, app_name";

on_both!(an_event_that_is_resolved_later_is_found_by_the_daily_rescan, |db| {
    let onelogin = empty(NOON);
    let event = failure(1, "2026-03-20T11:00:00Z");
    let number = put_event(&onelogin, event.clone());
    Api::Events.sync_ok(&onelogin, db, &TODAY);
    onelogin.advance(Duration::from_hours(4 * 24));
    put_event(&onelogin, failure(2, "2026-03-24T11:00:00Z"));
    Api::Events.sync_ok(&onelogin, db, &[]);
    let resolved = EventRecord {
        solved: Some(true),
        resolved_at: Some("2026-03-24T11:30:00.500Z".into()),
        resolution: Some("by hand".into()),
        ..event
    };
    onelogin.replace_event(number, resolved.to_json());

    // The same day nothing is read again so far back.
    let outcome = Api::Events.sync_ok(&onelogin, db, &[]);
    assert_eq!(counts(&outcome), [1, 0, 0, 1, 0]);
    onelogin.advance(Duration::from_hours(24));
    Api::Events.sync_ok(&onelogin, db, &[]);
    let outcome = Api::Events.sync_ok(&onelogin, db, &["--overlap", "0s"]);

    assert_eq!(counts(&outcome)[1], 0);
    let columns =
        "select solved, resolved_at, resolution from provisioning_failures order by source_id";
    assert_rows(
        &db.rows(columns),
        &[&["1", "2026-03-24 11:30:00.500+00:00", "by hand"], &[NULL, NULL, NULL]],
    );
    // The second one continued the case of the first, so that the resolution of the first closed nothing.
    let open = db.rows("select source_id from open_failures order by source_id");
    assert_rows(&open, &[&["1"], &["2"]]);
    Api::Events.assert_loaded(db, &Api::Events.served(&onelogin, None, None));
});

on_both!(a_failure_resolved_after_a_first_run_with_since_is_updated_by_the_next_daily_one, |db| {
    let onelogin = empty(NOON);
    let event = failure(1, "2026-03-18T11:00:00Z");
    let number = put_event(&onelogin, event.clone());
    let since = ["--since", "2026-03-01", "--refresh-people", "never"];
    Api::Events.sync_ok(&onelogin, db, &since);
    let resolved = EventRecord { solved: Some(true), ..event };
    onelogin.replace_event(number, resolved.to_json());
    onelogin.advance(Duration::from_hours(24));

    let outcome = Api::Events.sync_ok(&onelogin, db, &["--overlap", "0s"]);

    assert_eq!(counts(&outcome)[2], 1, "updated: {outcome}");
    Api::Events.assert_loaded(db, &Api::Events.served(&onelogin, None, None));
});

on_both!(made_up_events_that_change_are_all_found_in_the_end, |db| {
    // One in four is resolved an hour to five days after it.
    let onelogin = month(|month| Config { failures: 300, days: 10, resolved_events: 4, ..month });
    Api::Events.sync_ok(&onelogin, db, &MONTH);
    for _ in 0..8 {
        onelogin.advance(Duration::from_hours(24));
        Api::Events.sync_ok(&onelogin, db, &["--refresh-people", "never"]);
    }
    // Once more, a day after the last of them has changed.
    Api::Events.assert_loaded(db, &Api::Events.served(&onelogin, None, None));
    let solved = "select count(*) > 50 from provisioning_failures where solved";
    let solved = if matches!(db, crate::support::tables::Db::Sqlite(_)) {
        solved.to_owned()
    } else {
        solved.replace("where solved", "where solved is true")
    };
    assert_rows(&db.rows(&solved), &[&["1"]]);
});

on_both!(a_failure_is_closed_by_a_later_success_of_the_same_person_app_and_operation, |db| {
    let onelogin = empty(NOON);
    let event = |id, time: &str, event_type_id, user_id, app: Option<(i64, &str)>| {
        put_event(
            &onelogin,
            EventRecord {
                app_id: app.map(|(id, _)| id),
                app_name: app.map(|(_, name)| name.to_owned()),
                ..EventRecord::new(id, at(time), event_type_id, user_id)
            },
        )
    };
    let (early, then, late) =
        ("2026-03-20T08:00:00Z", "2026-03-20T09:00:00Z", "2026-03-20T10:00:00Z");
    let (wiki, mail) = (Some((1, "Wiki")), Some((2, "Mail")));
    event(1, then, 61, 1, wiki); // closed
    event(2, late, 53, 1, wiki);
    event(3, then, 61, 2, wiki); // another app
    event(4, late, 53, 2, mail);
    event(5, then, 61, 3, wiki); // superseded: access was given again
    event(6, late, 54, 3, wiki);
    event(7, then, 61, 4, wiki); // earlier
    event(8, early, 53, 4, wiki);
    event(9, then, 61, 5, wiki); // deleted: suspended for good
    event(10, late, 55, 5, wiki);
    event(11, then, 63, 6, wiki); // suspended is not deleted
    event(12, late, 53, 6, wiki);
    event(13, then, 64, 7, wiki); // linked: it was there
    event(14, late, 59, 7, wiki);
    event(15, then, 25, 8, wiki); // whatever it was, it went well then
    event(16, late, 52, 8, wiki);
    event(17, then, 61, 9, wiki); // another person
    event(18, late, 53, 10, wiki);

    Api::Events.sync_ok(&onelogin, db, &TODAY);

    let open = "select user_id from open_failures order by user_id";
    assert_rows(&db.rows(open), &[&["2"], &["4"], &["6"], &["9"]]);
    assert_eq!(db.count("provisioning_successes"), 9);
});

on_both!(a_success_closes_a_failure_that_only_the_legacy_api_has, |db| {
    let onelogin = empty(NOON);
    put(&onelogin, "2026-03-20T09:00:00Z", record(1, "2026-03-20T09:00:00Z", 7).to_json());
    put(&onelogin, "2026-03-20T09:00:00Z", record(2, "2026-03-20T09:00:00Z", 8).to_json());
    put_event(&onelogin, EventRecord { event_type_id: 53, ..failure(3, "2026-03-20T10:00:00Z") });

    Api::Legacy.sync_ok(&onelogin, db, &["--since", "2026-03-20"]);
    Api::Events.sync_ok(&onelogin, db, &TODAY);

    assert_rows(&db.rows(OPEN), &[&["8", "Sales App", "suspend"]]);
});

on_both!(
    the_names_of_types_are_kept_and_a_new_one_that_looks_like_a_failure_is_pointed_out,
    |db| {
        let onelogin = empty(NOON);
        let finished = Api::Events.sync(&onelogin, db, &TODAY).run().expect_code(0);
        assert!(!finished.stderr.contains("event_type_id"), "nothing to point out yet; {finished}");
        let named = "select name from event_types where event_type_id = 61";
        assert_rows(&db.rows(named), &[&["USER_FAILED_SUSPENDING_IN_APP"]]);
        onelogin.add_event_type(4_001, "USER_FAILED_ARCHIVING_IN_APP", None);
        onelogin.add_event_type(4_002, "USER_ARCHIVED_IN_APP", None);

        let finished = Api::Events.sync(&onelogin, db, &[]).run().expect_code(0);
        assert!(!finished.stderr.contains("event_type_id=4001"), "compared once a day; {finished}");
        onelogin.advance(Duration::from_hours(25));
        let finished = Api::Events.sync(&onelogin, db, &[]).run().expect_code(0);

        let warning = finished
            .stderr
            .lines()
            .find(|line| line.contains("event_type_id=4001"))
            .expect("a warning");
        assert!(warning.contains("WARN") && warning.contains("--event-types"), "{warning}");
        assert!(!finished.stderr.contains("USER_ARCHIVED_IN_APP"), "{finished}");
        assert_eq!(onelogin.calls_to(Endpoint::Types).len(), 2);
        // It was pointed out, and is known now.
        onelogin.advance(Duration::from_hours(25));
        let finished = Api::Events.sync(&onelogin, db, &[]).run().expect_code(0);
        assert!(!finished.stderr.contains("event_type_id=4001"), "{finished}");
    }
);

on_both!(types_that_cannot_be_compared_fail_no_run_and_are_compared_by_the_next, |db| {
    let onelogin = empty(NOON);
    onelogin.fail_always_at(Endpoint::Types, Some(Fault::NotFound));
    let finished = Api::Events.sync(&onelogin, db, &TODAY).run().expect_code(0);
    assert!(finished.stderr.contains("event types not checked"), "{finished}");
    assert_eq!(db.count("event_types"), 0);
    onelogin.fail_always_at(Endpoint::Types, None);

    Api::Events.sync_ok(&onelogin, db, &[]);

    assert!(db.count("event_types") > 20);
});
