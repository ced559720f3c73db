//! What a simulator can be told to be like. Every field that the documents of the real API leave
//! open is here, so that a client can be tried against each reading.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Friday, 20 March 2026, noon: the thirty days before it hold a change of the US clocks.
const DEFAULT_NOW: i64 = 1_774_008_000;
/// Failures a person has on average, and the most people a directory holds, unless it is told.
const FAILURES_PER_PERSON: u64 = 20;
const MOST_PEOPLE: u32 = 50_000;

/// What a simulator serves.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a habit that the real API may have")]
pub struct Config {
    /// The legacy API key that requests must carry. Default: `demo-key`.
    pub key: String,
    /// The name of the credential that buys tokens for the current API. Default: `demo-client`.
    pub client_id: String,
    /// The secret of that credential. Default: `demo-secret`.
    pub client_secret: String,
    /// How long a token is good, by the simulated clock, in whole seconds. Default: 10 hours.
    pub token_lifetime: Duration,
    /// What the history is made from: same seed, same history. Default: 1.
    pub seed: u64,
    /// Failures created in the `days` before `now`, of which a late one may not be visible yet.
    /// They go on at the same rate after `now`; 0 = none at all. Default: 1000.
    pub failures: u64,
    /// Successes in the `days` before `now`: each does, later, what an earlier failure could not.
    /// They go on at the same rate after `now`, and only the current API serves them. Default:
    /// half of `failures`. Without failures there are none.
    pub successes: Option<u64>,
    /// One made-up failure in this many becomes visible ten minutes to six hours after its
    /// `created_at`, in both APIs; 0 = none. Default: 200.
    pub late_records: u32,
    /// One made-up failure in this many is solved an hour to five days after it: its event changes
    /// then; 0 = none. Default: 20.
    pub resolved_events: u32,
    /// People in the directory. Default: one per 20 failures, from 1 to 50,000.
    pub people: Option<u32>,
    /// One person in this many has been deleted: failures name them, the directory does not know
    /// them; 0 = none. Default: 40.
    pub deleted_people: u32,
    /// Days of history before `now`, at least 1. Default: 30.
    pub days: u32,
    /// What the simulated clock shows at the start; the history is counted back from here.
    /// Default: 2026-03-20T12:00:00Z.
    pub now: DateTime<Utc>,
    /// Whether the clock follows real time from the start. Default: it stands still.
    pub ticking: bool,
    /// One made-up failure in this many cannot be loaded, in both APIs; 0 = none. Default: 0.
    pub bad_records: u32,
    /// What `id` means in a legacy record.
    pub ids: Ids,
    /// Whether `start_date` and `stop_date`, `since` and `until` are part of what they ask for.
    pub bounds: Bounds,
    /// The order of legacy records, and whether the current API honours `sort`.
    pub order: Order,
    /// The most records a legacy answer holds; the rest is left out without a word. Default: no
    /// limit.
    pub cap: Option<u64>,
    /// The most events on a page, and how many there are when `limit` is not given. At least 1.
    /// Default: 50.
    pub page: u32,
    /// What a cursor of the events says.
    pub cursor: Cursor,
    /// How the last page of events is marked.
    pub last_page: LastPage,
    /// Whether `next_link` names another host, where no token may go. Default: no.
    pub foreign_links: bool,
    /// Whether `event_type_id` is ignored, so that everything is served. Sign-ins exist only then.
    /// Default: no.
    pub ignores_type_filter: bool,
    /// How the JSON of a made-up event is written.
    pub event_form: EventForm,
    /// The most people in an answer of the directory. At least 1. Default: 50.
    pub users_page: u32,
    /// Calls of `/api/1`, `/api/2` and for tokens that an hour allows. Default: 5000.
    pub calls_per_hour: u32,
    /// What a call beyond that gets.
    pub over_limit: OverLimit,
    /// Whether to compress for clients that accept gzip. Default: no.
    pub gzip: bool,
    /// Legacy requests for a longer span than this get `wide_answer`. Default: no limit.
    pub too_wide: Option<Duration>,
    /// What a legacy request for too long a span gets.
    pub wide_answer: WideAnswer,
    /// Whether legacy answers carry `Deprecation: true` and the date of a `Sunset`. Default: no.
    pub deprecation: bool,
}

/// What the `id` of a record means; the documents leave it open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ids {
    /// The failure's own id: each value once.
    #[default]
    OfTheFailure,
    /// The app's id: it repeats.
    OfTheApp,
}

/// Which instants a request asks for; the documents leave it open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bounds {
    /// start ≤ t ≤ stop.
    #[default]
    Inclusive,
    /// start ≤ t < stop.
    HalfOpen,
    /// start < t < stop.
    Exclusive,
}

/// In which order records are served; the documents leave it open.
///
/// Events are served as `sort` says, and youngest first without it, when this is `Ascending`. In
/// the other two the server takes no notice of `sort`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    #[default]
    Ascending,
    /// Youngest first.
    Descending,
    /// Mixed: within blocks of about a thousand legacy records, within the events of a day.
    Shuffled,
}

/// What a cursor says under its base64; both kinds have been seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cursor {
    /// The last event served, so that one that appears meanwhile moves nothing.
    #[default]
    Keyset,
    /// The number of the page: one that appears earlier in the order shifts all pages after it.
    PageNumber,
}

/// How the end of the events is told; all three have been seen or are to be feared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LastPage {
    /// The last page has a null `after_cursor` and a null `next_link`.
    #[default]
    NullCursor,
    /// The last page has a cursor and a link like any other. The page after it is empty, with a
    /// cursor, and its `next_link` is null.
    EmptyWithCursor,
    /// The last page gives back the cursor that it was asked with, and a link: who follows it gets
    /// the same page for ever.
    RepeatedCursor,
}

/// How the JSON of a made-up event is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventForm {
    /// As documented.
    #[default]
    Modern,
    /// As seen in the wild: numbers as texts, texts as numbers, `app-name`, absent and unknown
    /// fields. Every event has some of it.
    Odd,
}

/// The answer to a call beyond the hour's allowance; both have been seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OverLimit {
    /// Status 429.
    #[default]
    Status429,
    /// Status 400, with the message `rate_limit_exceeded`.
    BadRequest,
}

/// The answer to a request for too long a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WideAnswer {
    /// Half of it, and then nothing until the client gives up.
    Stall,
    /// Status 500.
    #[default]
    Error,
    /// Half of it, and then the connection is closed.
    Truncate,
}

impl Config {
    /// The people of the directory, at least 1.
    pub(super) fn people(&self) -> u32 {
        let usual = u32::try_from(self.failures / FAILURES_PER_PERSON).unwrap_or(MOST_PEOPLE);
        self.people.unwrap_or(usual.min(MOST_PEOPLE)).max(1)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            key: "demo-key".to_owned(),
            client_id: "demo-client".to_owned(),
            client_secret: "demo-secret".to_owned(),
            token_lifetime: Duration::from_hours(10),
            seed: 1,
            failures: 1_000,
            successes: None,
            late_records: 200,
            resolved_events: 20,
            people: None,
            deleted_people: 40,
            days: 30,
            now: DateTime::from_timestamp(DEFAULT_NOW, 0).unwrap_or_default(),
            ticking: false,
            bad_records: 0,
            ids: Ids::default(),
            bounds: Bounds::default(),
            order: Order::default(),
            cap: None,
            page: 50,
            cursor: Cursor::default(),
            last_page: LastPage::default(),
            foreign_links: false,
            ignores_type_filter: false,
            event_form: EventForm::default(),
            users_page: 50,
            calls_per_hour: 5_000,
            over_limit: OverLimit::default(),
            gzip: false,
            too_wide: None,
            wide_answer: WideAnswer::default(),
            deprecation: false,
        }
    }
}
