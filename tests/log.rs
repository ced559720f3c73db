//! The log of a run: it can be followed, and shows no secret and no person.

use onelogin_simulator::{
    EVENT_TYPES_PATH, EVENTS_PATH, Endpoint, LEGACY_PATH, Simulator, TOKEN_PATH, USERS_PATH,
    parse_faults_at,
};

use crate::support::api::Api;
use crate::support::outcome::{SINCE, history};
use crate::support::program::Finished;
use crate::support::tables::{Db, on_both};

const FAULTS: &str = "token:503,events:500,events:429:1s,events:cut,users:500,types:500,legacy:500";

/// A run at `debug` against a stand-in that fails in these ways.
fn followed(api: Api, db: &Db, faults: &str) -> (Simulator, Finished) {
    let onelogin = history(120);
    for (endpoint, fault) in parse_faults_at(faults).expect("faults") {
        onelogin.fail_next_at(endpoint, [fault]);
    }
    let arguments = ["-v", "--account", "north", "--since", SINCE];
    let finished = api.sync(&onelogin, db, &arguments).run().expect_code(0);
    (onelogin, finished)
}

/// The value of a field of a line.
fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!(" {name}="))?;
    rest.split(' ').next()
}

/// Path and status of each request in a log.
fn logged(finished: &Finished) -> Vec<(String, Option<u16>)> {
    let requests = finished.stderr.lines().filter(|line| line.contains(" request path="));
    let path =
        |line| field(line, "path").expect("a request has a path").trim_matches('"').to_owned();
    let status = |line| field(line, "status").map(|status| status.parse().expect("a status"));
    requests.map(|line| (path(line), status(line))).collect()
}

fn served(onelogin: &Simulator) -> Vec<(String, Option<u16>)> {
    let path = |endpoint| match endpoint {
        Endpoint::Legacy => LEGACY_PATH,
        Endpoint::Token => TOKEN_PATH,
        Endpoint::Events => EVENTS_PATH,
        Endpoint::Users => USERS_PATH,
        Endpoint::Types => EVENT_TYPES_PATH,
        Endpoint::RateLimit | Endpoint::Revoke => "not called",
    };
    onelogin.calls().iter().map(|call| (path(call.endpoint).to_owned(), call.status)).collect()
}

on_both!(every_request_that_the_server_saw_is_in_the_log, |db| {
    for (api, at_least) in [(Api::Events, 10), (Api::Legacy, 2)] {
        let (onelogin, finished) = followed(api, db, FAULTS);
        let (mut logged, mut served) = (logged(&finished), served(&onelogin));

        assert!(served.len() >= at_least, "{served:?}");
        let of_run = format!("account=north source={}", api.name());
        for line in finished.stderr.lines().filter(|line| line.contains(" request path=")) {
            let run_id = field(line, "run_id").map(str::len);
            assert!(run_id == Some(36) && line.contains(&of_run), "{line}");
        }
        // Windows are read ahead, so a line may follow that of a later request.
        logged.sort();
        served.sort();
        assert_eq!(logged, served, "{finished}");
    }
});

#[test]
fn a_log_shows_no_secret_and_no_person() {
    let db = Db::sqlite();
    for api in [Api::Events, Api::Legacy] {
        let (onelogin, finished) = followed(api, &db, FAULTS);

        for secret in [onelogin.client_secret(), onelogin.key()] {
            assert!(!finished.stderr.contains(secret), "{finished}");
        }
        for person in db.rows("select email, username, lastname from users").concat() {
            assert!(!finished.stderr.contains(&person), "{person}: {finished}");
        }
    }
}

#[test]
fn what_was_survived_is_warned_of() {
    let (_, finished) = followed(Api::Events, &Db::sqlite(), "token:503,users:500");

    let warnings: Vec<&str> =
        finished.stderr.lines().filter(|line| line.contains(" WARN ")).collect();
    for cause in ["/auth/oauth2/v2/token failed", "/api/2/users failed"] {
        let about = warnings.iter().filter(|line| line.contains(cause)).count();
        assert_eq!(about, 1, "{cause}: {finished}");
    }
}
