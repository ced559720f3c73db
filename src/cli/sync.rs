//! `sync`: flags and environment to a [`Job`], and its report to people and machines.

mod outcome;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use chrono::{DateTime, TimeDelta, Utc};
use tracing::Instrument;
use uuid::Uuid;

use super::connection::Connection;
use super::progress::Screen;
use super::{Failed, Format, help, stop, text};
use crate::error_rules::ErrorRules;
use crate::exit::Exit;
use crate::model::Origin;
use crate::onelogin::Source;
use crate::onelogin::saved::Saved;
use crate::redact::Outside;
use crate::source::SourceKind;
use crate::store::{Access, Database, Store};
use crate::sync::{self, Job, Report};
pub(super) use outcome::Outcome;

#[derive(Debug, clap::Args)]
#[command(after_help = help::after(&help::SYNC), after_long_help = help::after_long(&help::SYNC))]
pub(super) struct Args {
    /// Your name for the OneLogin account; part of every key
    #[arg(long, env = "ONELOGIN_ACCOUNT", value_name = "NAME", default_value = "default")]
    #[arg(value_parser = text::account)]
    account: String,
    /// API to read; without it the one whose credentials are set, events if both are
    #[arg(long, env = "ONELOGIN_SOURCE", value_enum)]
    source: Option<SourceKind>,
    /// Start of the span to read, instead of the watermark or, on the first run, 90 days back:
    /// 2026-01-31, 2026-01-31T08:00:00Z or 7d
    #[arg(long, value_name = "TIME", value_parser = text::instant)]
    since: Option<DateTime<Utc>>,
    /// End of the span to read, instead of the present by the server's clock
    #[arg(long, value_name = "TIME", value_parser = text::instant)]
    until: Option<DateTime<Utc>>,
    /// Saved file to load instead of an API; no watermark moves
    ///
    /// It holds an array of the legacy API, pages of the events API, or deliveries to a webhook, as
    /// an array or one per line.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["since", "until"])]
    from_file: Option<PathBuf>,
    /// The account has a new address: read another host than so far
    #[arg(long, hide_short_help = true, conflicts_with = "from_file")]
    moved: bool,
    /// Form of the outcome
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    rereading: Rereading,
    #[command(flatten)]
    loading: Loading,
}

/// Spans that are read again.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Re-reading")]
struct Rereading {
    /// Span to re-read in every run, to find failures that appear late; a busy account re-reads as much
    /// as a fifth of its calls allows
    #[arg(long, env = "ONELOGIN_OVERLAP", value_name = "DURATION", default_value = "24h")]
    #[arg(hide_short_help = true, value_parser = text::duration)]
    overlap: TimeDelta,
    /// Span to re-read once a day, because events can change after creation; 0s for never
    #[arg(long, env = "ONELOGIN_RESCAN", value_name = "DURATION", default_value = "8d")]
    #[arg(hide_short_help = true, value_parser = text::duration)]
    rescan: TimeDelta,
}

/// Ways to write, and who may meanwhile.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Loading")]
struct Loading {
    /// New rejected records to tolerate; with more of them the run exits 65, and all others are
    /// loaded
    #[arg(long, env = "ONELOGIN_MAX_REJECTS", value_name = "N", default_value_t = 0)]
    #[arg(hide_short_help = true)]
    max_rejects: u64,
    /// Text of the records in the column raw of their rows
    #[arg(long, env = "ONELOGIN_RAW", value_enum, default_value = "keep")]
    #[arg(hide_short_help = true)]
    raw: Raw,
    /// Age at which the details of a person are fetched again from the users API, or never; events
    /// API only
    #[arg(long, env = "ONELOGIN_REFRESH_PEOPLE", value_name = "DURATION", default_value = "7d")]
    #[arg(hide_short_help = true, value_parser = refresh)]
    refresh_people: Refresh,
    /// File with rules of your own for the classes of errors, which come before those in the binary
    #[arg(long, env = "ONELOGIN_ERROR_RULES", value_name = "FILE", hide_short_help = true)]
    error_rules: Option<PathBuf>,
    /// Do not migrate: exit 78 if the schema is not up to date
    #[arg(long, hide_short_help = true)]
    no_migrate: bool,
    /// Time for which a killed run keeps the next one out: 1s to 1d
    #[arg(long, env = "ONELOGIN_LEASE", value_name = "DURATION", default_value = "60s")]
    #[arg(hide_short_help = true, value_parser = lease)]
    lease: TimeDelta,
    /// Windows to read ahead of the one that is written
    #[arg(long, env = "ONELOGIN_PREFETCH", value_name = "N", default_value_t = 2)]
    #[arg(hide_short_help = true, value_parser = clap::value_parser!(u32).range(..=100))]
    prefetch: u32,
}

/// Limit of the last wait for the database when the run was stopped.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// Treatment of the text of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Raw {
    /// Keep it
    Keep,
    /// Leave it out, but for rejected records
    None,
}

/// Age at which a profile is requested again, or `None` for never. It is a type of its own because clap
/// treats an `Option` as a flag that may be absent.
#[derive(Debug, Clone, Copy)]
struct Refresh(Option<TimeDelta>);

pub(super) async fn run(
    args: Args,
    database: Result<Database, Failed>,
    screen: &Screen,
) -> Result<(), Failed> {
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
        Ok(source) => {
            let run = attempt(&args, &origin, &source, run_id, database, screen);
            run.instrument(sync::span(run_id, &origin)).await
        }
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

/// Opens the database and runs the job.
async fn attempt(
    args: &Args,
    origin: &Origin,
    source: &Source,
    run_id: Uuid,
    database: Result<Database, Failed>,
    screen: &Screen,
) -> Result<Report, Failed> {
    let database = database?;
    let stop = stop::listen()?;
    tokio::pin!(stop);
    let job = job(args, origin)?;
    let store = tokio::select! {
        store = open(&database, &origin.account, args.loading.no_migrate) => store?,
        signal = &mut stop => return Err(stop::stopped(signal)),
    };
    screen.start();
    let show = |progress| screen.show(progress);
    let report = Box::pin(sync::sync(&job, run_id, &store, source, &show, stop)).await;
    let closing = store.close();
    match report.result {
        Err(sync::Error::Stopped(_)) => drop(tokio::time::timeout(CLOSE_WITHIN, closing).await),
        _ => closing.await,
    }
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
        lease: args.loading.lease,
        moved: args.moved,
        since: args.since,
        until: args.until,
        overlap: args.rereading.overlap,
        rescan: args.rereading.rescan,
        refresh_people: args.loading.refresh_people.0,
        max_rejects: args.loading.max_rejects,
        keep_raw: args.loading.raw == Raw::Keep,
        prefetch: args.loading.prefetch,
        error_rules: Arc::new(error_rules(args.loading.error_rules.as_deref())?),
        ..Job::new(origin.clone(), args.connection.selected()?)
    })
}

/// Reads the user's rules for errors, if there is a file of them.
pub(super) fn error_rules(path: Option<&Path>) -> Result<ErrorRules, Failed> {
    let Some(path) = path else { return Ok(ErrorRules::built_in()) };
    let unusable = |what: String| {
        let error = anyhow!("the rules for errors in {} {what}", Outside(path.display()));
        Failed::new(Exit::Configuration, error)
    };
    let text = fs::read_to_string(path)
        .map_err(|error| unusable(format!("cannot be read: {}", Outside(error))))?;
    ErrorRules::with_own(&text).map_err(|error| unusable(format!("cannot be used: {error}")))
}

async fn open(database: &Database, account: &str, no_migrate: bool) -> Result<Store, Failed> {
    let access = if no_migrate { Access::Existing } else { Access::Create };
    let store = Store::open(database, access).await?;
    if !no_migrate {
        for migration in store.migrate().await? {
            tracing::info!(migration, "applied");
        }
    } else if let Some(migration) = store.pending().await?.first() {
        let error = anyhow!("the schema lacks {migration}: run `onelogin-sync migrate`");
        return Err(Failed::new(Exit::Configuration, error));
    }
    if store.lacks_fingerprints(account).await? {
        if no_migrate {
            let error = anyhow!(
                "the last migration of account {} is not finished: run `onelogin-sync migrate`",
                Outside(account)
            );
            return Err(Failed::new(Exit::Configuration, error));
        }
        store.rebuild(account).await?;
    }
    Ok(store)
}

/// A shorter lease could not be renewed in time; a longer one would keep the next run out for ever.
fn lease(text: &str) -> Result<TimeDelta, String> {
    let lease = text::duration(text)?;
    if (TimeDelta::seconds(1)..=TimeDelta::days(1)).contains(&lease) {
        Ok(lease)
    } else {
        Err("from 1s to 1d".to_owned())
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
