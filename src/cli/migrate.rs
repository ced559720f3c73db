//! `migrate`: the schema of the database, without a sync.

use anyhow::anyhow;

use super::text::{plural, print_line};
use super::{Failed, help};
use crate::exit::Exit;
use crate::store::{Access, Database, Store};

#[derive(Debug, clap::Args)]
#[command(after_help = help::after(&help::MIGRATE), after_long_help = help::after_long(&help::MIGRATE))]
pub(super) struct Args {
    /// Change nothing: list the pending migrations, and exit 78 if there are any
    #[arg(long)]
    check: bool,
}

pub(super) async fn run(args: Args, database: &Database) -> Result<(), Failed> {
    let access = if args.check { Access::Read } else { Access::Create };
    let store = Store::open(database, access).await?;
    let outcome = migrate(&args, &store).await;
    store.close().await;
    outcome
}

async fn migrate(args: &Args, store: &Store) -> Result<(), Failed> {
    let migrations = if args.check { store.pending().await? } else { store.migrate().await? };
    if migrations.is_empty() {
        print_line("the schema is up to date");
        return Ok(());
    }
    let verb = if args.check { "pending" } else { "applied" };
    for migration in &migrations {
        print_line(&format!("{verb} {migration}"));
    }
    if args.check {
        let pending = plural(migrations.len() as u64, "migration");
        let error = anyhow!("{pending} pending; run `onelogin-sync migrate` or `sync`");
        return Err(Failed::new(Exit::Configuration, error));
    }
    Ok(())
}
