//! The beginning, continuation and end of cases.

use super::*;

on_both!(a_case_ends_with_what_closes_it, |db| {
    let onelogin = empty(NOON);
    let put = |event: EventRecord| put_event(&onelogin, event);
    let pair = |user_id: i64, failed: i64, succeeded: i64| {
        put(event(10 * user_id, "10:00", failed, user_id, WIKI));
        put(event(10 * user_id + 1, "11:00", succeeded, user_id, WIKI));
    };
    pair(1, 64, 51); // a creation succeeds
    pair(2, 61, 55); // instead of a suspension, a deletion
    pair(3, 61, 51); // access is given again
    pair(4, 63, 54);
    pair(5, 25, 52); // what failed is not known
    pair(6, 64, 52); // another operation
    pair(7, 61, 53);
    put(event(72, "11:30", 61, 7, WIKI)); // fails again
    put(event(73, "11:40", 61, 7, WIKI));
    let solved = EventRecord { solved: Some(true), ..event(80, "10:00", 64, 8, WIKI) };
    put(EventRecord { resolved_at: Some("2026-03-20T10:30:00Z".into()), ..solved.clone() });
    put(EventRecord { id: 90, user_id: Some(9), ..solved });
    let resolved_at = Some("2026-03-20T10:40:00Z".into());
    put(EventRecord { resolved_at: resolved_at.clone(), ..event(100, "10:00", 64, 10, WIKI) });
    // Resolved, but not as the last failure of its case.
    put(EventRecord { resolved_at, ..event(110, "10:00", 64, 11, WIKI) });
    put(event(111, "10:20", 64, 11, WIKI));
    // A success of the same time is no later one, and one of another app none at all.
    put(event(120, "10:00", 64, 12, WIKI));
    put(event(121, "10:00", 51, 12, WIKI));
    put(event(122, "11:00", 51, 12, MAIL));
    put(EventRecord { user_id: None, ..event(130, "10:00", 64, 13, WIKI) });

    Api::Events.sync_ok(&onelogin, db, &TODAY);

    assert_rows(
        &db.rows(CASES),
        &[
            &["1", "create", "5", "Wiki", "10:00", "10:00", "1", "11:00", "success"],
            &["2", "suspend", "5", "Wiki", "10:00", "10:00", "1", "11:00", "deletion"],
            &["3", "suspend", "5", "Wiki", "10:00", "10:00", "1", "11:00", "superseded"],
            &["4", "delete", "5", "Wiki", "10:00", "10:00", "1", "11:00", "superseded"],
            &["5", "unknown", "5", "Wiki", "10:00", "10:00", "1", "11:00", "success"],
            &["6", "create", "5", "Wiki", "10:00", "10:00", "1", NULL, NULL],
            &["7", "suspend", "5", "Wiki", "10:00", "10:00", "1", "11:00", "success"],
            &["7", "suspend", "5", "Wiki", "11:30", "11:40", "2", NULL, NULL],
            &["8", "create", "5", "Wiki", "10:00", "10:00", "1", "10:30", "resolution"],
            &["9", "create", "5", "Wiki", "10:00", "10:00", "1", "10:00", "resolution"],
            &["10", "create", "5", "Wiki", "10:00", "10:00", "1", "10:40", "resolution"],
            &["11", "create", "5", "Wiki", "10:00", "10:20", "2", NULL, NULL],
            &["12", "create", "5", "Wiki", "10:00", "10:00", "1", NULL, NULL],
        ],
    );
    let untimed = "select user_id from provisioning_cases where not is_resolution_timed";
    assert_rows(&db.rows(untimed), &[&["9"]]);
    assert_rows(
        &db.rows(DAYS),
        &[
            &["2026-03-20", "Mail", "create", "0", "0", "1", "0", "0", "0"],
            &["2026-03-20", "Wiki", "create", "0", "0", "3", "0", "7", "4"],
            &["2026-03-20", "Wiki", "create", "1", "9", "0", "0", "0", "0"],
            &["2026-03-20", "Wiki", "delete", "0", "0", "1", "0", "1", "1"],
            &["2026-03-20", "Wiki", "delete", "1", "1", "0", "0", "0", "0"],
            &["2026-03-20", "Wiki", "reactivate", "0", "0", "1", "0", "0", "0"],
            &["2026-03-20", "Wiki", "suspend", "0", "0", "1", "0", "4", "3"],
            &["2026-03-20", "Wiki", "suspend", "1", "5", "0", "0", "0", "0"],
            &["2026-03-20", "Wiki", "unknown", "0", "0", "0", "0", "1", "1"],
            &["2026-03-20", "Wiki", "unknown", "1", "1", "0", "0", "0", "0"],
            &["2026-03-20", "Wiki", "update", "0", "0", "2", "0", "0", "0"],
        ],
    );
    let texts = "select text, failures, first_failure_at, last_failure_at from error_texts";
    let [first, last] = ["2026-03-20 10:00:00.000+00:00", "2026-03-20 11:40:00.000+00:00"];
    assert_rows(&db.rows(texts), &[&["Remote host refused the connection", "16", first, last]]);
    assert_complete(db);
});

on_both!(a_case_without_an_app_id_is_continued_and_closed_by_name, |db| {
    let onelogin = empty(NOON);
    put_legacy(&onelogin, 1, "09:00", 1, "Wiki");
    put_legacy(&onelogin, 2, "09:00", 2, "Wiki");
    put_legacy(&onelogin, 3, "09:00", 3, "Wiki");
    Api::Legacy.sync_ok(&onelogin, db, &TODAY);
    put_event(&onelogin, event(10, "10:00", 61, 1, WIKI));
    put_event(&onelogin, event(11, "10:10", 61, 1, (5, "Wiki renamed")));
    put_event(&onelogin, event(20, "10:00", 53, 2, WIKI));
    put_event(&onelogin, event(30, "10:00", 53, 3, MAIL));

    Api::Events.sync_ok(&onelogin, db, &TODAY);

    assert_rows(
        &db.rows(CASES),
        &[
            &["1", "suspend", NULL, "Wiki", "09:00", "10:00", "2", NULL, NULL],
            &["1", "suspend", "5", "Wiki renamed", "10:10", "10:10", "1", NULL, NULL],
            &["2", "suspend", NULL, "Wiki", "09:00", "09:00", "1", "10:00", "success"],
            &["3", "suspend", NULL, "Wiki", "09:00", "09:00", "1", NULL, NULL],
        ],
    );
    assert_complete(db);
});

on_both!(a_late_failure_takes_what_had_continued_a_case_without_an_app_id, |db| {
    let onelogin = empty(NOON);
    put_legacy(&onelogin, 1, "10:00", 1, "Wiki");
    Api::Legacy.sync_ok(&onelogin, db, &TODAY);
    put_event(&onelogin, event(10, "11:00", 61, 1, WIKI));
    Api::Events.sync_ok(&onelogin, db, &TODAY);
    assert_rows(
        &db.rows(CASES),
        &[&["1", "suspend", NULL, "Wiki", "10:00", "11:00", "2", NULL, NULL]],
    );
    // The same app under another name, before both.
    put_event(&onelogin, event(11, "09:00", 61, 1, (5, "Knowledge")));

    Api::Events.sync_ok(&onelogin, db, &AGAIN);

    assert_rows(
        &db.rows(CASES),
        &[
            &["1", "suspend", "5", "Knowledge", "09:00", "11:00", "2", NULL, NULL],
            &["1", "suspend", NULL, "Wiki", "10:00", "10:00", "1", NULL, NULL],
        ],
    );
    assert_complete(db);
});

// Regression: a blank at the end of an event's name made another app of it, and the leaver stayed outstanding.
on_both!(a_blank_around_the_name_of_an_app_makes_no_other_app, |db| {
    let onelogin = empty(NOON);
    put_legacy(&onelogin, 1, "10:00", 1, "Wiki ");
    Api::Legacy.sync_ok(&onelogin, db, &TODAY);
    put_event(&onelogin, event(10, "10:00", 61, 1, (5, " Wiki ")));
    put_event(&onelogin, event(11, "11:00", 53, 1, (5, "Wiki\t")));
    put_event(&onelogin, event(12, "11:30", 61, 2, (6, " ")));
    Api::Events.sync_ok(&onelogin, db, &TODAY);

    assert_rows(
        &db.rows(CASES),
        &[
            &["1", "suspend", "5", "Wiki", "10:00", "10:00", "1", "11:00", "success"],
            &["2", "suspend", "6", NULL, "11:30", "11:30", "1", NULL, NULL],
        ],
    );
    let names = "select distinct app_name from provisioning_successes";
    assert_rows(&db.rows(names), &[&["Wiki"]]);
    assert_complete(db);
});

on_both!(a_renamed_app_keeps_its_case_and_the_name_it_began_with, |db| {
    let onelogin = empty(NOON);
    put_event(&onelogin, event(1, "09:00", 61, 1, WIKI));
    Api::Events.sync_ok(&onelogin, db, &TODAY);
    put_event(&onelogin, event(2, "10:00", 61, 1, (5, "Knowledge")));
    put_event(&onelogin, event(3, "11:00", 53, 1, (5, "Knowledge")));
    Api::Events.sync_ok(&onelogin, db, &AGAIN);

    let case = ["1", "suspend", "5", "Wiki", "09:00", "10:00", "2", "11:00", "success"];
    assert_rows(&db.rows(CASES), &[&case]);
    let counted =
        "select app_name, opened, resolved from failures_by_day where opened + resolved > 0";
    assert_rows(&db.rows(counted), &[&["Wiki", "1", "1"]]);
    assert_complete(db);
});

on_both!(late_and_changed_events_change_the_cases_that_they_belong_to, |db| {
    let onelogin = empty(NOON);
    let first = event(1, "10:00", 61, 1, WIKI);
    let number = put_event(&onelogin, first.clone());
    put_event(&onelogin, event(2, "10:30", 61, 1, WIKI));
    Api::Events.sync_ok(&onelogin, db, &TODAY);
    let one = ["1", "suspend", "5", "Wiki", "10:00", "10:30", "2", NULL, NULL];
    assert_rows(&db.rows(CASES), &[&one]);

    // A success between the two, and a failure before both.
    put_event(&onelogin, event(3, "10:10", 53, 1, WIKI));
    put_event(&onelogin, event(4, "09:00", 61, 1, WIKI));
    Api::Events.sync_ok(&onelogin, db, &AGAIN);
    assert_rows(
        &db.rows(CASES),
        &[
            &["1", "suspend", "5", "Wiki", "09:00", "10:00", "2", "10:10", "success"],
            &["1", "suspend", "5", "Wiki", "10:30", "10:30", "1", NULL, NULL],
        ],
    );

    // The first failure turns out to be another user's.
    onelogin.replace_event(number, EventRecord { user_id: Some(2), ..first.clone() }.to_json());
    Api::Events.sync_ok(&onelogin, db, &AGAIN);
    assert_rows(
        &db.rows(CASES),
        &[
            &["1", "suspend", "5", "Wiki", "09:00", "09:00", "1", "10:10", "success"],
            &["1", "suspend", "5", "Wiki", "10:30", "10:30", "1", NULL, NULL],
            &["2", "suspend", "5", "Wiki", "10:00", "10:00", "1", NULL, NULL],
        ],
    );

    // It is resolved, and of another operation and app.
    let changed = EventRecord { solved: Some(true), ..event(1, "10:00", 64, 2, MAIL) };
    onelogin.replace_event(number, changed.to_json());
    Api::Events.sync_ok(&onelogin, db, &AGAIN);
    assert_rows(
        &db.rows(
            "select app_name, operation, resolved_by from provisioning_cases where user_id = 2",
        ),
        &[&["Mail", "create", "resolution"]],
    );
    assert_rows(
        &db.rows(DAYS),
        &[
            &["2026-03-20", "Mail", "create", "0", "0", "0", "0", "1", "1"],
            &["2026-03-20", "Mail", "create", "1", "1", "0", "0", "0", "0"],
            &["2026-03-20", "Wiki", "suspend", "0", "0", "1", "0", "2", "1"],
            &["2026-03-20", "Wiki", "suspend", "1", "2", "0", "0", "0", "0"],
        ],
    );
    assert_complete(db);
});

/// Text that no index can make shorter, of letters that take three bytes each.
fn long_text(chars: usize) -> String {
    let mut random = fastrand::Rng::with_seed(7);
    (0..chars).map(|_| char::from_u32(random.u32(0x4e00..0x9f00)).expect("a letter")).collect()
}

on_both!(an_app_name_that_no_index_takes_is_cut, |db| {
    let onelogin = empty(NOON);
    let name = long_text(6_000);
    put_event(&onelogin, event(1, "10:00", 61, 7, (5, &name)));
    put_legacy(&onelogin, 1, "11:00", 8, &name);
    let account = ["--account", &long_text(330)[..]];
    for api in [Api::Events, Api::Legacy] {
        api.sync_ok(&onelogin, db, &[&TODAY[..], &account].concat());
    }

    let lengths = "select source, length(app_name) from provisioning_failures order by source";
    assert_rows(&db.rows(lengths), &[&["events", "333"], &["legacy", "333"]]);
    assert_complete(db);
});
