//! The two APIs of a stand-in, for stories that hold for both.

use chrono::{DateTime, Utc};
use onelogin_simulator::{Endpoint, Entry, EventRecord, Simulator};
use onelogin_sync::internals::{EventSelection, SourceKind};
use serde_json::Value;

use super::onelogin::{at, put, record};
use super::program::Program;
use super::tables::Db;

/// Makes four tests of one story: `name::legacy_sqlite`, `name::events_postgres` and so on. Each gets
/// an empty database: `on_all!(a_second_run_writes_nothing, |db, api| { … })`.
macro_rules! on_all {
    ($name:ident, |$db:ident, $api:ident| $story:block) => {
        mod $name {
            use super::*;
            use $crate::support::api::Api;

            #[test]
            fn legacy_sqlite() {
                story(&$crate::support::tables::Db::sqlite(), Api::Legacy);
            }

            #[test]
            fn legacy_postgres() {
                story(&$crate::support::tables::Db::postgres(), Api::Legacy);
            }

            #[test]
            fn events_sqlite() {
                story(&$crate::support::tables::Db::sqlite(), Api::Events);
            }

            #[test]
            fn events_postgres() {
                story(&$crate::support::tables::Db::postgres(), Api::Events);
            }

            fn story($db: &$crate::support::tables::Db, $api: Api) $story
        }
    };
}
pub(crate) use on_all;

/// One of the APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Api {
    Legacy,
    Events,
}

impl Api {
    /// Its name in every row.
    pub(crate) fn name(self) -> &'static str {
        self.source().as_str()
    }

    /// The source that it is.
    pub(crate) fn source(self) -> SourceKind {
        match self {
            Self::Legacy => SourceKind::Legacy,
            Self::Events => SourceKind::Events,
        }
    }

    /// `sync` with a stand-in and a database, not yet run. Its outcome is JSON.
    pub(crate) fn sync(self, onelogin: &Simulator, db: &Db, arguments: &[&str]) -> Program {
        let url = db.url();
        let common = ["sync", "--format", "json", "--database-url", &url];
        let program = Program::new(&[&common, arguments].concat());
        let program = program.env("ONELOGIN_BASE_URL", onelogin.url());
        match self {
            Self::Legacy => program.env("ONELOGIN_API_KEY", onelogin.key()),
            Self::Events => program
                .env("ONELOGIN_CLIENT_ID", onelogin.client_id())
                .env("ONELOGIN_CLIENT_SECRET", onelogin.client_secret()),
        }
    }

    /// Runs `sync` and asserts that it succeeds.
    #[track_caller]
    pub(crate) fn sync_ok(self, onelogin: &Simulator, db: &Db, arguments: &[&str]) -> Value {
        self.sync(onelogin, db, arguments).run().expect_code(0).json()
    }

    /// The texts of the selected types that the stand-in would serve now for a span.
    pub(crate) fn served(
        self,
        onelogin: &Simulator,
        from: Option<DateTime<Utc>>,
        to: Option<DateTime<Utc>>,
    ) -> Vec<String> {
        match self {
            Self::Legacy => onelogin.records(from, to).collect(),
            Self::Events => {
                onelogin.events(from, to, Some(&EventSelection::default().all())).collect()
            }
        }
    }

    /// The end of the first window of a run since [`SINCE`](super::outcome::SINCE).
    pub(crate) fn first_window_end(self) -> &'static str {
        match self {
            Self::Legacy => "2026-02-25T12:00:00Z",
            Self::Events => "2026-02-20T12:00:00Z",
        }
    }

    /// The span of each request or page for records, in order.
    pub(crate) fn requested(self, onelogin: &Simulator) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
        let (endpoint, names) = match self {
            Self::Legacy => (Endpoint::Legacy, ["start_date", "stop_date"]),
            Self::Events => (Endpoint::Events, ["since", "until"]),
        };
        let calls = onelogin.calls_to(endpoint);
        let time = |query: &str, name| at(&parameter(query, name).expect("a time"));
        calls.iter().map(|call| names.map(|name| time(&call.query, name)).into()).collect()
    }

    /// The number of records in the last answer or page.
    pub(crate) fn records_given(self, onelogin: &Simulator) -> u64 {
        let endpoint = if self == Self::Legacy { Endpoint::Legacy } else { Endpoint::Events };
        onelogin.calls_to(endpoint).last().expect("a call").records
    }

    /// Puts a failed suspension of this person in Sales App there.
    pub(crate) fn put_failure(self, onelogin: &Simulator, id: i64, time: &str, user_id: i64) {
        self.put_failure_at(onelogin, time, id, time, user_id);
    }

    /// The same, served as if it had happened at `place`, whatever time it names.
    pub(crate) fn put_failure_at(
        self,
        onelogin: &Simulator,
        place: &str,
        id: i64,
        time: &str,
        user_id: i64,
    ) {
        match self {
            Self::Legacy => {
                put(onelogin, place, record(id, time, user_id).to_json());
            }
            Self::Events => {
                let event = EventRecord::new(id, at(time), 61, user_id).to_json();
                onelogin.put_event(Entry::new(at(place), event));
            }
        }
    }
}

/// A parameter of a query, decoded.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Puts an event where the stand-in looks for events of its time, and returns its number.
#[expect(clippy::needless_pass_by_value, reason = "it is made for the call")]
pub(crate) fn put_event(onelogin: &Simulator, event: EventRecord) -> usize {
    onelogin.put_event(Entry::new(at(&event.created_at), event.to_json()))
}
