//! Configuration of a simulator. Each point that the documents of the real API leave open has a
//! field, so that a client can be tested with each reading.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Friday, 20 March 2026, noon: the thirty days before it hold a change of the US clocks.
const DEFAULT_NOW: i64 = 1_774_008_000;
/// Failures per person on average, unless `people` is set.
const FAILURES_PER_PERSON: u64 = 20;
/// The same in a story.
const STORY_FAILURES_PER_PERSON: u64 = 4;
/// People of a directory at most, unless `people` is set.
const MOST_PEOPLE: u32 = 50_000;

/// The account of the default seed, as seen in a published cursor.
pub(crate) const DEFAULT_ACCOUNT_ID: u64 = 53_413;
const DEFAULT_SEED: u64 = 1;
/// Accounts repeat after this many seeds, so that their ids stay as short as real ones.
const ACCOUNTS: u64 = 1_000_000_000;

/// Configuration of a simulator.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a habit that the real API may have")]
pub struct Config {
    /// The key of the legacy API that requests must carry. Default: `demo-key`.
    pub key: String,
    /// The name of the credential that buys tokens for the current API. Default: `demo-client`.
    pub client_id: String,
    /// The secret of that credential. Default: `demo-secret`.
    pub client_secret: String,
    /// The lifetime of a token by the simulated clock, in whole seconds. Default: 10 hours.
    pub token_lifetime: Duration,
    /// The seed of the history: same seed, same history. Default: 1.
    pub seed: u64,
    /// The shape of the history. Default: flat.
    pub history: History,
    /// The id of the OneLogin account. Default: another one for each seed.
    pub account_id: Option<u64>,
    /// Failures in the `days` before `now`. Late ones may not be visible yet. They continue at the
    /// same rate after `now`. 0 for no failures at all. Default: 1000.
    pub failures: u64,
    /// Successes in the `days` before `now`. Each one does the operation of an earlier failure.
    /// They continue at the same rate after `now`, and only the current API serves them. Without
    /// failures there are no successes. In a story, most follow no failure, and a few are
    /// suspensions that were skipped. Default: half of `failures`; in a story three times as many.
    pub successes: Option<u64>,
    /// One generated failure in this many becomes visible ten minutes to six hours after its
    /// `created_at`, in both APIs; 0 for no late ones. Default: 200.
    pub late_records: u32,
    /// One generated failure in this many is solved an hour to five days later, and its event
    /// changes then; 0 for no solved ones. Default: 20.
    pub resolved_events: u32,
    /// People in the directory. Default: one per 20 failures, in a story one per 4, from 1 to 50,000.
    pub people: Option<u32>,
    /// One person in this many is deleted: failures name them, but the directory does not have
    /// them; 0 for no deleted ones. Default: 40.
    pub deleted_people: u32,
    /// Days of history before `now`, at least 1. Default: 30.
    pub days: u32,
    /// The start of the simulated clock, and the end of the history before it.
    /// Default: 2026-03-20T12:00:00Z.
    pub now: DateTime<Utc>,
    /// True if the clock follows real time. Default: it stands still.
    pub ticking: bool,
    /// One generated failure in this many cannot be loaded, in both APIs; 0 for no bad ones.
    /// Default: 0.
    pub bad_records: u32,
    /// The meaning of `id` in a legacy record.
    pub ids: Ids,
    /// Inclusion of `start_date` and `stop_date`, `since` and `until`.
    pub bounds: Bounds,
    /// The order of legacy records, and whether the current API honours `sort`.
    pub order: Order,
    /// Records per legacy answer at most; the rest is left out without a notice. Default: no limit.
    pub cap: Option<u64>,
    /// Events per page at most, and without a `limit` in the request. At least 1. Default: 50.
    pub page: u32,
    /// The content of a cursor of the events.
    pub cursor: Cursor,
    /// Cursor on the last page of events.
    pub last_page: LastPage,
    /// True if `next_link` names another host, to which no token may go. Default: no.
    pub foreign_links: bool,
    /// True if `event_type_id` is ignored, so that everything is served. Sign-ins exist only then.
    /// Default: no.
    pub ignores_type_filter: bool,
    /// True if only the first type of `event_type_id` is read, as in the oldest version of its page.
    /// Default: no.
    pub reads_first_type_only: bool,
    /// True if only the last type of it is read. Default: no.
    pub reads_last_type_only: bool,
    /// The form of the JSON of generated events.
    pub event_form: EventForm,
    /// People per answer of the directory at most. At least 1. Default: 50.
    pub users_page: u32,
    /// Ids of people that a request of the directory may name, and the answer to more. Default: no
    /// limit.
    pub users_ids: Option<(u32, TooManyIds)>,
    /// Calls of `/api/1`, `/api/2` and for tokens per hour. Default: 5000.
    pub calls_per_hour: u32,
    /// The answer to a call beyond that limit.
    pub over_limit: OverLimit,
    /// The `Date` of all answers, the refused ones too. Default: that of the simulated clock.
    pub date: DateHeader,
    /// True to compress for clients that accept gzip. Default: no.
    pub gzip: bool,
    /// Legacy requests for a longer span than this get `wide_answer`. Default: no limit.
    pub too_wide: Option<Duration>,
    /// The answer to a legacy request for too long a span.
    pub wide_answer: WideAnswer,
    /// True if legacy answers carry `Deprecation: true` and the date of a `Sunset`. Default: no.
    pub deprecation: bool,
}

/// Shapes of the generated history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum History {
    /// The same rate at all times, and nothing depends on anything else: for tests and measurements.
    #[default]
    Flat,
    /// Working days and weekends, retries until success, an outage, a limit of licences, a mapping
    /// error after a change, and leavers who keep their access. Numbers are approximate: a chapter of
    /// 28 days has its share of them, and the first chapter begins before the history does.
    Story,
}

/// Meanings of the `id` of a record. The documents leave it open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ids {
    /// The failure's own id: each value once.
    #[default]
    OfTheFailure,
    /// The app's id: it repeats.
    OfTheApp,
}

/// Instants that a request selects. The documents leave it open.
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

/// Orders in which records are served. The documents leave it open.
///
/// With `Ascending`, events follow `sort`, and come youngest first without it. With the other two
/// the server ignores `sort`.
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

/// Contents of a cursor under its base64. Both kinds have been seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cursor {
    /// The last event served, so that a new event shifts nothing.
    #[default]
    Keyset,
    /// The number of the page, so that a new event shifts all pages after it.
    PageNumber,
}

/// Cursors on the last page of events. Each has been seen, or is possible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LastPage {
    /// The last page has a null `after_cursor` and a null `next_link`.
    #[default]
    NullCursor,
    /// The last page has a cursor and a link like any other. The page after it is empty, with a
    /// cursor, and its `next_link` is null.
    EmptyWithCursor,
    /// The last page repeats the cursor of its request, and has a link to itself.
    RepeatedCursor,
    /// As `NullCursor`, but no page has a link: the cursor alone leads on.
    NullCursorWithoutLinks,
}

/// Forms of the JSON of generated events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventForm {
    /// As documented.
    #[default]
    Modern,
    /// As seen in the wild: numbers as texts, texts as numbers, `app-name`, absent and unknown
    /// fields. Every event has some of these.
    Odd,
}

/// Answers to a call beyond the hourly limit. Both have been seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OverLimit {
    /// Status 429.
    #[default]
    Status429,
    /// Status 400, with the message `rate_limit_exceeded`.
    BadRequest,
}

/// Values of the `Date` header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateHeader {
    /// That of the simulated clock.
    #[default]
    Right,
    /// Ahead of the simulated clock.
    Ahead(Duration),
    /// Earlier than the simulated clock.
    Behind(Duration),
    /// No header.
    Absent,
}

/// Answers to a request for too many people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooManyIds {
    /// Status 400.
    BadRequest,
    /// Status 422.
    Unprocessable,
    /// Only the first of them, without a cursor; `Total-Count` counts all.
    Cut,
}

/// Answers to a request for too long a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WideAnswer {
    /// Half of the records, then silence until the client gives up.
    Stall,
    /// Status 500.
    #[default]
    Error,
    /// Half of the records, then a closed connection.
    Truncate,
}

impl Config {
    /// The configuration of the command `demo`: six weeks with a story that end at `now`. It is here
    /// because tests load the same history.
    #[must_use]
    pub fn demo(now: DateTime<Utc>) -> Self {
        Self {
            seed: 7,
            history: History::Story,
            failures: 1_600,
            successes: Some(3_200),
            days: 42,
            late_records: 3,
            now,
            // Fewer requests, so that the demo takes a moment.
            page: 500,
            ..Self::default()
        }
    }

    /// The id of the account: the set one, or another one for each seed.
    #[must_use]
    pub fn account_id(&self) -> u64 {
        let after_default = self.seed.wrapping_sub(DEFAULT_SEED) % ACCOUNTS;
        self.account_id.unwrap_or(DEFAULT_ACCOUNT_ID + after_default)
    }

    /// The number of people in the directory, at least 1.
    pub(crate) fn people(&self) -> u32 {
        let per_person = match self.history {
            History::Flat => FAILURES_PER_PERSON,
            History::Story => STORY_FAILURES_PER_PERSON,
        };
        let usual = u32::try_from(self.failures / per_person).unwrap_or(MOST_PEOPLE);
        self.people.unwrap_or(usual.min(MOST_PEOPLE)).max(1)
    }

    /// The number of successes in the `days` before `now`.
    pub(crate) fn successes(&self) -> u64 {
        self.successes.unwrap_or(match self.history {
            History::Flat => self.failures / 2,
            History::Story => self.failures.saturating_mul(3),
        })
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            key: "demo-key".to_owned(),
            client_id: "demo-client".to_owned(),
            client_secret: "demo-secret".to_owned(),
            token_lifetime: Duration::from_hours(10),
            seed: DEFAULT_SEED,
            history: History::default(),
            account_id: None,
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
            reads_first_type_only: false,
            reads_last_type_only: false,
            event_form: EventForm::default(),
            users_page: 50,
            users_ids: None,
            calls_per_hour: 5_000,
            over_limit: OverLimit::default(),
            date: DateHeader::default(),
            gzip: false,
            too_wide: None,
            wide_answer: WideAnswer::default(),
            deprecation: false,
        }
    }
}
