//! `status`: how far each account and source is synced.

use anyhow::anyhow;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::text::{self, age, number, plural, print_line, time};
use super::{Failed, Format, help};
use crate::exit::Exit;
use crate::redact::Outside;
use crate::store::{Access, Database, Health, RereadState, Store};

#[derive(Debug, clap::Args)]
#[command(after_help = help::after(&help::STATUS), after_long_help = help::after_long(&help::STATUS))]
pub(super) struct Args {
    /// Account to show; without it all of them
    #[arg(long, env = "ONELOGIN_ACCOUNT", value_name = "NAME")]
    account: Option<String>,
    /// Form of the outcome
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Age of an account's last scan above which the command exits 75
    #[arg(long, value_name = "DURATION", value_parser = text::duration)]
    max_age: Option<TimeDelta>,
}

pub(super) async fn run(args: Args, database: &Database) -> Result<(), Failed> {
    let store = Store::open(database, Access::Read).await?;
    let state = read(&store, args.account.as_deref()).await;
    store.close().await;
    let (health, rereads) = state?;
    match args.format {
        Format::Json => {
            let all = health.iter().map(|h| as_json(h, &rereads)).collect();
            print_line(&Value::Array(all).to_string());
        }
        Format::Text if health.is_empty() => print_line("no run yet"),
        Format::Text => health.iter().for_each(|h| print(h, &rereads)),
    }
    args.max_age.map_or(Ok(()), |max_age| refuse_stale(&health, max_age))
}

type State = (Vec<Health>, Vec<RereadState>);

async fn read(store: &Store, account: Option<&str>) -> Result<State, Failed> {
    refuse_old_schema(store).await?;
    let health = store.health(account).await?;
    match account {
        Some(account) if health.is_empty() => {
            let synced = store.health(None).await?.into_iter().map(|health| health.account);
            Err(never_synced(account, synced.collect()))
        }
        _ => Ok((health, store.rereads(account).await?)),
    }
}

/// Refuses a database whose schema is not the one of this program.
pub(super) async fn refuse_old_schema(store: &Store) -> Result<(), Failed> {
    let pending = store.pending().await?;
    if !pending.is_empty() {
        let error = anyhow!(
            "the schema is not up to date ({} pending); run `onelogin-sync migrate` or `sync`",
            plural(pending.len() as u64, "migration")
        );
        return Err(Failed::new(Exit::Configuration, error));
    }
    Ok(())
}

/// The spans of an account and source.
fn of<'a>(h: &'a Health, rereads: &'a [RereadState]) -> impl Iterator<Item = &'a RereadState> {
    rereads.iter().filter(|r| (&r.account, &r.source) == (&h.account, &h.source))
}

fn print_reread(r: &RereadState) {
    let part = if r.part_read < 1.0 {
        format!(", {:.0} % of it", 100.0 * r.part_read)
    } else {
        String::new()
    };
    let types =
        if r.is_failures_only { ", failures only: late successes are not found" } else { "" };
    let left = r.left.map_or(String::new(), |left| format!("; now at {}", time(Some(left.from))));
    print_line(&format!(
        "  {:<17}{}{part}{types}{left}",
        format!("{} re-read", r.span),
        time(Some(r.read_at))
    ));
}

/// The failure of a command that was given an unknown account. `synced` has the known ones, sorted.
pub(super) fn never_synced(account: &str, mut synced: Vec<String>) -> Failed {
    synced.dedup();
    let names: Vec<String> = synced.iter().map(|name| Outside(name).to_string()).collect();
    let others = match names.len() {
        0 => "no account was: run `onelogin-sync sync`".to_owned(),
        _ => format!("those that were: {}", names.join(", ")),
    };
    let error = anyhow!("account {} was never synced; {others}", Outside(account));
    Failed::new(Exit::Configuration, error)
}

fn refuse_stale(health: &[Health], max_age: TimeDelta) -> Result<(), Failed> {
    // A copy is as fresh as the freshest of its sources: after a migration from one API to the other,
    // the first stays where it was.
    let in_time = |h: &Health| h.scan_age_seconds.is_some_and(|age| age <= max_age.num_seconds());
    // A watermark in the future does not show the age of the copy.
    let fresh = |h: &Health| in_time(h) && !h.is_watermark_ahead;
    let of_fresh = |h: &Health| health.iter().any(|o| o.account == h.account && fresh(o));
    let error = match (health.first(), health.iter().find(|h| !of_fresh(h))) {
        (None, _) => anyhow!("nothing was ever scanned: run `onelogin-sync sync`"),
        (_, None) => return Ok(()),
        (_, Some(h)) if h.is_watermark_ahead => anyhow!(
            "account {}, source {}: the watermark {} lies ahead of the clock and is not believed; if the \
             clock is right, the next sync lowers it and reads again",
            Outside(&h.account),
            h.source,
            time(h.high_water_mark.max(h.scanned_through)),
        ),
        (_, Some(h)) => match h.scan_age_seconds {
            None => anyhow!(
                "account {}, source {}: never scanned: run `onelogin-sync sync`",
                Outside(&h.account),
                h.source,
            ),
            Some(seconds) => anyhow!(
                "account {}, source {}: last scanned {} ago, longer ago than {}; see its last run above, or run \
                 `onelogin-sync sync`",
                Outside(&h.account),
                h.source,
                age(seconds),
                age(max_age.num_seconds())
            ),
        },
    };
    Err(Failed::new(Exit::TryLater, error))
}

fn print(h: &Health, rereads: &[RereadState]) {
    let ago = |seconds: Option<i64>| {
        let past = seconds.filter(|seconds| *seconds >= 0);
        past.map_or(String::new(), |s| format!(" ({} ago)", age(s)))
    };
    print_line(&format!("account {}, source {}", Outside(&h.account), Outside(&h.source)));
    print_line(&format!(
        "  scanned through  {}{}",
        time(h.scanned_through),
        ago(h.scan_age_seconds)
    ));
    if h.is_watermark_ahead {
        print_line(
            "                   ahead of the clock: not believed, the next sync reads again",
        );
    }
    print_line(&format!(
        "  newest record    {}{}",
        time(h.high_water_mark),
        ago(h.mark_age_seconds)
    ));
    if let Some(run) = &h.last_run {
        let exit = run.exit_code.map_or(String::new(), |code| format!(", exit {code}"));
        print_line(&format!(
            "  last run         {}{exit}, began {}",
            run.status,
            time(Some(run.started_at))
        ));
        if let Some(error) = &run.error {
            print_line(&format!("                   {}", Outside(error)));
        }
    }
    if let Some(place) = &h.read_from {
        print_line(&format!("  read from        {}", Outside(place)));
    }
    of(h, rereads).for_each(print_reread);
    print_line(&format!(
        "  cases            {} open, {} unknown",
        number(h.unresolved.open.unsigned_abs()),
        number(h.unresolved.unknown.unsigned_abs())
    ));
    print_line(&format!("  open rejects     {}", number(h.open_rejects.unsigned_abs())));
}

fn as_json(h: &Health, rereads: &[RereadState]) -> Value {
    let rereads: Vec<Value> = of(h, rereads)
        .map(|r| {
            json!({
                "span": r.span,
                "read_at": r.read_at,
                "part_read": r.part_read,
                "is_failures_only": r.is_failures_only,
                "next_from": r.left.map(|left| left.from),
                "next_until": r.left.map(|left| left.to),
            })
        })
        .collect();
    json!({
        "account": h.account,
        "source": h.source,
        "high_water_mark": h.high_water_mark,
        "scanned_through": h.scanned_through,
        "mark_age_seconds": h.mark_age_seconds,
        "scan_age_seconds": h.scan_age_seconds,
        "last_run": h.last_run.as_ref().map(|run| json!({
            "run_id": run.run_id.to_string(),
            "status": run.status,
            "started_at": run.started_at,
            "finished_at": run.finished_at,
            "exit_code": run.exit_code,
            "error": run.error,
        })),
        "open_rejects": h.open_rejects,
        "open_cases": h.unresolved.open,
        "unknown_cases": h.unresolved.unknown,
        "read_from": h.read_from,
        "is_watermark_ahead": h.is_watermark_ahead,
        "rereads": rereads,
    })
}
