//! `demo`: the simulator and the job in one process, with a database file in this folder.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs, io};

use anyhow::{Context, anyhow};
use chrono::{SubsecRound, Utc};
use tracing::Instrument;
use uuid::Uuid;

use super::progress::Screen;
use super::sync::Outcome;
use super::text::{number, print_line};
use super::{Failed, Format, stop};
use crate::exit::Exit;
use crate::model::Origin;
use crate::normalize::event_type::EventSelection;
use crate::onelogin::events::{Events, Query};
use crate::onelogin::{ConfigError, Options, Source};
use crate::store::{Access, Database, QUESTIONS, Store};
use crate::sync::{Job, span, sync};
use onelogin_simulator::{Config, Simulator};

const ACCOUNT: &str = "demo";
/// Calls per hour: enough for any number of demos.
const CALLS: u64 = 2_500;
/// Time between the two runs: it has working hours in it whenever it begins, and is less than the
/// day that a clock may be wrong by.
const BETWEEN: Duration = Duration::from_hours(20);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// SQLite file to create; the file of an earlier demo is replaced
    #[arg(long, value_name = "FILE", default_value = "demo.db")]
    file: PathBuf,
}

pub(super) async fn run(args: Args, screen: &Screen) -> Result<(), Failed> {
    let stop = stop::listen()?;
    tokio::select! {
        shown = show(&args, screen) => shown,
        signal = stop => {
            let error = crate::sync::Error::Stopped(signal);
            Err(Failed::new(error.exit(), error))
        }
    }
}

async fn show(args: &Args, screen: &Screen) -> Result<(), Failed> {
    let url = format!("sqlite:{}", args.file.display());
    remove_earlier_demo(&args.file, &url).await?;
    // The simulated time between the runs ends now.
    let config = Config::demo(Utc::now().trunc_subsecs(0) - BETWEEN);
    let onelogin = Simulator::start(([127, 0, 0, 1], 0).into(), config)
        .context("cannot serve the simulator on a free port")
        .map_err(|error| Failed::new(Exit::Bug, error))?;
    let store = Store::open(&Database::file(&url), Access::Create).await?;
    store.migrate().await?;

    let source = events(&onelogin)?;
    print_line(&format!("A simulated OneLogin listens on {}. The first run:", onelogin.url()));
    one_run(&source, &store, screen).await?;
    let first_end = onelogin.now();
    onelogin.advance(BETWEEN);
    print_line("\nTwenty hours later, the second run:");
    let second = one_run(&source, &store, screen).await?;
    let late = store.late(ACCOUNT, second, first_end).await?.unsigned_abs();
    print_line(&format!(
        "{} of them are older than the first run, but appeared only after it",
        number(late)
    ));

    print_line(&format!("\nRows in {}:", args.file.display()));
    for (table, rows) in store.table_sizes(ACCOUNT).await? {
        print_line(&format!("  {table:<24}{rows:>8}"));
    }
    for (question, query) in QUESTIONS {
        print_line(&format!("\n{question}\n\n{query}"));
        print_answer(&store, query).await?;
    }
    print_line(&format!(
        "\nNext:\n  {program} status --database-url {url}\n\n\
         With your OneLogin account, set ONELOGIN_CLIENT_ID and ONELOGIN_CLIENT_SECRET, and then:\n  \
         {program} sync\n\nAny SQLite tool opens {}. docs/questions.md has more questions.",
        args.file.display(),
        program = program(),
    ));
    store.close().await;
    Ok(())
}

/// The command that started this program, so that printed lines work where it is not installed.
fn program() -> String {
    let started = env::args().next().unwrap_or_else(|| "onelogin-sync".to_owned());
    if started.contains(char::is_whitespace) { format!("'{started}'") } else { started }
}

fn events(onelogin: &Simulator) -> Result<Source, Failed> {
    let selected = EventSelection::default();
    let types = selected.all();
    let query = Query { types, failures: selected.failures, limit: None, calls_per_hour: CALLS };
    let (id, secret) = (onelogin.client_id().into(), onelogin.client_secret().into());
    Events::new(&Options::new(onelogin.url()), id, secret, &query).map(Source::Events).map_err(bug)
}

fn bug(error: ConfigError) -> Failed {
    Failed::new(Exit::Bug, error)
}

/// Runs the job once, as `sync` would, and returns the id of the run.
async fn one_run(source: &Source, store: &Store, screen: &Screen) -> Result<Uuid, Failed> {
    let origin = Origin { account: ACCOUNT.to_owned(), source: source.kind() };
    let job = Job { owner: "demo".to_owned(), ..Job::new(origin, EventSelection::default()) };
    let began = Instant::now();
    screen.start();
    let never = std::future::pending();
    let run_id = Uuid::now_v7();
    let show = |progress| screen.show(progress);
    let run = sync(&job, run_id, store, source, &show, never);
    let report = run.instrument(span(run_id, &job.origin)).await;
    screen.clear();
    let outcome = Outcome::of_run(&job.origin, report, began.elapsed());
    outcome.print(Format::Text);
    outcome.result.map(|()| run_id)
}

/// Removes the files of an earlier demo, and no others.
async fn remove_earlier_demo(file: &Path, url: &str) -> Result<(), Failed> {
    let Ok(there) = fs::metadata(file) else { return Ok(()) };
    if there.len() > 0 && !is_demo(url).await {
        let error = anyhow!(
            "{} exists and is not from an earlier demo; choose another --file",
            file.display()
        );
        return Err(Failed::new(Exit::Usage, error));
    }
    for suffix in ["", "-wal", "-shm"] {
        let path = format!("{}{suffix}", file.display());
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let error = anyhow!(error).context(format!("cannot remove {path}"));
                return Err(Failed::new(Exit::Usage, error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Returns whether a file has the tables, and no account but the demo's.
async fn is_demo(url: &str) -> bool {
    let Ok(store) = Store::open(&Database::file(url), Access::Existing).await else { return false };
    let health = store.health(None).await;
    store.close().await;
    health.is_ok_and(|all| all.iter().all(|h| h.account == ACCOUNT))
}

/// Prints rows under the names of their columns, aligned.
async fn print_answer(store: &Store, query: &'static str) -> Result<(), Failed> {
    let answer = store.answer(query).await?;
    let widths: Vec<usize> = (0..answer.first().map_or(0, Vec::len))
        .map(|column| answer.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    for row in answer {
        let cells = row.iter().zip(&widths).map(|(value, width)| format!("{value:<width$}"));
        print_line(format!("  {}", cells.collect::<Vec<_>>().join("  ")).trim_end());
    }
    Ok(())
}
