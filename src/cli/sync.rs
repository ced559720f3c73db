//! `sync`: flags and environment to a [`Job`], and its report to people and machines.

mod outcome;

use std::time::Duration;

use anyhow::anyhow;
use chrono::{DateTime, TimeDelta, Utc};
use clap::ValueEnum;
use clap::builder::{BoolishValueParser, NonEmptyStringValueParser};
use uuid::Uuid;

use super::progress::Screen;
use super::{Failed, Format, secret, stop, text};
use crate::exit::Exit;
use crate::model::Origin;
use crate::onelogin::legacy::Legacy;
use crate::onelogin::retry::Policy;
use crate::onelogin::{ConfigError, Options};
use crate::store::{Access, Store};
use crate::sync::{self, Job, Report, Signal};
pub(super) use outcome::Outcome;

/// A first run without `--since` goes back so far.
const FIRST_RUN: TimeDelta = TimeDelta::days(90);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Your name for the OneLogin account; part of every key
    #[arg(long, env = "ONELOGIN_ACCOUNT", value_name = "NAME", default_value = "default")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    account: String,
    /// The API to read; its credentials are in `ONELOGIN_API_KEY`, or in a file that
    /// `ONELOGIN_API_KEY_FILE` names
    #[arg(long, env = "ONELOGIN_SOURCE", value_enum, default_value = "legacy")]
    source: Source,
    /// Where the API is
    #[arg(long, env = "ONELOGIN_BASE_URL", value_name = "URL")]
    #[arg(default_value = "https://api.onelogin.com")]
    base_url: String,
    /// Allow plain http to other machines; the credentials are then readable on the way
    #[arg(long, env = "ONELOGIN_ALLOW_HTTP", value_parser = BoolishValueParser::new())]
    allow_http: bool,
    /// Begin here instead of behind the mark: 2026-01-31 or 2026-01-31T08:00:00Z [first run: 90
    /// days back]
    #[arg(long, value_name = "TIME", value_parser = text::instant)]
    since: Option<DateTime<Utc>>,
    /// End here instead of at the server's now
    #[arg(long, value_name = "TIME", value_parser = text::instant)]
    until: Option<DateTime<Utc>>,
    /// How far behind the last scan to begin: failures that appear late are found so far back
    #[arg(long, env = "ONELOGIN_OVERLAP", value_name = "DURATION", default_value = "24h")]
    #[arg(value_parser = text::duration)]
    overlap: TimeDelta,
    /// New records that cannot be read are kept aside; with more of them, exit 65
    #[arg(long, env = "ONELOGIN_MAX_REJECTS", value_name = "N", default_value_t = 0)]
    max_rejects: u64,
    /// How to print the outcome
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Do not migrate: exit 78 when the schema is not up to date
    #[arg(long)]
    no_migrate: bool,
    #[command(flatten)]
    limits: Limits,
}

/// Limits that few need to change.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
struct Limits {
    /// On opening a connection
    #[arg(long, env = "ONELOGIN_CONNECT_TIMEOUT", value_name = "DURATION", default_value = "10s")]
    #[arg(value_parser = humantime::parse_duration)]
    connect_timeout: Duration,
    /// On the wait for the next byte
    #[arg(long, env = "ONELOGIN_READ_TIMEOUT", value_name = "DURATION", default_value = "60s")]
    #[arg(value_parser = humantime::parse_duration)]
    read_timeout: Duration,
    /// On one request as a whole
    #[arg(long, env = "ONELOGIN_REQUEST_TIMEOUT", value_name = "DURATION", default_value = "30m")]
    #[arg(value_parser = humantime::parse_duration)]
    request_timeout: Duration,
    /// Attempts at a window, the first included
    #[arg(long, env = "ONELOGIN_MAX_ATTEMPTS", value_name = "N", default_value_t = 8)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    max_attempts: u32,
    /// Time for all attempts at a window
    #[arg(long, env = "ONELOGIN_RETRY_FOR", value_name = "DURATION", default_value = "10m")]
    #[arg(value_parser = humantime::parse_duration)]
    retry_for: Duration,
    /// How long a run that was killed keeps the next one out
    #[arg(long, env = "ONELOGIN_LEASE", value_name = "DURATION", default_value = "60s")]
    #[arg(value_parser = lease)]
    lease: TimeDelta,
}

/// The APIs that can be read.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Source {
    /// `GET /api/v1/logins/failed_provisioning.json`
    Legacy,
}

pub(super) async fn run(args: Args, database_url: &str, screen: &Screen) -> Result<(), Failed> {
    let began = std::time::Instant::now();
    let origin = Origin { account: args.account.clone(), source: "legacy" };
    let run_id = Uuid::now_v7();
    let outcome = match attempt(&args, &origin, run_id, database_url, screen).await {
        Ok(report) => Outcome::of_run(&origin, report, began.elapsed()),
        Err(failed) => Outcome::without_run(&origin, run_id, failed, began.elapsed()),
    };
    screen.clear();
    outcome.print(args.format);
    outcome.result
}

/// A run, or why there was none.
async fn attempt(
    args: &Args,
    origin: &Origin,
    run_id: Uuid,
    database_url: &str,
    screen: &Screen,
) -> Result<Report, Failed> {
    let stop = stop::listen()?;
    tokio::pin!(stop);
    let job = job(args, origin)?;
    let source = source(args)?;
    let store = tokio::select! {
        store = open(database_url, args.no_migrate) => store?,
        signal = &mut stop => return Err(stopped(signal)),
    };
    screen.start();
    let report = sync::sync(&job, run_id, &store, &source, &|p| screen.show(p), stop).await;
    store.close().await;
    Ok(report)
}

fn job(args: &Args, origin: &Origin) -> Result<Job, Failed> {
    let usage = |text: &str| Failed::new(Exit::Usage, anyhow!("{text}"));
    if args.since.zip(args.until).is_some_and(|(since, until)| since >= until) {
        return Err(usage("--since must be before --until"));
    }
    // A day of grace: the server's clock may be ahead of ours.
    if args.since.is_some_and(|since| since > Utc::now() + TimeDelta::days(1)) {
        return Err(usage("--since is in the future"));
    }
    Ok(Job {
        origin: origin.clone(),
        owner: format!("{}:{}", gethostname::gethostname().to_string_lossy(), std::process::id()),
        lease: args.limits.lease,
        since: args.since,
        until: args.until,
        first_run: FIRST_RUN,
        overlap: args.overlap,
        max_rejects: args.max_rejects,
    })
}

fn source(args: &Args) -> Result<Legacy, Failed> {
    let Source::Legacy = args.source;
    let options = Options {
        base_url: args.base_url.clone(),
        allow_http: args.allow_http,
        connect_timeout: args.limits.connect_timeout,
        read_timeout: args.limits.read_timeout,
        request_timeout: args.limits.request_timeout,
        policy: Policy {
            max_attempts: args.limits.max_attempts,
            max_elapsed: args.limits.retry_for,
            ..Policy::default()
        },
    };
    let bad = |error: ConfigError| Failed::new(Exit::Configuration, error);
    Legacy::new(&options, secret::read("ONELOGIN_API_KEY")?).map_err(bad)
}

async fn open(database_url: &str, no_migrate: bool) -> Result<Store, Failed> {
    let access = if no_migrate { Access::Existing } else { Access::Create };
    let store = Store::open(database_url, access).await?;
    if !no_migrate {
        for migration in store.migrate().await? {
            tracing::info!(migration, "applied");
        }
    } else if let Some(migration) = store.pending().await?.first() {
        let error = anyhow!("the schema lacks {migration}: run `onelogin-sync migrate`");
        return Err(Failed::new(Exit::Configuration, error));
    }
    Ok(store)
}

fn stopped(signal: Signal) -> Failed {
    let error = sync::Error::Stopped(signal);
    Failed::new(error.exit(), error)
}

/// A shorter lease could not be renewed in time; a longer one would keep the next run out for ever.
fn lease(text: &str) -> Result<TimeDelta, String> {
    let lease = text::duration(text)?;
    if (TimeDelta::seconds(1)..=TimeDelta::days(1)).contains(&lease) {
        Ok(lease)
    } else {
        Err("from 1s to 1day".to_owned())
    }
}
