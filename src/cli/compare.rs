//! `compare`: the failures that only one of the two APIs has, before the migration.

use anyhow::anyhow;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use super::connection::Connection;
use super::text::{self, number, plural, print_line};
use super::{Failed, Format, help, stop};
use crate::exit::Exit;
use crate::redact::Outside;
use crate::store::{Access, Database, Store};
use crate::sync;
use crate::sync::compare::{Comparing, Comparison, Item, compare};

/// Differences that people are shown; machines are shown all.
const SHOWN: usize = 20;

#[derive(Debug, clap::Args)]
#[command(after_help = help::after(&help::COMPARE), after_long_help = help::after_long(&help::COMPARE))]
pub(super) struct Args {
    /// Your name for the OneLogin account; its API calls are counted under it
    #[arg(long, env = "ONELOGIN_ACCOUNT", value_name = "NAME", default_value = "default")]
    #[arg(value_parser = text::account)]
    account: String,
    /// Start of the span to compare: 2026-01-31 or 2026-01-31T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = text::instant)]
    since: DateTime<Utc>,
    /// End of the span to compare; leave failures some hours to appear in both
    #[arg(long, value_name = "TIME", value_parser = text::instant)]
    until: DateTime<Utc>,
    /// Largest difference between the two times of one failure
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = text::duration)]
    tolerance: TimeDelta,
    /// Address of the legacy API, if it differs from --base-url
    #[arg(long, env = "ONELOGIN_LEGACY_BASE_URL", value_name = "URL")]
    legacy_base_url: Option<String>,
    /// Form of the outcome
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(args: Args, database: &Database) -> Result<(), Failed> {
    let stop = stop::listen()?;
    let comparison = tokio::select! {
        comparison = read(&args, database) => comparison?,
        signal = stop => {
            let error = sync::Error::Stopped(signal);
            return Err(Failed::new(error.exit(), error));
        }
    };
    match args.format {
        Format::Json => print_line(&as_json(&comparison).to_string()),
        Format::Text => print(&comparison),
    }
    if comparison.is_equal() {
        return Ok(());
    }
    let only = (comparison.only_legacy.len() + comparison.only_events.len()) as u64;
    let unreadable = comparison.unreadable.iter().sum();
    let error = if unreadable > 0 {
        anyhow!(
            "{} could not be read, which may be among the {} that only one API seems to have; `sync` of either API \
             shows why in rejected_records",
            plural(unreadable, "record"),
            plural(only, "failure")
        )
    } else {
        anyhow!("the APIs differ: {} only one of them has", plural(only, "failure"))
    };
    Err(Failed::new(Exit::Rejects, error))
}

async fn read(args: &Args, database: &Database) -> Result<Comparison, Failed> {
    if args.since >= args.until {
        return Err(Failed::new(Exit::Usage, anyhow!("--since must be before --until")));
    }
    let comparing = Comparing {
        account: args.account.clone(),
        selected: args.connection.selected()?,
        since: args.since,
        until: args.until,
        tolerance: args.tolerance,
    };
    let legacy_url = args.legacy_base_url.as_deref().or(args.connection.base_url());
    let (legacy, events) = (args.connection.legacy(legacy_url)?, args.connection.events()?);
    // Calls are counted there, like those of the runs.
    let store = Store::open(database, Access::Create).await?;
    store.migrate().await?;
    let compared = compare(&comparing, &store, legacy, events).await;
    store.close().await;
    compared.map_err(|error| Failed::new(error.exit(), error))
}

fn print(comparison: &Comparison) {
    let Comparison { matched, under_another_app, unreadable, only_legacy, only_events } =
        comparison;
    let under = match under_another_app {
        0 => String::new(),
        n => format!(", {} of them under another app", number(*n)),
    };
    print_line(&format!("{} in both{under}", plural(*matched, "failure")));
    for (api, unreadable) in ["legacy", "events"].iter().zip(unreadable) {
        if *unreadable > 0 {
            print_line(&format!("{} of {api} could not be read", plural(*unreadable, "record")));
        }
    }
    for (api, only) in [("legacy", only_legacy), ("events", only_events)] {
        print_line(&format!("{} only in {api}", number(only.len() as u64)));
        for item in only.iter().take(SHOWN) {
            let id = |id: Option<i64>| id.map_or("-".to_owned(), |id| id.to_string());
            let app = Outside(item.app_name.as_deref().unwrap_or("-"));
            let Item { at, user_id, operation, source_id, .. } = item;
            print_line(&format!(
                "  {}  user {}  {}  {app}  id {}",
                at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
                id(*user_id),
                operation.as_str(),
                id(*source_id)
            ));
        }
        if only.len() > SHOWN {
            print_line(&format!(
                "  and {} more; --format json has all",
                number((only.len() - SHOWN) as u64)
            ));
        }
    }
}

fn as_json(comparison: &Comparison) -> Value {
    let items = |items: &[Item]| -> Vec<Value> {
        let item = |item: &Item| {
            json!({
                "created_at": item.at,
                "user_id": item.user_id,
                "operation": item.operation.as_str(),
                "app_name": item.app_name,
                "source_id": item.source_id,
            })
        };
        items.iter().map(item).collect()
    };
    json!({
        "matched": comparison.matched,
        "under_another_app": comparison.under_another_app,
        "unreadable_legacy": comparison.unreadable[0],
        "unreadable_events": comparison.unreadable[1],
        "only_legacy": items(&comparison.only_legacy),
        "only_events": items(&comparison.only_events),
    })
}
