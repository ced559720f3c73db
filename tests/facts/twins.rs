//! The same failure from several sources.

use super::*;

/// Failures of 46 users, nine of them in an app that the events API gives another name.
fn put_both(onelogin: &Simulator) {
    for user_id in 1..=46 {
        put_legacy(onelogin, user_id, "10:00", user_id, "Wiki");
        let app = if user_id <= 9 { (5, "Knowledge") } else { WIKI };
        put_event(onelogin, event(1_000 + user_id, "10:00", 61, user_id, app));
    }
}

on_both!(a_failure_of_two_sources_counts_once_whichever_comes_first, |db| {
    for (account, order) in
        [("one", [Api::Legacy, Api::Events]), ("two", [Api::Events, Api::Legacy])]
    {
        let onelogin = empty(NOON);
        put_both(&onelogin);
        for api in order {
            api.sync_ok(&onelogin, db, &[&TODAY[..], &["--account", account]].concat());
        }

        let count = |sql: &str| db.rows(&format!("select {sql} and account = '{account}'"));
        assert_rows(&count("count(*) from provisioning_failures where true"), &[&["92"]]);
        assert_rows(
            &count(
                "count(*) from provisioning_failures where twin_of is null and source = 'events'",
            ),
            &[&["46"]],
        );
        assert_rows(
            &count(
                "count(*) from provisioning_failures where twin_of is null and source = 'legacy'",
            ),
            &[&["0"]],
        );
        assert_rows(
            &count("count(*), sum(attempts) from provisioning_cases where true"),
            &[&["46", "46"]],
        );
        assert_rows(
            &count("sum(failures), sum(opened) from failures_by_day where true"),
            &[&["46", "46"]],
        );
        assert_rows(&count("sum(failures) from error_texts where true"), &[&["46"]]);
    }
    assert_complete(db);
});

on_both!(twins_are_counted_and_distinguished_by_the_app_where_there_are_several, |db| {
    let onelogin = empty(NOON);
    put_legacy(&onelogin, 1, "10:00", 1, "Mail");
    put_legacy(&onelogin, 2, "10:00", 1, "Wiki");
    put_legacy(&onelogin, 3, "10:00", 1, "Wiki");
    put_event(&onelogin, event(10, "10:00", 61, 1, WIKI));
    put_event(&onelogin, event(11, "10:00", 61, 1, MAIL));
    for api in [Api::Legacy, Api::Events] {
        api.sync_ok(&onelogin, db, &TODAY);
    }
    let pairs = "select f.app_name, t.app_name from provisioning_failures f
        left join provisioning_failures t on t.account = f.account and t.failure_id = f.twin_of
        where f.source = 'legacy' order by f.app_name, t.app_name is null";
    assert_rows(&db.rows(pairs), &[&["Mail", "Mail"], &["Wiki", "Wiki"], &["Wiki", NULL]]);

    // One more comes, and takes the one that is left.
    put_event(&onelogin, event(12, "10:00", 61, 1, WIKI));
    Api::Events.sync_ok(&onelogin, db, &AGAIN);

    assert_rows(&db.rows(pairs), &[&["Mail", "Mail"], &["Wiki", "Wiki"], &["Wiki", "Wiki"]]);
    assert_rows(
        &db.rows("select count(*) from provisioning_failures where twin_of is null"),
        &[&["3"]],
    );
    assert_complete(db);
});

on_both!(a_failure_that_is_no_twin_any_more_counts_again, |db| {
    let onelogin = empty(NOON);
    put_legacy(&onelogin, 1, "10:00", 1, "Wiki");
    let failure = event(10, "10:00", 61, 1, WIKI);
    let number = onelogin.put_event(Entry::new(at(&failure.created_at), failure.to_json()));
    for api in [Api::Events, Api::Legacy] {
        api.sync_ok(&onelogin, db, &TODAY);
    }
    assert_rows(
        &db.rows("select source from provisioning_failures where twin_of is null"),
        &[&["events"]],
    );

    onelogin.replace_event(number, EventRecord { user_id: Some(2), ..failure }.to_json());
    Api::Events.sync_ok(&onelogin, db, &AGAIN);

    assert_rows(
        &db.rows("select source from provisioning_failures where twin_of is null order by source"),
        &[&["events"], &["legacy"]],
    );
    assert_complete(db);
});
