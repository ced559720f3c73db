//! The token: requested when needed, renewed when refused, never revoked and never shown.

use std::time::Duration;

use onelogin_simulator::{Config, Endpoint, Fault, RetryAfter, Simulator};

use super::{MONTH, month};
use crate::support::api::Api;
use crate::support::block_on;
use crate::support::outcome::{SINCE, assert_complete, assert_recorded, history, outcome};
use crate::support::tables::{Db, on_both};

/// A run that is held in the middle, so that a story can take its token away.
fn with_its_token_taken_away(onelogin: &Simulator, db: &Db) -> serde_json::Value {
    onelogin.hold_after(120);
    let running = Api::Events.sync(onelogin, db, &MONTH).start();
    block_on(onelogin.wait_until_held());
    onelogin.expire_tokens();
    onelogin.release();
    running.wait().expect_code(0).json()
}

on_both!(a_token_that_is_refused_in_the_middle_is_renewed_and_the_call_repeated_with_it, |db| {
    let onelogin = month(|month| month);

    let outcome = with_its_token_taken_away(&onelogin, db);

    assert_complete(Api::Events, &onelogin, db);
    assert_eq!(outcome["retries"], 1);
    let calls = onelogin.calls();
    let refused = calls.iter().position(|call| call.status == Some(401)).expect("a refusal");
    let [refused, renewal, repeated] = &calls[refused..refused + 3] else { panic!("three calls") };
    assert_eq!((renewal.endpoint, renewal.token), (Endpoint::Token, Some(2)));
    assert_eq!((&repeated.query, repeated.token), (&refused.query, Some(2)), "with the new one");
    assert!(
        calls.iter().skip_while(|call| call.token != Some(2)).all(|call| call.token != Some(1))
    );
});

on_both!(one_token_serves_a_run_and_is_left_to_others, |db| {
    let onelogin = month(|month| month);

    Api::Events.sync_ok(&onelogin, db, &["--since", SINCE]);
    Api::Events.sync_ok(&onelogin, db, &[]);

    let bought = onelogin.calls_to(Endpoint::Token);
    assert_eq!(bought.iter().map(|call| call.token).collect::<Vec<_>>(), [Some(1), Some(1)]);
    assert_eq!(onelogin.calls_to(Endpoint::Revoke), []);
    assert_eq!(bought[0].authorization.as_deref(), Some("Basic"));
});

on_both!(a_token_that_is_old_already_is_renewed_before_it_ends, |db| {
    // It lasts from its creation: what is left of it is less than a call may take.
    let token_lifetime = Duration::from_hours(1);
    let onelogin = month(|month| Config { token_lifetime, ..month });
    Api::Events.sync_ok(&onelogin, db, &["--since", SINCE]);
    onelogin.advance(token_lifetime);

    Api::Events.sync_ok(&onelogin, db, &[]);

    let tokens: Vec<_> = onelogin.calls_to(Endpoint::Token).iter().map(|call| call.token).collect();
    assert_eq!(tokens, [Some(1), Some(2)]);
    assert!(onelogin.calls().iter().all(|call| call.status == Some(200)));
});

on_both!(a_token_that_has_ended_by_a_wrong_clock_is_used_as_long_as_it_is_accepted, |db| {
    let onelogin = month(|month| month);
    // The answer is of 23 hours after the token was made, which lasts ten.
    onelogin.fail_always_at(Endpoint::Token, Some(Fault::DateAhead(Duration::from_hours(23))));

    let outcome = Api::Events.sync_ok(&onelogin, db, &MONTH);

    assert_complete(Api::Events, &onelogin, db);
    assert!(outcome["requests"].as_u64().expect("a count") > 5, "{outcome}");
    assert_eq!(onelogin.calls_to(Endpoint::Token).len(), 1);
    assert_eq!(outcome["retries"], 0);
});

on_both!(a_token_that_has_ended_by_a_wrong_clock_is_renewed_once_when_refused, |db| {
    let onelogin = month(|month| month);
    onelogin.fail_always_at(Endpoint::Token, Some(Fault::DateAhead(Duration::from_hours(23))));

    let outcome = with_its_token_taken_away(&onelogin, db);

    assert_complete(Api::Events, &onelogin, db);
    assert_eq!(outcome["retries"], 1);
    assert_eq!(onelogin.calls_to(Endpoint::Token).len(), 2);
});

/// The error of a run that is refused a token.
fn refused(db: &Db, fault: Fault, exit: i32) -> String {
    let onelogin = history(60);
    onelogin.fail_always_at(Endpoint::Token, Some(fault));

    let arguments = ["--since", SINCE, "--max-attempts", "2"];
    let outcome = outcome(Api::Events.sync(&onelogin, db, &arguments).run(), exit);

    assert_recorded(db, &outcome);
    assert_eq!(onelogin.calls_to(Endpoint::Events), []);
    outcome["error"].as_str().expect("a text").to_owned()
}

on_both!(a_wrong_secret_is_77_and_a_wrong_region_is_named_with_it, |db| {
    let onelogin = history(60);
    let job = Api::Events.sync(&onelogin, db, &["--since", SINCE]);

    let outcome = outcome(job.env("ONELOGIN_CLIENT_SECRET", "wr0ng-one").run(), 77);

    let error = outcome["error"].as_str().expect("a text");
    assert!(error.contains("ONELOGIN_CLIENT_SECRET"), "{error}");
    assert!(error.contains("region") && error.contains("https://api.eu.onelogin.com"), "{error}");
    assert!(!error.contains("wr0ng"), "{error}");
    assert_eq!(onelogin.calls().len(), 1, "at once");
});

on_both!(an_error_under_200_is_no_token, |db| {
    let error = refused(db, Fault::ErrorUnder200, 77);
    assert!(error.contains("ONELOGIN_CLIENT_ID"), "{error}");
});

on_both!(a_500_for_a_token_is_explained_and_not_repeated_for_ever, |db| {
    let error = refused(db, Fault::InternalError, 69);
    assert!(error.contains("status 500") && error.contains("was deleted"), "{error}");
    assert!(error.contains("after 2 attempts"), "{error}");
});

on_both!(a_page_instead_of_a_token_is_another_region_or_host, |db| {
    let error = refused(db, Fault::Html, 76);
    assert!(error.contains("region") && error.contains("a web page"), "{error}");
    refused(db, Fault::NotFound, 76);
    refused(db, Fault::Redirect, 76);
});

on_both!(a_fault_that_passes_costs_a_retry, |db| {
    let onelogin = month(|month| month);
    onelogin.fail_next_at(
        Endpoint::Token,
        [Fault::InternalError, Fault::Reset, Fault::TooManyRequests(RetryAfter::Absent)],
    );

    let outcome = Api::Events.sync_ok(&onelogin, db, &MONTH);

    assert_eq!(outcome["retries"], 3);
    assert_complete(Api::Events, &onelogin, db);
});
