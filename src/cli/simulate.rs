//! `simulate`: the simulator as a server of its own.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, SubsecRound, Utc};
use clap::ValueEnum;
use secrecy::ExposeSecret;

use super::text::{self, print_line, time};
use super::{Failed, secret, stop};
use crate::exit::Exit;
use onelogin_simulator::{
    Bounds, Config, Cursor, DateHeader, Endpoint, EventForm, Fault, History, Ids, LastPage, Order,
    OverLimit, Simulator, parse_faults, parse_faults_at,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Port to listen on; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 8017)]
    port: u16,
    /// Address to listen on; 0.0.0.0 for every network of the machine
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: IpAddr,
    /// Seed of the history and the account: the same seed gives the same history
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Shape of the history: working days, outages and leavers, or the same rate at all times
    #[arg(long, value_enum, default_value = "story")]
    history: HistoryArg,
    /// Failures in the days before the start of the clock; they continue at the same rate
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    failures: u64,
    /// People in the directory [default: one per 4 failures, in a flat history per 20]
    #[arg(long, value_name = "N")]
    people: Option<u32>,
    /// Days of history before the start of the clock
    #[arg(long, value_name = "N", default_value_t = 30)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    days: u32,
    /// Start of the simulated clock, as RFC 3339 or a date [default: now]
    #[arg(long, value_name = "TIME", value_parser = text::instant)]
    now: Option<DateTime<Utc>>,
    /// Stop the clock; `curl -X POST '…/simulator/advance?seconds=3600'` advances it
    #[arg(long)]
    frozen: bool,
    /// Make one failure in N appear ten minutes to six hours late; 0 for no late failures
    #[arg(long, value_name = "N", default_value_t = 200)]
    late_records: u32,
    /// Make one failure in N unreadable; 0 for no unreadable failures
    #[arg(long, value_name = "N", default_value_t = 0, hide_short_help = true)]
    bad_records: u32,
    /// Inclusion of the two dates of a request
    #[arg(long, value_enum, default_value = "inclusive", hide_short_help = true)]
    bounds: BoundsArg,
    /// Order of legacy records, and unless ascending also of events, which then ignore `sort`
    #[arg(long, value_enum, default_value = "ascending", hide_short_help = true)]
    order: OrderArg,
    /// Compress answers for clients that accept gzip
    #[arg(long, hide_short_help = true)]
    gzip: bool,
    /// Faults of the first requests for failures, one per request: 429:3s,500,503,401,html,cut,close,reset,stall,drip, …
    #[arg(long, value_name = "LIST", value_parser = faults)]
    faults: Option<Faults>,
    /// Faults of the first requests to an endpoint: token:500,users:403,events:429:3s,types:404,legacy:410, …
    #[arg(long, value_name = "LIST", value_parser = faults_at)]
    faults_at: Option<FaultsAt>,
    /// `Date` of all answers: ahead:1h, behind:1h or absent [default: the simulated clock]
    #[arg(long, value_name = "DATE", value_parser = date_header)]
    date: Option<DateHeader>,
    #[command(flatten)]
    current: CurrentApi,
    #[command(flatten)]
    legacy: LegacyApi,
}

/// Flags of the current API.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Current API")]
struct CurrentApi {
    /// Successes in the same days [default: three times the failures, in a flat history half]
    #[arg(long, value_name = "N")]
    successes: Option<u64>,
    /// Solve one failure in N an hour to five days later, which changes its event; 0 for no solved failures
    #[arg(long, value_name = "N", default_value_t = 20, hide_short_help = true)]
    resolved_events: u32,
    /// Delete one person in N from the directory; 0 for no deleted people
    #[arg(long, value_name = "N", default_value_t = 40, hide_short_help = true)]
    deleted_people: u32,
    /// Form of the JSON of events: as documented, or as seen in the wild
    #[arg(long, value_enum, default_value = "modern", hide_short_help = true)]
    events_form: EventFormArg,
    /// Events per page at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    page: u32,
    /// Content of a cursor: the last event, or the number of the page
    #[arg(long, value_enum, default_value = "keyset", hide_short_help = true)]
    cursor: CursorArg,
    /// Cursor of the last page: null, one to an empty page, or the one of the request
    #[arg(long, value_enum, default_value = "null", hide_short_help = true)]
    last_page: LastPageArg,
    /// Make `next_link` name another host
    #[arg(long, hide_short_help = true)]
    foreign_links: bool,
    /// Ignore the filter by type, and serve sign-ins too
    #[arg(long, hide_short_help = true)]
    ignore_type_filter: bool,
    /// Lifetime of a token
    #[arg(long, value_name = "DURATION", default_value = "10h")]
    #[arg(value_parser = super::text::span)]
    token_lifetime: Duration,
    /// Calls per hour at most
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    calls_per_hour: u32,
    /// Status of a call beyond the hourly limit
    #[arg(long, value_enum, default_value = "429", hide_short_help = true)]
    over_limit: OverLimitArg,
}

/// Flags of the legacy API.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Legacy API")]
struct LegacyApi {
    /// Use the id of the app as the id of a record, so that ids repeat
    #[arg(long, hide_short_help = true)]
    ids_of_apps: bool,
    /// Records per answer at most; the rest is left out without a notice
    #[arg(long, value_name = "N")]
    cap: Option<u64>,
    /// Announce the end of the API in every answer
    #[arg(long, hide_short_help = true)]
    deprecation: bool,
}

/// A list of faults. It is a type of its own, because clap takes a `Vec` for repeated flags.
#[derive(Debug, Clone)]
struct Faults(Vec<Fault>);

/// A list of faults with their endpoints.
#[derive(Debug, Clone)]
struct FaultsAt(Vec<(Endpoint, Fault)>);

#[derive(Debug, Clone, Copy, ValueEnum)]
enum HistoryArg {
    Flat,
    Story,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum BoundsArg {
    Inclusive,
    HalfOpen,
    Exclusive,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OrderArg {
    Ascending,
    Descending,
    Shuffled,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum EventFormArg {
    Modern,
    Odd,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum CursorArg {
    Keyset,
    PageNumber,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LastPageArg {
    Null,
    Empty,
    Repeated,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OverLimitArg {
    #[value(name = "429")]
    Status429,
    #[value(name = "400")]
    BadRequest,
}

pub(super) async fn run(args: Args) -> Result<(), Failed> {
    let stop = stop::listen()?;
    let addr = SocketAddr::new(args.host, args.port);
    let simulator = Simulator::start(addr, config(&args))
        .with_context(|| {
            format!("cannot listen on {addr}; if the port is in use, --port 0 takes a free one")
        })
        .map_err(|error| Failed::new(Exit::Configuration, error))?;
    simulator.fail_next(args.faults.map_or(Vec::new(), |faults| faults.0));
    for (endpoint, fault) in args.faults_at.map_or(Vec::new(), |faults| faults.0) {
        simulator.fail_next_at(endpoint, [fault]);
    }
    let usual = Config::default();
    print_line(&format!(
        "a simulated OneLogin listens on {}, its clock starts at {}; ONELOGIN_CLIENT_ID is {}, \
         ONELOGIN_CLIENT_SECRET is {} and ONELOGIN_API_KEY is {} unless you set them",
        simulator.url(),
        time(Some(simulator.now())),
        usual.client_id,
        usual.client_secret,
        usual.key,
    ));
    simulator
        .serve_until(async {
            stop.await;
        })
        .await;
    Ok(())
}

fn config(args: &Args) -> Config {
    let usual = Config {
        seed: args.seed,
        history: match args.history {
            HistoryArg::Flat => History::Flat,
            HistoryArg::Story => History::Story,
        },
        failures: args.failures,
        people: args.people,
        days: args.days,
        now: args.now.unwrap_or_else(|| Utc::now().trunc_subsecs(0)),
        ticking: !args.frozen,
        late_records: args.late_records,
        bad_records: args.bad_records,
        bounds: match args.bounds {
            BoundsArg::Inclusive => Bounds::Inclusive,
            BoundsArg::HalfOpen => Bounds::HalfOpen,
            BoundsArg::Exclusive => Bounds::Exclusive,
        },
        order: match args.order {
            OrderArg::Ascending => Order::Ascending,
            OrderArg::Descending => Order::Descending,
            OrderArg::Shuffled => Order::Shuffled,
        },
        gzip: args.gzip,
        date: args.date.unwrap_or_default(),
        ..Config::default()
    };
    args.legacy.config(args.current.config(usual))
}

impl CurrentApi {
    fn config(&self, usual: Config) -> Config {
        Config {
            client_id: set_or("ONELOGIN_CLIENT_ID", usual.client_id),
            client_secret: set_or("ONELOGIN_CLIENT_SECRET", usual.client_secret),
            token_lifetime: self.token_lifetime,
            successes: self.successes,
            resolved_events: self.resolved_events,
            deleted_people: self.deleted_people,
            page: self.page,
            event_form: match self.events_form {
                EventFormArg::Modern => EventForm::Modern,
                EventFormArg::Odd => EventForm::Odd,
            },
            cursor: match self.cursor {
                CursorArg::Keyset => Cursor::Keyset,
                CursorArg::PageNumber => Cursor::PageNumber,
            },
            last_page: match self.last_page {
                LastPageArg::Null => LastPage::NullCursor,
                LastPageArg::Empty => LastPage::EmptyWithCursor,
                LastPageArg::Repeated => LastPage::RepeatedCursor,
            },
            foreign_links: self.foreign_links,
            ignores_type_filter: self.ignore_type_filter,
            calls_per_hour: self.calls_per_hour,
            over_limit: match self.over_limit {
                OverLimitArg::Status429 => OverLimit::Status429,
                OverLimitArg::BadRequest => OverLimit::BadRequest,
            },
            ..usual
        }
    }
}

impl LegacyApi {
    fn config(&self, usual: Config) -> Config {
        Config {
            key: set_or("ONELOGIN_API_KEY", usual.key),
            ids: if self.ids_of_apps { Ids::OfTheApp } else { Ids::OfTheFailure },
            cap: self.cap,
            deprecation: self.deprecation,
            ..usual
        }
    }
}

/// The value from the environment or from the file that it names, else the usual one.
fn set_or(name: &str, usual: String) -> String {
    secret::read(name).map_or(usual, |set| set.expose_secret().to_owned())
}

fn date_header(text: &str) -> Result<DateHeader, String> {
    if text == "absent" {
        return Ok(DateHeader::Absent);
    }
    let (side, by) = text.split_once(':').ok_or("write ahead:1h, behind:1h or absent")?;
    let by = super::text::span(by)?;
    match side {
        "ahead" => Ok(DateHeader::Ahead(by)),
        "behind" => Ok(DateHeader::Behind(by)),
        _ => Err("write ahead:1h, behind:1h or absent".to_owned()),
    }
}

fn faults(text: &str) -> Result<Faults, String> {
    parse_faults(text).map(Faults).map_err(|error| error.to_string())
}

fn faults_at(text: &str) -> Result<FaultsAt, String> {
    parse_faults_at(text).map(FaultsAt).map_err(|error| error.to_string())
}
