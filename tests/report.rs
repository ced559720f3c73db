//! `report`: one HTML file, the same from both databases.

mod fixture;
mod page;
mod snapshot;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use onelogin_simulator::Config;
use regex::Regex;
use tempfile::TempDir;

use crate::support::api::Api;
use crate::support::onelogin::start;
use crate::support::program::{Finished, Program};
use crate::support::tables::{Db, NULL, on_both};
use fixture::{PERSONAL, fill, fill_many};
use page::Page;

fn report(db: &Db, arguments: &[&str]) -> Program {
    Program::new(&[&["report"], arguments].concat()).env("DATABASE_URL", db.url())
}

fn migrated(db: &Db) {
    Program::new(&["migrate"]).env("DATABASE_URL", db.url()).run().expect_code(0);
}

/// Runs `report`, and reads the file that it has written.
#[track_caller]
fn written(db: &Db, arguments: &[&str]) -> Page {
    let directory = TempDir::new().expect("a temporary directory can be created");
    let finished = report(db, arguments).in_directory(directory.path()).run().expect_code(0);
    assert_eq!(finished.stderr, "");
    Page::new(fs::read_to_string(directory.path().join("onelogin-report.html")).expect("a page"))
}

on_both!(a_report_shows_what_the_views_have, |db| {
    migrated(db);
    fill(db);

    let page = written(db, &[]);

    // The only value that depends on the clock.
    let age = Regex::new(r"(\| 2026-03-20 12:00 \|) [0-9dhms, ]+ \|").expect("a pattern");
    let shown = age.replace(&page.tables(), "$1 … |").into_owned();
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write("tests/report/expected.txt", &shown).expect("writable");
    }
    let expected = fs::read_to_string("tests/report/expected.txt").expect("a text");
    assert_eq!(shown, expected, "UPDATE_EXPECTED=1 writes it again");
    let figures = [
        ["Leavers with access, open", "3"],
        ["Leavers, unknown", "1"],
        ["Open cases", "4"],
        ["Failures", "14"],
        ["Incidents", "1"],
    ];
    assert_eq!(page.figures(), figures);
});

on_both!(the_numbers_of_a_report_are_those_of_the_views, |db| {
    let onelogin = start(Config { failures: 400, ..Config::default() });
    for api in [Api::Legacy, Api::Events] {
        api.sync_ok(&onelogin, db, &["--since", "2026-01-01"]);
    }

    let outcome = report(db, &["--format", "json"]).run().expect_code(0);
    let json = outcome.json();
    let page = Page::new(
        fs::read_to_string(outcome.directory.join("onelogin-report.html")).expect("a page"),
    );

    let span = format!("between '{}' and '{}'", text(&json["first_day"]), text(&json["last_day"]));
    let count = |what: &str| db.rows(&format!("select count(*) from {what}"))[0][0].clone();
    let failures =
        format!("select coalesce(sum(failures), 0) from failures_daily where day {span}");
    let failures = db.rows(&failures)[0][0].clone();
    assert_ne!(failures, "0");
    let expected = [
        ("Leavers with access, open", count("outstanding_deprovisioning where status = 'open'")),
        ("Leavers, unknown", count("outstanding_deprovisioning where status = 'unknown'")),
        ("Open cases", count("open_cases where status = 'open'")),
        ("Failures", failures.clone()),
        ("Incidents", count("app_incidents")),
    ];
    assert_eq!(page.figures(), expected.map(|(name, value)| [name.to_owned(), value]));
    let mut cases = db.rows(
        "select coalesce(app_name, 'no app named'), error_class, count(case when status = 'open' then 1 end),
             count(case when status = 'unknown' then 1 end)
         from open_cases group by app_name, error_class, retryable, recommended_action",
    );
    for case in &mut cases {
        case[1] = case[1].replace('_', " ");
    }
    let mut shown: Vec<Vec<String>> = page
        .table("cases", 2)
        .iter()
        .map(|row| row.split(" | ").take(4).map(str::to_owned).collect())
        .collect();
    cases.sort();
    shown.sort();
    assert!(!cases.is_empty());
    assert_eq!(shown, cases);
    assert_eq!(json["failures"].to_string(), failures);
    assert_eq!(json["bytes"], page.html.len());
});

fn text(value: &serde_json::Value) -> &str {
    value.as_str().expect("a text")
}

on_both!(texts_from_outside_are_shown_as_text, |db| {
    migrated(db);
    fill(db);
    let hostile = r#"<script>alert("1")</script>"#;
    let attribute = r#""><img src=x onerror=alert(2)>'"#;
    for (table, columns) in [
        ("users", &["display_name", "email", "username", "firstname", "lastname"][..]),
        ("provisioning_failures", &["app_name", "description", "error_description"]),
        ("provisioning_cases", &["app_name"]),
        ("error_texts", &["example", "error_class", "recommended_action"]),
        ("failures_by_day", &["app_name"]),
        ("watermarks", &["read_from"]),
        ("sync_runs", &["error"]),
    ] {
        for column in columns {
            let value = format!("{hostile} {attribute} {column}").replace('\'', "''");
            db.execute(&format!("update {table} set {column} = '{value}'"));
        }
    }

    for arguments in [&[][..], &["--no-people"]] {
        let page = written(db, arguments);

        assert_eq!(page.html.matches("<script").count(), 1, "the page's own");
        assert_eq!(page.html.matches("<img").count(), 0);
        let columns =
            ["app_name", "example", "error_class", "recommended_action", "read_from", "error"];
        let personal = ["display_name", "email", "description", "error_description"];
        let personal = if arguments.is_empty() { &personal[..] } else { &[] };
        for column in columns.iter().chain(personal) {
            let column = column.replace("error_class", "error class");
            let shown = format!("{hostile} {attribute} {column}");
            assert!(page.text().contains(&shown), "{column} is not shown: {arguments:?}");
        }
    }
});

on_both!(a_report_without_people_has_no_personal_value, |db| {
    migrated(db);
    fill(db);

    let (with, without) = (written(db, &[]), written(db, &["--no-people"]));

    let mut checked = 0;
    for (view, columns) in PERSONAL {
        for column in *columns {
            let sql = format!("select {column} from {view} where {column} is not null");
            for row in db.rows(&sql) {
                assert_ne!(row[0], NULL);
                assert!(!without.text().contains(&row[0]), "{view}.{column}: {}", row[0]);
                checked += 1;
            }
        }
    }
    assert!(checked > 40, "{checked} values");
    for shown in ["Ann Archer", "ann@example.com", "permission denied for Ann Archer"] {
        assert!(with.text().contains(shown), "{shown}");
    }
    for shown in ["user 11", "permission denied for <name>", "Slack"] {
        assert!(without.text().contains(shown), "{shown}");
    }
});

on_both!(a_report_shows_the_selected_days, |db| {
    migrated(db);
    fill(db);

    let page = written(db, &["--since", "2026-03-18T15:00:00Z", "--until", "2026-03-19"]);

    assert_eq!(page.fact("Days"), "2026-03-18 to 2026-03-18");
    assert_eq!(page.table("days", 0), ["2026-03-18 | 3 | 1 | 1"]);
    // Leavers and open cases are those of now, whatever the span.
    assert_eq!(page.figures()[0], ["Leavers with access, open", "3"]);
});

on_both!(a_database_without_an_account_gives_an_empty_report, |db| {
    migrated(db);
    for arguments in [&[][..], &["--account", "production"], &["--since", "2026-01-01"]] {
        let page = written(db, arguments);

        assert_eq!(page.fact("Account"), "none yet");
        assert_eq!(page.figures().map(|[_, value]| value), ["0"; 5]);
        assert_eq!(page.html.matches("<section").count(), 8);
        assert_eq!(page.html.matches("<td").count(), 0);
        assert!(page.html.trim_end().ends_with("</html>"));
    }
});

on_both!(a_report_has_one_account_or_all, |db| {
    migrated(db);
    fill(db);
    db.execute(
        "insert into accounts (account) values ('another');
         insert into watermarks (account, source, scanned_through, lease_token, updated_at)
         values ('another', 'events', '2026-03-21 08:00:00.000+00:00', 1, '2026-03-21 08:00:00.000+00:00');
         insert into failures_by_day (account, day, app_name, operation, error_fingerprint, failures)
         values ('another', '2026-03-20', 'Zoom', 'create', 'f', 5);",
    );

    let all = written(db, &[]);
    assert_eq!(all.fact("Accounts"), "another, default");
    // The first of the others is more than 90 days older than the last scan.
    assert_eq!(all.figures()[3], ["Failures", "18"]);
    assert_eq!(all.fact("Data through"), "2026-03-21 08:00");
    assert!(all.table("freshness", 0)[0].starts_with("another | events"), "{}", all.tables());

    let one = written(db, &["--account", "another"]);
    assert_eq!(one.fact("Account"), "another");
    assert_eq!(one.figures()[3], ["Failures", "5"]);
    assert!(!one.text().contains("Ann Archer"));

    let unknown = report(db, &["--account", "other"]).run().expect_code(78);
    assert!(unknown.stderr.contains("account other was never synced"), "{unknown}");
    assert!(unknown.stderr.contains("another, default"), "{unknown}");
    assert!(!unknown.directory.join("onelogin-report.html").exists());
});

fn entries(directory: &Path) -> Vec<String> {
    let entries = directory.read_dir().expect("a directory").map(|entry| entry.expect("an entry"));
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().into_string().expect("a name")).collect();
    names.sort();
    names
}

#[test]
fn a_report_replaces_a_file_once_it_is_complete() {
    let (db, directory) = (Db::sqlite(), TempDir::new().expect("a temporary directory"));
    migrated(&db);
    fill(&db);
    let file = directory.path().join("r.html");
    fs::write(&file, "the old one").expect("writable");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("its owner may");
    symlink(&file, directory.path().join("link.html")).expect("a link");
    let run = |arguments: &[&str]| -> Finished {
        report(&db, arguments).in_directory(directory.path()).run()
    };

    run(&["--out", "r.html", "--account", "other"]).expect_code(78);
    assert_eq!(fs::read_to_string(&file).expect("readable"), "the old one");

    let printed = run(&["--out", "link.html"]).expect_code(0).stdout;
    assert!(fs::read_to_string(&file).expect("readable").starts_with("<!DOCTYPE html>"));
    assert_eq!(fs::metadata(&file).expect("it exists").permissions().mode() & 0o777, 0o600);
    assert_eq!(entries(directory.path()), ["link.html", "r.html"]);
    assert!(fs::symlink_metadata(directory.path().join("link.html")).expect("a link").is_symlink());
    assert_eq!(
        printed,
        "link.html: 14 failures of 1 account, through 2026-03-20T12:00:00Z; leavers who may still have access: \
         3 open (1 overdue), 1 unknown\n"
    );
}

#[test]
fn what_cannot_be_written_is_78_and_named() {
    let (db, directory) = (Db::sqlite(), TempDir::new().expect("a temporary directory"));
    migrated(&db);
    fs::create_dir(directory.path().join("folder")).expect("a folder");
    for (out, reason) in [
        ("folder", "it exists and is not a file"),
        ("/dev/null", "it exists and is not a file"),
        ("missing/r.html", "No such file or directory"),
    ] {
        let refused =
            report(&db, &["--out", out]).in_directory(directory.path()).run().expect_code(78);
        assert!(refused.stderr.contains(&format!("cannot write the report {out}")), "{refused}");
        assert!(refused.stderr.contains(reason), "{refused}");
        assert_eq!(refused.stdout, "");
    }
    assert_eq!(entries(directory.path()), ["folder"]);
}

on_both!(a_schema_that_is_not_current_is_78, |db| {
    db.execute("create table visitor (id integer)");
    let refused = report(db, &[]).run().expect_code(78);
    assert!(refused.stderr.contains("onelogin-sync migrate"), "{refused}");
    assert_eq!(entries(&refused.directory), Vec::<String>::new());
});

#[test]
fn a_span_that_ends_before_it_begins_is_64() {
    let refused = report(&Db::sqlite(), &["--since", "2026-02-01", "--until", "2026-02-01"]).run();
    let refused = refused.expect_code(64);
    assert!(refused.stderr.contains("--since must be before --until"), "{refused}");
}

on_both!(a_report_counts_what_its_tables_leave_out, |db| {
    migrated(db);
    fill(db);
    fill_many(db);

    let page = written(db, &[]);

    // With sixty accounts, a table has twenty rows of each.
    assert_eq!(page.figures()[4], ["Incidents", "26"]);
    let shown = page.tables();
    for left_out in [
        "The first 20 of 28; the view failures_by_app has all of them.",
        "The first 20 of 26; the view app_incidents has all of them.",
        "The first 20 of 28; the view time_to_resolve has all of them.",
        "The first 20 of 28; the view new_errors has all of them.",
        "The first 20 of 26; the view coverage_gaps has all of them.",
    ] {
        assert!(shown.contains(left_out), "{left_out}\n{shown}");
    }
});
