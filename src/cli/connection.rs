//! Connection to either API: flags, credentials, and the source made of them.

use std::sync::LazyLock;
use std::time::Duration;

use anyhow::anyhow;
use clap::ValueEnum;
use clap::builder::{BoolishValueParser, PossibleValue};

use super::{Failed, secret, text};
use crate::exit::Exit;
use crate::normalize::event_type::{self, EventSelection};
use crate::onelogin::events::{Events, Query};
use crate::onelogin::legacy::Legacy;
use crate::onelogin::retry::Policy;
use crate::onelogin::{ConfigError, EVENTS_URL, LEGACY_URL, Options, Source};
use crate::source::SourceKind;

const API_KEY: &str = "ONELOGIN_API_KEY";
const CLIENT_ID: &str = "ONELOGIN_CLIENT_ID";
const CLIENT_SECRET: &str = "ONELOGIN_CLIENT_SECRET";

const BASE_URL_HELP: &str = "Address of the API, with your region or your own subdomain; without it \
    https://api.us.onelogin.com, for legacy https://api.onelogin.com";

/// Flags for reading an API.
#[derive(Debug, clap::Args)]
pub(super) struct Connection {
    // No doc comment: it would put the addresses in angle brackets, and help shows those.
    #[arg(long, env = "ONELOGIN_BASE_URL", value_name = "URL", help = BASE_URL_HELP)]
    base_url: Option<String>,
    #[command(flatten)]
    events: EventsApi,
    #[command(flatten)]
    limits: Limits,
}

/// Selection of events, and its cost.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Events API")]
struct EventsApi {
    /// Event types that are failures, by number
    #[arg(long, env = "ONELOGIN_EVENT_TYPES", value_name = "LIST", value_delimiter = ',')]
    #[arg(default_value = FAILURE_TYPES.as_str(), hide_short_help = true)]
    event_types: Vec<i64>,
    /// Load successes too, so that failures can be closed
    #[arg(long, env = "ONELOGIN_WITH_SUCCESSES", value_name = "BOOL", default_value = "true")]
    #[arg(action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true", value_parser = BoolishValueParser::new())]
    #[arg(hide_short_help = true)]
    with_successes: bool,
    /// Events to request per page; without it the server decides, usually 50
    #[arg(long, env = "ONELOGIN_PAGE_LIMIT", value_name = "N", hide_short_help = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    page_limit: Option<u32>,
    /// API calls per hour, over all runs of the account; OneLogin allows 5,000 to all programs
    /// together
    #[arg(long, env = "ONELOGIN_MAX_CALLS_PER_HOUR", value_name = "N", default_value_t = 2_500)]
    #[arg(hide_short_help = true, value_parser = clap::value_parser!(u64).range(1..))]
    max_calls_per_hour: u64,
}

/// The numbers of [`event_type::FAILURES`], as they are written on the command line.
static FAILURE_TYPES: LazyLock<String> =
    LazyLock::new(|| event_type::FAILURES.map(|id| id.to_string()).join(","));

/// Limits that few need to change.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Network")]
struct Limits {
    /// Allow plain http to other machines, where everyone on the way can read the credentials
    #[arg(long, env = "ONELOGIN_ALLOW_HTTP", value_parser = BoolishValueParser::new())]
    #[arg(hide_short_help = true)]
    allow_http: bool,
    /// Timeout for opening a connection
    #[arg(long, env = "ONELOGIN_CONNECT_TIMEOUT", value_name = "DURATION", default_value = "10s")]
    #[arg(hide_short_help = true, value_parser = text::timeout)]
    connect_timeout: Duration,
    /// Timeout for the next byte of a response
    #[arg(long, env = "ONELOGIN_READ_TIMEOUT", value_name = "DURATION", default_value = "60s")]
    #[arg(hide_short_help = true, value_parser = text::timeout)]
    read_timeout: Duration,
    /// Timeout for one complete request
    #[arg(long, env = "ONELOGIN_REQUEST_TIMEOUT", value_name = "DURATION", default_value = "30m")]
    #[arg(hide_short_help = true, value_parser = text::timeout)]
    request_timeout: Duration,
    /// Attempts per window, or per page of events, the first included
    #[arg(long, env = "ONELOGIN_MAX_ATTEMPTS", value_name = "N", default_value_t = 8)]
    #[arg(hide_short_help = true, value_parser = clap::value_parser!(u32).range(1..))]
    max_attempts: u32,
    /// Time for all attempts at one window, or at one page of events
    #[arg(long, env = "ONELOGIN_RETRY_FOR", value_name = "DURATION", default_value = "10m")]
    #[arg(hide_short_help = true, value_parser = super::text::span)]
    retry_for: Duration,
}

impl ValueEnum for SourceKind {
    /// The APIs; deliveries to a webhook are read from a file only.
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Legacy, Self::Events]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Legacy => "GET /api/v1/logins/failed_provisioning.json, deprecated",
            Self::Events => "GET /api/1/events",
            Self::Webhook => return None,
        };
        Some(PossibleValue::new(self.as_str()).help(help))
    }
}

/// The API that there are credentials for; the current one if there are both.
fn api_by_credentials() -> Result<SourceKind, Failed> {
    if secret::is_set(CLIENT_ID) || secret::is_set(CLIENT_SECRET) {
        Ok(SourceKind::Events)
    } else if secret::is_set(API_KEY) {
        Ok(SourceKind::Legacy)
    } else {
        let error = anyhow!(
            "no credentials: set {CLIENT_ID} and {CLIENT_SECRET}, or {API_KEY} for the legacy API, \
             or append _FILE to a name and set that to the path of a file that holds it; to see the \
             program at work without an account, run `onelogin-sync demo`"
        );
        Err(Failed::new(Exit::Configuration, error))
    }
}

impl Connection {
    /// The API of `--source`, else the one that there are credentials for. Nothing is sent yet.
    pub(super) fn api(&self, kind: Option<SourceKind>) -> Result<Source, Failed> {
        match kind.map_or_else(api_by_credentials, Ok)? {
            SourceKind::Legacy => self.legacy(self.base_url.as_deref()).map(Source::Legacy),
            SourceKind::Events => self.events().map(Source::Events),
            SourceKind::Webhook => {
                let error = anyhow!("deliveries to a webhook are read with --from-file");
                Err(Failed::new(Exit::Usage, error))
            }
        }
    }

    /// The types of events to copy.
    pub(super) fn selected(&self) -> Result<EventSelection, Failed> {
        let failures = self.events.event_types.clone();
        if let Some(success) = failures.iter().find(|id| event_type::SUCCESSES.contains(id)) {
            let error = anyhow!(
                "--event-types has {success}, which is a success: --with-successes is about those"
            );
            return Err(Failed::new(Exit::Usage, error));
        }
        Ok(EventSelection { failures, successes: self.events.with_successes })
    }

    /// The legacy API, with its credential.
    pub(super) fn legacy(&self, base_url: Option<&str>) -> Result<Legacy, Failed> {
        let options = self.options(base_url.unwrap_or(LEGACY_URL));
        Legacy::new(&options, secret::read(API_KEY)?).map_err(unusable)
    }

    /// The events API, with its credential.
    pub(super) fn events(&self) -> Result<Events, Failed> {
        let options = self.options(self.base_url.as_deref().unwrap_or(EVENTS_URL));
        let selected = self.selected()?;
        let query = Query {
            types: selected.all(),
            failures: selected.failures,
            limit: self.events.page_limit,
            calls_per_hour: self.events.max_calls_per_hour,
        };
        let (id, secret) = (secret::read_id(CLIENT_ID)?, secret::read(CLIENT_SECRET)?);
        Events::new(&options, id, secret, &query).map_err(unusable)
    }

    /// The base URL that was given.
    pub(super) fn base_url(&self) -> Option<&str> {
        self.base_url.as_deref()
    }

    fn options(&self, base_url: &str) -> Options {
        let Limits {
            allow_http,
            connect_timeout,
            read_timeout,
            request_timeout,
            max_attempts,
            retry_for,
        } = self.limits;
        Options {
            base_url: base_url.to_owned(),
            allow_http,
            connect_timeout,
            read_timeout,
            request_timeout,
            policy: Policy { max_attempts, max_elapsed: retry_for, ..Policy::default() },
        }
    }
}

fn unusable(error: ConfigError) -> Failed {
    Failed::new(Exit::Configuration, error)
}
