//! Stories of the classes of errors, and of rules of the user's own.

use std::fs;

use crate::support::api::Api;
use crate::support::onelogin::empty;
use crate::support::outcome::outcome;
use crate::support::program::Program;
use crate::support::tables::{Db, NULL, assert_rows, on_both};

const NOON: &str = "2026-03-20T12:00:00Z";
const TIME: &str = "2026-03-20T09:00:00Z";
const SINCE: [&str; 4] = ["--since", "2026-03-20", "--refresh-people", "never"];
const CLASSES: &str = "select account, error_fingerprint, error_class, retryable from error_texts \
    order by account, error_fingerprint";

/// An error as an earlier version of the rules left it.
fn put_error(db: &Db, account: &str, fingerprint: &str, text: &str, version: &str) {
    db.execute(&format!(
        "insert into error_texts (account, error_fingerprint, text, example, error_class, retryable,
             recommended_action, rules_version, first_failure_at, last_failure_at, failures)
         values ('{account}', '{fingerprint}', '{text}', '{text}', 'unknown', 'no', 'Look', {version},
             '2026-03-20 08:00:00.000+00:00', '2026-03-20 09:00:00.000+00:00', 1)"
    ));
}

on_both!(new_rules_apply_to_the_errors_of_the_past, |db| {
    let (onelogin, folder) = (empty(NOON), tempfile::tempdir().expect("a folder"));
    Api::Events.sync_ok(&onelogin, db, &SINCE);
    put_error(db, "default", "1", "Read timed out", "null");
    put_error(db, "default", "2", "Cost centre <n> is closed", "'0'");
    put_error(db, "other", "3", "Read timed out", "null");

    Api::Events.sync_ok(&onelogin, db, &[]);

    assert_rows(
        &db.rows(CLASSES),
        &[
            &["default", "1", "timeout", "yes"],
            &["default", "2", "unknown", "no"],
            &["other", "3", "unknown", "no"],
        ],
    );
    let actions = "select count(*) from error_texts where recommended_action = 'Look'";
    assert_rows(&db.rows(actions), &[&["1"]]);
    let versions = "select count(distinct rules_version), count(rules_version) from error_texts";
    assert_rows(&db.rows(versions), &[&["1", "2"]]);

    let rules = folder.path().join("rules.toml");
    let rule = |class: &str| {
        let text = format!(
            "[[rule]]\npattern = 'cost centre .* CLOSED'\nclass = \"{class}\"\nretryable = \"later\"\n\
             action = \"Open it\"\n"
        );
        fs::write(&rules, text).expect("the rules can be written");
    };
    let own = ["--error-rules", rules.to_str().expect("a text")];
    for class in ["permission", "licence_limit"] {
        rule(class);
        Api::Events.sync_ok(&onelogin, db, &own);
        assert_rows(
            &db.rows(CLASSES),
            &[
                &["default", "1", "timeout", "yes"],
                &["default", "2", class, "later"],
                &["other", "3", "unknown", "no"],
            ],
        );
    }
    let action = "select recommended_action from error_texts where error_fingerprint = '2'";
    assert_rows(&db.rows(action), &[&["Open it"]]);

    // Without them, the rules in the binary decide again.
    Api::Events.sync_ok(&onelogin, db, &[]);
    let class = "select error_class from error_texts where error_fingerprint = '2'";
    assert_rows(&db.rows(class), &[&["unknown"]]);
    let versions = "select account, rules_version is null from error_texts order by account";
    assert_rows(&db.rows(&format!("{versions} limit 1")), &[&["default", "0"]]);
    let of_other = "select rules_version from error_texts where account = 'other'";
    assert_rows(&db.rows(of_other), &[&[NULL]]);
});

on_both!(a_rebuild_takes_the_users_own_rules_too, |db| {
    let (onelogin, folder) = (empty(NOON), tempfile::tempdir().expect("a folder"));
    let rules = folder.path().join("rules.toml");
    let text = "[[rule]]\npattern = 'refused the connection'\nclass = \"licence_limit\"\nretryable = \"later\"\n";
    fs::write(&rules, text).expect("the rules can be written");
    let own = ["--error-rules", rules.to_str().expect("a text")];
    Api::Events.put_failure(&onelogin, 1, TIME, 1);
    Api::Events.sync_ok(&onelogin, db, &[&own[..], &SINCE[..2]].concat());
    let class = "select error_class from error_texts";
    assert_rows(&db.rows(class), &[&["licence_limit"]]);

    let rebuild = Program::new(&["migrate", "--rebuild"]).env("DATABASE_URL", db.url());
    rebuild.env("ONELOGIN_ERROR_RULES", &rules).run().expect_code(0);

    assert_rows(&db.rows(class), &[&["licence_limit"]]);
    let unknown = ["migrate", "--rebuild", "--account", "nobody"];
    let refused = Program::new(&unknown).env("DATABASE_URL", db.url()).run().expect_code(78);
    assert!(refused.stderr.contains("those that were: default"), "{refused}");
});

#[test]
fn rules_with_a_defect_end_with_78_and_name_the_line() {
    let (onelogin, folder) = (empty(NOON), tempfile::tempdir().expect("a folder"));
    let rules = folder.path().join("rules.toml");
    let own = ["--error-rules", rules.to_str().expect("a text")];
    let rule = |pattern: &str, class: &str, retryable: &str| {
        format!(
            "[[rule]]\npattern = '{pattern}'\nclass = \"{class}\"\nretryable = \"{retryable}\"\n"
        )
    };
    for (text, parts) in [
        (Some(rule("a(", "timeout", "yes")), ["line 2", "unclosed group"]),
        (Some(rule("a", "slow", "yes")), ["line 3", "slow"]),
        (Some(rule("a", "timeout", "maybe")), ["line 4", "maybe"]),
        (None, ["rules.toml", "cannot be read"]),
    ] {
        match &text {
            Some(text) => fs::write(&rules, text).expect("the rules can be written"),
            None => fs::remove_file(&rules).expect("they exist"),
        }
        let db = Db::sqlite();

        let outcome = outcome(Api::Events.sync(&onelogin, &db, &own).run(), 78);

        let error = outcome["error"].as_str().expect("a text");
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        assert_eq!(onelogin.requests_served(), 0);
    }
}
