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
        "delete from provisioning_cases; delete from failures_by_day; delete from error_texts;
         update provisioning_failures set twin_of = null;",
    );

    migrate(db, &["--rebuild"]).run().expect_code(0);

    assert_same(&facts(db), &before);
    assert_rows(&db.rows("select distinct needs_rebuild from watermarks"), &[&["0"]]);
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
         update failures_by_day set failures = 7;",
    );
    Api::Events.sync_ok(&onelogin, db, &AGAIN);

    assert_same(&facts(db), &before);
    let state = "select rebuild_step, rebuilt_through from accounts";
    assert_rows(&db.rows(state), &[&[NULL, NULL]]);
    assert_rows(&db.rows("select distinct needs_rebuild from watermarks"), &[&["0"]]);
});

on_both!(fingerprints_that_an_earlier_version_lacks_are_filled_before_a_run, |db| {
    let onelogin = history(db);
    let before = facts(db);
    db.execute(
        "update provisioning_failures set error_fingerprint = null;
         delete from provisioning_cases; delete from failures_by_day; delete from error_texts;
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
