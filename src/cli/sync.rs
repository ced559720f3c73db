//! `sync`: flags and environment to a [`Job`], and its report to people and machines.

mod outcome;

use std::path::PathBuf;

use anyhow::anyhow;
use chrono::{DateTime, TimeDelta, Utc};
use clap::builder::NonEmptyStringValueParser;
use uuid::Uuid;

use super::connection::Connection;
use super::progress::Screen;
use super::{Failed, Format, stop, text};
use crate::exit::Exit;
use crate::model::Origin;
use crate::onelogin::Source;
use crate::onelogin::saved::Saved;
use crate::source::SourceKind;
use crate::store::{Access, Store};
use crate::sync::{self, Job, Report, Signal};
pub(super) use outcome::Outcome;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Your name for the OneLogin account; part of every key
    #[arg(long, env = "ONELOGIN_ACCOUNT", value_name = "NAME", default_value = "default")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    account: String,
    /// The API to read [default: by the credentials present; events if both]
    ///
    /// The credentials of events are in `ONELOGIN_CLIENT_ID` and `ONELOGIN_CLIENT_SECRET`, those of
    /// legacy in `ONELOGIN_API_KEY`; or each in a file that the same name with `_FILE` behind it
    /// names, such as `ONELOGIN_API_KEY_FILE`.
    #[arg(long, env = "ONELOGIN_SOURCE", value_enum)]
    source: Option<SourceKind>,
    /// Load a saved file instead, and move no mark: an array of the legacy API, pages of the events
    /// API, or deliveries to a webhook as an array or line by line
    #[arg(long, value_name = "FILE", conflicts_with_all = ["since", "until"])]
    from_file: Option<PathBuf>,
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
    /// How far to begin behind it once a day, since events change after their creation; 0s for never
    #[arg(long, env = "ONELOGIN_RESCAN", value_name = "DURATION", default_value = "7d")]
    #[arg(value_parser = text::duration)]
    rescan: TimeDelta,
    /// How old what is known of a person may become before the users API is asked again, or never;
    /// for events
    #[arg(long, env = "ONELOGIN_REFRESH_PEOPLE", value_name = "DURATION", default_value = "7d")]
    #[arg(value_parser = refresh)]
    refresh_people: Refresh,
    /// New records that cannot be read are kept aside; with more of them, exit 65
    #[arg(long, env = "ONELOGIN_MAX_REJECTS", value_name = "N", default_value_t = 0)]
    max_rejects: u64,
    /// Whether rows keep the text of their records in the column raw
    #[arg(long, env = "ONELOGIN_RAW", value_enum, default_value = "keep")]
    raw: Raw,
    /// How many windows to read ahead of the one that is written
    #[arg(long, env = "ONELOGIN_PREFETCH", value_name = "N", default_value_t = 2)]
    #[arg(value_parser = clap::value_parser!(u32).range(..=100))]
    prefetch: u32,
    /// How to print the outcome
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Do not migrate: exit 78 when the schema is not up to date
    #[arg(long)]
    no_migrate: bool,
    /// How long a run that was killed keeps the next one out
    #[arg(long, env = "ONELOGIN_LEASE", value_name = "DURATION", default_value = "60s")]
    #[arg(value_parser = lease)]
    lease: TimeDelta,
    #[command(flatten)]
    connection: Connection,
}

/// What becomes of the text of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Raw {
    /// It is kept.
    Keep,
    /// It is left out; of a record that cannot be read it is kept all the same.
    None,
}

/// How old; none is never. A type of its own, or clap would take an `Option` for a flag that need not
/// be given.
#[derive(Debug, Clone, Copy)]
struct Refresh(Option<TimeDelta>);

pub(super) async fn run(args: Args, database_url: &str, screen: &Screen) -> Result<(), Failed> {
    let began = std::time::Instant::now();
    let run_id = Uuid::now_v7();
    let source = source(&args);
    let kind = match &source {
        Ok(source) => source.kind(),
        // The outcome has to name one.
        Err(_) => args.source.unwrap_or(SourceKind::Events),
    };
    let origin = Origin { account: args.account.clone(), source: kind };
    let attempted = match source {
        Ok(source) => attempt(&args, &origin, &source, run_id, database_url, screen).await,
        Err(failed) => Err(failed),
    };
    let outcome = match attempted {
        Ok(report) => Outcome::of_run(&origin, report, began.elapsed()),
        Err(failed) => Outcome::without_run(&origin, run_id, failed, began.elapsed()),
    };
    screen.clear();
    outcome.print(args.format);
    outcome.result
}

/// Opens the file or the API that the flags name; nothing is sent yet.
fn source(args: &Args) -> Result<Source, Failed> {
    check_span(args)?;
    let Some(path) = &args.from_file else { return args.connection.api(args.source) };
    Saved::open(path).map(Source::Saved).map_err(|error| {
        let error = sync::Error::Source(error.into());
        Failed::new(error.exit(), error)
    })
}

/// A run, or why there was none.
async fn attempt(
    args: &Args,
    origin: &Origin,
    source: &Source,
    run_id: Uuid,
    database_url: &str,
    screen: &Screen,
) -> Result<Report, Failed> {
    let stop = stop::listen()?;
    tokio::pin!(stop);
    let job = job(args, origin)?;
    let store = tokio::select! {
        store = open(database_url, args.no_migrate) => store?,
        signal = &mut stop => return Err(stopped(signal)),
    };
    screen.start();
    let report = sync::sync(&job, run_id, &store, source, &|p| screen.show(p), stop).await;
    store.close().await;
    Ok(report)
}

fn check_span(args: &Args) -> Result<(), Failed> {
    let usage = |text: &str| Failed::new(Exit::Usage, anyhow!("{text}"));
    if args.since.zip(args.until).is_some_and(|(since, until)| since >= until) {
        return Err(usage("--since must be before --until"));
    }
    // A day of grace: the server's clock may be ahead of ours.
    if args.since.is_some_and(|since| since > Utc::now() + TimeDelta::days(1)) {
        return Err(usage("--since is in the future"));
    }
    Ok(())
}

fn job(args: &Args, origin: &Origin) -> Result<Job, Failed> {
    Ok(Job {
        lease: args.lease,
        since: args.since,
        until: args.until,
        overlap: args.overlap,
        rescan: args.rescan,
        refresh_people: args.refresh_people.0,
        max_rejects: args.max_rejects,
        keep_raw: args.raw == Raw::Keep,
        prefetch: args.prefetch,
        ..Job::new(origin.clone(), args.connection.selected()?)
    })
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

fn refresh(text: &str) -> Result<Refresh, String> {
    match text {
        "never" => Ok(Refresh(None)),
        text => {
            text::duration(text).map(|age| Refresh(Some(age))).map_err(|e| format!("{e}, or never"))
        }
    }
}
