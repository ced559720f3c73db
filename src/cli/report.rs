//! `report`: one HTML file for people.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use chrono::{DateTime, SubsecRound, Utc};
use serde_json::json;
use tempfile::NamedTempFile;

use super::text::{self, number, plural, print_line, time};
use super::{Failed, Format, help, status};
use crate::exit::Exit;
use crate::redact::Outside;
use crate::report::{Heading, render};
use crate::store::report::{ReportRows, ReportSelection};
use crate::store::{Access, Database, Store};

#[derive(Debug, clap::Args)]
#[command(after_help = help::after(&help::REPORT), after_long_help = help::after_long(&help::REPORT))]
pub(super) struct Args {
    /// File to write, or to replace
    #[arg(long, value_name = "FILE", default_value = "onelogin-report.html")]
    out: PathBuf,
    /// First day: 2026-01-31 or 30d; 90 days before the end by default
    #[arg(long, value_name = "TIME", value_parser = text::instant)]
    since: Option<DateTime<Utc>>,
    /// End of the last day; the last scan by default
    #[arg(long, value_name = "TIME", value_parser = text::instant)]
    until: Option<DateTime<Utc>>,
    /// Account to show; without it all of them
    #[arg(long, env = "ONELOGIN_ACCOUNT", value_name = "NAME")]
    account: Option<String>,
    /// Leave out names, addresses, and texts that may name people
    #[arg(long)]
    no_people: bool,
    /// Form of the outcome
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) async fn run(args: Args, database: &Database) -> Result<(), Failed> {
    if let (Some(since), Some(until)) = (args.since, args.until)
        && since >= until
    {
        return Err(Failed::new(Exit::Usage, anyhow!("--since must be before --until")));
    }
    let file = resolve(&args.out).map_err(configuration)?;
    let store = Store::open(database, Access::Read).await?;
    let rows = read(&store, &args).await;
    store.close().await;
    let rows = rows?;
    let heading = Heading { made_at: Utc::now().trunc_subsecs(0), has_people: !args.no_people };
    let page = render(&rows, &heading).map_err(|error| Failed::new(Exit::Bug, error))?;
    replace(&file, &page)
        .with_context(|| format!("cannot write the report {}", Outside(file.display())))
        .map_err(configuration)?;
    tracing::debug!(bytes = page.len(), "report written");
    match args.format {
        Format::Json => print_line(&as_json(&args.out, &rows, page.len()).to_string()),
        Format::Text => print(&args.out, &rows),
    }
    Ok(())
}

async fn read(store: &Store, args: &Args) -> Result<ReportRows, Failed> {
    status::refuse_old_schema(store).await?;
    let selection = ReportSelection {
        account: args.account.clone(),
        since: args.since,
        until: args.until,
        has_people: !args.no_people,
    };
    let rows = store.report(&selection).await?;
    match &args.account {
        // A database that was just made is no error: its report is complete, and empty.
        Some(account) if rows.accounts.is_empty() && !rows.known_accounts.is_empty() => {
            Err(status::never_synced(account, rows.known_accounts))
        }
        _ => Ok(rows),
    }
}

/// The path of the file to replace. Anything but a file is refused: a rename would remove a device or a pipe.
fn resolve(out: &Path) -> Result<PathBuf, anyhow::Error> {
    let Ok(there) = fs::metadata(out) else { return Ok(out.to_owned()) };
    if !there.is_file() {
        return Err(anyhow!(
            "cannot write the report {}: it exists and is not a file; name another with --out",
            Outside(out.display())
        ));
    }
    // The file that a link leads to is replaced, and the link stays.
    Ok(fs::canonicalize(out).unwrap_or_else(|_| out.to_owned()))
}

/// Writes a file beside the old one, which only its owner can read, and renames it.
fn replace(file: &Path, page: &str) -> std::io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut new =
        NamedTempFile::with_prefix_in(".onelogin-report-", folder.unwrap_or(Path::new(".")))?;
    new.write_all(page.as_bytes())?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    Ok(())
}

fn configuration(error: anyhow::Error) -> Failed {
    Failed::new(Exit::Configuration, error)
}

fn print(out: &Path, rows: &ReportRows) {
    let count = |count: fn(&crate::store::report::LeaverCounts) -> i64| {
        number(rows.leavers.iter().map(count).sum::<i64>().unsigned_abs())
    };
    print_line(&format!(
        "{}: {} of {}, through {}; leavers who may still have access: {} open ({} overdue), {} unknown",
        Outside(out.display()),
        plural(failures(rows).unsigned_abs(), "failure"),
        plural(rows.accounts.len() as u64, "account"),
        time(rows.as_of),
        count(|l| l.open_cases),
        count(|l| l.open_overdue),
        count(|l| l.unknown_cases)
    ));
}

fn as_json(out: &Path, rows: &ReportRows, bytes: usize) -> serde_json::Value {
    let sum = |count: fn(&crate::store::report::LeaverCounts) -> i64| {
        rows.leavers.iter().map(count).sum::<i64>()
    };
    json!({
        "file": out.display().to_string(),
        "bytes": bytes,
        "accounts": rows.accounts,
        "as_of": rows.as_of,
        "first_day": rows.span.map(|span| span.first_day),
        "last_day": rows.span.map(|span| span.last_day),
        "failures": failures(rows),
        "outstanding_open": sum(|l| l.open_cases),
        "outstanding_overdue": sum(|l| l.open_overdue),
        "outstanding_unknown": sum(|l| l.unknown_cases),
    })
}

/// Failures of the days of the report.
fn failures(rows: &ReportRows) -> i64 {
    rows.days.iter().map(|day| day.failures).sum()
}
