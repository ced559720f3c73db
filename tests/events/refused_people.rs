//! Ids that the users API does not take: they block nobody else, and cost few calls.

use onelogin_simulator::{Config, Endpoint, EventRecord, Fault, Simulator, TooManyIds};

use super::NOON;
use super::people::{ELEVEN, TODAY, knows, users_requested};
use crate::support::api::{Api, parameter, put_event};
use crate::support::onelogin::{at, start};
use crate::support::outcome::outcome;
use crate::support::tables::{Db, assert_rows, on_both};

/// People 1 to 130, all of whom the users API knows, in a source whose users API takes this number of ids.
fn of_130_people(users_ids: Option<(u32, TooManyIds)>) -> Simulator {
    let config = Config { failures: 0, now: at(NOON), users_ids, ..Config::default() };
    let onelogin = start(config);
    for user_id in 1..=130 {
        put_event(&onelogin, EventRecord::new(user_id, at(ELEVEN), 61, user_id));
        knows(&onelogin, user_id, "known@example.com");
    }
    onelogin
}

/// The ids that the users API gave, in each answer.
fn users_given(onelogin: &Simulator) -> Vec<i64> {
    let calls = onelogin.calls_to(Endpoint::Users);
    let given = calls.iter().filter(|call| call.status == Some(200));
    let lists = given.filter_map(|call| parameter(&call.query, "user_ids"));
    lists
        .flat_map(|ids| ids.split(',').map(|id| id.parse().expect("an id")).collect::<Vec<_>>())
        .collect()
}

/// One id is refused, and everybody else is known after one run of few calls.
fn refuses_one_id(db: &Db, users_ids: Option<(u32, TooManyIds)>, status: &str) {
    for poison in [1, 38, 130] {
        let onelogin = of_130_people(users_ids);
        onelogin.refuse_user(poison);
        let account = format!("account-{poison}");
        let account = ["--account", account.as_str()];

        let synced = Api::Events.sync(&onelogin, db, &[&TODAY[..], &account].concat()).run();

        let synced = synced.expect_code(0);
        assert_eq!(synced.json()["people_pending"], 0);
        let warning = "refused people who were requested one by one";
        assert!(synced.stderr.contains(warning) && synced.stderr.contains("refused=1"), "{synced}");
        assert!(
            synced.stderr.contains(status) && synced.stderr.contains("value must be"),
            "{synced}"
        );
        let rows = db.rows(&format!(
            "select user_id, display_name, asked_at is not null from users \
             where email is null and account = '{}'",
            account[1]
        ));
        let (id, name) = (poison.to_string(), format!("User {poison}"));
        assert_rows(&rows, &[&[&id, &name, "1"]]);
        let mut given = users_given(&onelogin);
        given.sort_unstable();
        assert_eq!(given, (1..=130).filter(|&id| id != poison).collect::<Vec<_>>(), "each once");
        let calls = users_requested(&onelogin).len();
        assert!(calls <= 13 + 2, "{calls} calls");

        Api::Events.sync_ok(&onelogin, db, &account);
        assert_eq!(users_requested(&onelogin).len(), calls, "not requested again at once");
    }
}

on_both!(one_id_that_the_users_api_refuses_blocks_nobody_else, |db| {
    refuses_one_id(db, None, "status 400");
});

on_both!(one_id_that_the_users_api_cannot_process_blocks_nobody_else, |db| {
    refuses_one_id(db, Some((50, TooManyIds::Unprocessable)), "status 422");
});

on_both!(one_refused_id_is_found_though_the_users_api_takes_few_at_once, |db| {
    let onelogin = of_130_people(Some((7, TooManyIds::BadRequest)));
    onelogin.refuse_user(38);

    let outcome = Api::Events.sync_ok(&onelogin, db, &TODAY);

    assert_eq!((&outcome["people_pending"], &outcome["users_written"]), (&0.into(), &130.into()));
    assert_rows(&db.rows("select user_id from users where email is null"), &[&["38"]]);
    let calls = users_requested(&onelogin).len();
    assert!(calls <= 130_usize.div_ceil(6) + 20, "{calls} calls");
});

on_both!(a_users_api_that_refuses_everyone_gets_few_calls_and_is_an_error, |db| {
    let onelogin = of_130_people(None);
    for user_id in 1..=131 {
        onelogin.refuse_user(user_id);
    }

    let failed = outcome(Api::Events.sync(&onelogin, db, &TODAY).run(), 76);

    assert_eq!(failed["people_pending"], 130);
    let error = failed["error"].as_str().expect("a text");
    assert!(error.contains("details of 130 people") && error.contains("status 400"), "{error}");
    assert!(error.contains("\"Integer value must be <= 2147483647\""), "{error}");
    assert!(!error.contains("--base-url"), "{error}");
    assert_eq!(db.count("users where asked_at is not null"), 0, "nobody counts as requested");
    assert!(users_requested(&onelogin).len() <= 12, "{:?}", users_requested(&onelogin));
});

on_both!(a_new_person_who_is_refused_ends_no_run_while_others_are_given, |db| {
    let onelogin = of_130_people(None);
    Api::Events.sync_ok(&onelogin, db, &TODAY);
    put_event(&onelogin, EventRecord::new(200, at("2026-03-20T11:30:00Z"), 61, 3_000_000_000));
    onelogin.refuse_user(3_000_000_000);
    let before = users_requested(&onelogin).len();

    let outcome = Api::Events.sync_ok(&onelogin, db, &[]);

    // One call shows that the users API answers for somebody else.
    assert_eq!(outcome["people_pending"], 0);
    assert_eq!(users_requested(&onelogin).len(), before + 2);
    Api::Events.sync_ok(&onelogin, db, &[]);
    assert_eq!(users_requested(&onelogin).len(), before + 2);
});

on_both!(half_of_a_request_is_kept_though_the_users_api_fails_after_it, |db| {
    let onelogin = of_130_people(Some((30, TooManyIds::BadRequest)));
    // 50 are too many; half of them come, and the others do not.
    onelogin.fail_next_at(Endpoint::Users, [Fault::NoDate, Fault::Forbidden]);

    let failed = outcome(Api::Events.sync(&onelogin, db, &TODAY).run(), 77);

    assert_eq!(failed["people_pending"], 130 - 25);
    assert_eq!(db.count("users where email is not null"), 25);
    let outcome = Api::Events.sync_ok(&onelogin, db, &[]);
    assert_eq!(outcome["people_pending"], 0);
    assert_eq!(users_given(&onelogin).len(), 130, "each once");
});
