//! `migrate`: the schema of the database, without a sync.

use std::path::PathBuf;

use anyhow::anyhow;

use super::status::never_synced;
use super::sync::error_rules;
use super::text::{plural, print_line};
use super::{Failed, help};
use crate::exit::Exit;
use crate::redact::Outside;
use crate::store::{Access, Database, Store};

#[derive(Debug, clap::Args)]
#[command(after_help = help::after(&help::MIGRATE), after_long_help = help::after_long(&help::MIGRATE))]
pub(super) struct Args {
    /// Change nothing: list the pending migrations, and exit 78 if there are any
    #[arg(long)]
    check: bool,
    /// Build twins, cases, error texts and counts per day again
    #[arg(long, conflicts_with = "check")]
    rebuild: bool,
    /// Account to build again; without it all of them
    #[arg(long, value_name = "NAME", requires = "rebuild")]
    account: Option<String>,
    /// File with rules of your own for the classes of errors, as `sync` has it
    #[arg(long, env = "ONELOGIN_ERROR_RULES", value_name = "FILE", hide_short_help = true)]
    error_rules: Option<PathBuf>,
}

pub(super) async fn run(args: Args, database: &Database) -> Result<(), Failed> {
    let access = if args.check { Access::Read } else { Access::Create };
    let store = Store::open(database, access).await?;
    let outcome = if args.check { check(&store).await } else { migrate(&args, &store).await };
    store.close().await;
    outcome
}

/// Lists what `migrate` would do.
async fn check(store: &Store) -> Result<(), Failed> {
    let migrations = store.pending().await?;
    for migration in &migrations {
        print_line(&format!("pending {migration}"));
    }
    if !migrations.is_empty() {
        let pending = plural(migrations.len() as u64, "migration");
        let error = anyhow!("{pending} pending; run `onelogin-sync migrate` or `sync`");
        return Err(Failed::new(Exit::Configuration, error));
    }
    for account in store.accounts().await? {
        if store.lacks_fingerprints(&account).await? {
            let error = anyhow!(
                "the last migration of account {} is not finished; run `onelogin-sync migrate`",
                Outside(&account)
            );
            return Err(Failed::new(Exit::Configuration, error));
        }
    }
    print_line("the schema is up to date");
    Ok(())
}

async fn migrate(args: &Args, store: &Store) -> Result<(), Failed> {
    let migrations = store.migrate().await?;
    for migration in &migrations {
        print_line(&format!("applied {migration}"));
    }
    if migrations.is_empty() {
        print_line("the schema is up to date");
    }
    store.make_indexes().await?;
    let accounts = store.accounts().await?;
    if let Some(only) = args.account.as_ref().filter(|only| !accounts.contains(only)) {
        return Err(never_synced(only, accounts));
    }
    let rules = error_rules(args.error_rules.as_deref())?;
    for account in accounts {
        if args.rebuild && args.account.as_ref().is_none_or(|only| *only == account) {
            store.begin_rebuild(&account).await?;
        }
        if store.rebuild(&account).await? {
            store.classify_errors(&account, &rules).await?;
            tracing::info!(account = %Outside(&account), "cases and counts are complete");
        }
    }
    Ok(())
}
