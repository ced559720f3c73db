//! Building all again, and continuing where that was cut.

use onelogin_simulator::Config;

use super::*;
use crate::support::onelogin::start;

/// Some history of both sources.
fn history(db: &Db) -> Simulator {
    let onelogin = start(Config { failures: 400, days: 10, now: at(NOON), ..Config::default() });
    for api in [Api::Legacy, Api::Events] {
        api.sync_ok(&onelogin, db, &["--since", "2026-03-01", "--refresh-people", "never"]);
    }
    onelogin
}

on_both!(a_rebuild_makes_lost_tables_again, |db| {
    history(db);
    let before = facts(db);
    assert!(before.len() > 500, "{} rows", before.len());
    db.execute(
        "delete from provisioning_cases; delete from failures_by_day; delete from apps_by_day;
         delete from error_texts;
         update provisioning_failures set twin_of = null;",
    );

    migrate(db, &["--rebuild"]).run().expect_code(0);

    assert_same(&facts(db), &before);
    assert_rows(&db.rows("select distinct needs_rebuild from watermarks"), &[&["0"]]);
});

on_both!(a_rebuild_corrects_cases_and_leaves_the_others_as_they_are, |db| {
    history(db);
    let before = facts(db);
    // In Postgres, the transaction that wrote each row.
    let writers = || match db {
        Db::Sqlite(_) => Vec::new(),
        Db::Postgres(_) => db.rows("select case_id, xmin from provisioning_cases order by case_id"),
    };
    let written = writers();
    // Wrong, missing, under another user, and of no failure.
    let case_id = "select case_id from provisioning_cases order by case_id";
    db.execute(&format!(
        "update provisioning_cases set attempts = attempts + 1, resolved_at = null
             where case_id in ({case_id} desc limit 5);
         delete from provisioning_cases where case_id in ({case_id} limit 5);
         update provisioning_cases set user_id = user_id + 1 where case_id in ({case_id} limit 5);
         insert into provisioning_cases (account, case_id, user_id, operation, opened_at, last_failure_at,
             last_failure_id, attempts)
         select account, '00000000-0000-7000-8000-000000000001', user_id, operation, opened_at, last_failure_at,
             last_failure_id, attempts
         from provisioning_cases where case_id in ({case_id} desc limit 1);
         update provisioning_failures set twin_of = null;",
    ));

    migrate(db, &["--rebuild"]).run().expect_code(0);

    assert_same(&facts(db), &before);
    let same = writers().into_iter().filter(|row| written.contains(row)).count();
    assert_eq!(same, written.len().saturating_sub(15), "rows that are written again");
});

on_both!(a_rebuild_that_was_cut_is_continued_by_the_next_run, |db| {
    let onelogin = history(db);
    let before = facts(db);
    // As after a window of many rows, with nothing built yet and tables that are wrong.
    db.execute(
        "update accounts set rebuild_step = 'users';
         update watermarks set needs_rebuild = true;
         delete from provisioning_cases where operation = 'suspend';
         update error_texts set failures = 7;
         update failures_by_day set failures = 7;
         update apps_by_day set failures = 7;",
    );
    Api::Events.sync_ok(&onelogin, db, &AGAIN);

    assert_same(&facts(db), &before);
    let state = "select rebuild_step, rebuilt_through from accounts";
    assert_rows(&db.rows(state), &[&[NULL, NULL]]);
    assert_rows(&db.rows("select distinct needs_rebuild from watermarks"), &[&["0"]]);
});

on_both!(a_rebuild_that_was_cut_at_any_place_takes_in_what_came_meanwhile, |db| {
    let onelogin = history(db);
    let middle = "2026-03-15";
    let days_since_1970 = (at("2026-03-15T00:00:00Z").timestamp() / 86_400).to_string();
    let user = "(select user_id from users order by user_id limit 1 offset 10)";
    let after_user = format!("user_id > {user}");
    // The step, what is built, and what is wrong so far.
    for (number, (step, through, wrong)) in (0..).zip([
        (
            "users",
            "null",
            vec![
                ("provisioning_cases", "true"),
                ("failures_by_day", "true"),
                ("apps_by_day", "true"),
            ],
        ),
        (
            "users",
            user,
            vec![
                ("provisioning_cases", &after_user),
                ("failures_by_day", "true"),
                ("apps_by_day", "true"),
            ],
        ),
        ("days", "null", vec![("failures_by_day", "true"), ("apps_by_day", "true")]),
        (
            "days",
            days_since_1970.as_str(),
            vec![("failures_by_day", "day > '2026-03-15'"), ("apps_by_day", "day > '2026-03-15'")],
        ),
    ]) {
        // A failure of a day that is built, perhaps, and one of a day that is not.
        for (id, day) in [(1, middle), (2, "2026-03-19")] {
            let time = format!("{day}T10:00:00Z");
            let id = 90_000 + 10 * number + id;
            let failure = EventRecord::new(id, at(&time), 61, 40_000_000 + number);
            put_event(&onelogin, EventRecord { app_name: Some("Wiki".to_owned()), ..failure });
        }
        for (table, part) in wrong {
            db.execute(&format!("delete from {table} where {part}"));
        }
        if (step, through) == ("users", user) {
            // The errors of these users are counted, and those without a user.
            let built = format!("f.user_id is null or f.user_id <= {user}");
            let of = |what: &str| {
                format!(
                    "(select {what} from provisioning_failures f where f.account = error_texts.account
                      and f.error_fingerprint = error_texts.error_fingerprint and f.twin_of is null and ({built}))"
                )
            };
            db.execute(&format!(
                "update error_texts set failures = {},
                     first_failure_at = coalesce({}, first_failure_at),
                     last_failure_at = coalesce({}, last_failure_at)",
                of("count(*)"),
                of("min(f.created_at)"),
                of("max(f.created_at)"),
            ));
        }
        db.execute(&format!(
            "update accounts set rebuild_step = '{step}', rebuilt_through = {through};
             update watermarks set needs_rebuild = true"
        ));

        Api::Events.sync_ok(&onelogin, db, &["--since", "2026-03-12", "--refresh-people", "never"]);

        let state = "select rebuild_step, rebuilt_through from accounts";
        assert_rows(&db.rows(state), &[&[NULL, NULL]]);
        let counted = "select sum(failures) from failures_by_day";
        let stored = "select count(*) from provisioning_failures where twin_of is null";
        assert_same(&db.rows(counted), &db.rows(stored));
        assert_complete(db);
    }
});

on_both!(fingerprints_that_an_earlier_version_lacks_are_filled_before_a_run, |db| {
    let onelogin = history(db);
    let before = facts(db);
    db.execute(
        "update provisioning_failures set error_fingerprint = null;
         delete from provisioning_cases; delete from failures_by_day; delete from apps_by_day;
         delete from error_texts;
         update accounts set rebuild_step = 'fingerprints';
         update watermarks set needs_rebuild = true;",
    );

    let refused = Api::Legacy.sync(&onelogin, db, &["--no-migrate"]).run().expect_code(78);
    assert!(refused.stdout.contains("onelogin-sync migrate"), "{refused}");
    let refused = migrate(db, &["--check"]).run().expect_code(78);
    assert!(refused.stderr.contains("not finished"), "{refused}");
    Api::Legacy.sync_ok(&onelogin, db, &AGAIN);

    assert_same(&facts(db), &before);
    migrate(db, &["--check"]).run().expect_code(0);
});

on_both!(after_a_window_of_many_rows_all_is_built_at_the_end_of_the_run, |db| {
    let onelogin = start(Config {
        failures: 21_000,
        days: 3,
        people: Some(500),
        now: at(NOON),
        ..Config::default()
    });
    Api::Legacy.sync_ok(&onelogin, db, &["--since", "2026-03-10", "--overlap", "0s"]);

    let counted = "select sum(failures) from failures_by_day";
    assert_same(&db.rows(counted), &db.rows("select count(*) from provisioning_failures"));
    assert_rows(&db.rows("select distinct needs_rebuild from watermarks"), &[&["0"]]);
    assert_complete(db);
});

on_both!(the_span_of_successes_is_that_of_the_windows_that_read_them, |db| {
    let onelogin = empty(NOON);
    put_event(&onelogin, event(1, "10:00", 61, 1, WIKI));
    let span = "select successes_from, successes_through from watermarks";
    Api::Events.sync_ok(&onelogin, db, &[&TODAY[..], &["--with-successes=false"]].concat());
    assert_rows(&db.rows(span), &[&[NULL, NULL]]);

    Api::Events.sync_ok(&onelogin, db, &["--since", "2026-03-20T11:00:00Z"]);
    let [from, noon] = ["2026-03-20 11:00:00.000+00:00", "2026-03-20 12:00:00.000+00:00"];
    assert_rows(&db.rows(span), &[&[from, noon]]);

    // Older, with a gap between.
    let older = ["--since", "2026-03-18", "--until", "2026-03-19"];
    Api::Events.sync_ok(&onelogin, db, &older);
    assert_rows(&db.rows(span), &[&[from, noon]]);
    Api::Events.sync_ok(&onelogin, db, &["--since", "2026-03-19"]);
    assert_rows(&db.rows(span), &[&["2026-03-19 00:00:00.000+00:00", noon]]);
});
