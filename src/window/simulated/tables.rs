//! The tables of accounts and schedules, which docs/calls.md shows.
//!
//! `cargo test --lib simulated -- --nocapture` prints them, and `UPDATE_DOCS=1` before it writes the page.

use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::account::{DAY, HOUR, MINUTE, Shape};
use super::late::Delays;
use super::reference;
use super::runs::{Backfill, PER_HOUR, Steady, always, backfill, steady};

const PAGE: &str = "docs/calls.md";
/// Lines between which the tables stand.
const BOUNDS: [&str; 2] = ["<!-- tables -->\n", "<!-- end of tables -->\n"];
/// Pages per day, with the days that are watched after the beginning of a backfill of 90. Those who never catch up
/// are watched for some days, those who do to their end.
const ACCOUNTS: [(f64, f64); 7] = [
    (1.0, 1.0),
    (10.0, 1.0),
    (100.0, 5.0),
    (1_000.0, 70.0),
    (5_000.0, 12.0),
    (20_000.0, 60.0),
    (48_000.0, 5.0),
];
pub(super) const SCHEDULES: [(&str, f64); 4] =
    [("5 min", 5.0 * MINUTE), ("15 min", 15.0 * MINUTE), ("hourly", HOUR), ("daily", DAY)];
/// Days of a backfill, and days that are watched after one.
const BACKFILL: f64 = 90.0;
const STEADY: f64 = 28.0;

/// An account with a schedule.
pub(super) struct Cell {
    pub per_day: f64,
    pub schedule: (&'static str, f64),
    pub backfill: Backfill,
    pub steady: Steady,
}

impl Cell {
    fn new((per_day, watched): (f64, f64), schedule: (&'static str, f64)) -> Self {
        // An account of 48,000 in office hours would have more than an hour's calls on each weekday.
        let is_flat = per_day > 40_000.0;
        let shape = |days| Shape { is_flat, ..Shape::new(per_day, days) };
        let first = shape(BACKFILL + watched + 1.0);
        let backfill = backfill(&first, BACKFILL, schedule.1, PER_HOUR, always);
        let steady = steady(&shape(8.0 + STEADY), schedule.1);
        Self { per_day, schedule, backfill, steady }
    }

    /// True if it never reaches the present.
    pub(super) fn never_arrives(&self) -> bool {
        self.steady.lag > 2.0 * DAY
    }
}

/// Every account with every schedule, on all processors.
fn cells() -> Vec<Cell> {
    let next = AtomicUsize::new(0);
    // The long ones first.
    let places: Vec<usize> = (0..ACCOUNTS.len() * SCHEDULES.len()).rev().collect();
    let work = || {
        let mut done = Vec::new();
        while let Some(place) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (account, schedule) = (place / SCHEDULES.len(), place % SCHEDULES.len());
            done.push((*place, Cell::new(ACCOUNTS[account], SCHEDULES[schedule])));
        }
        done
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut cells = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().flat_map(|thread| thread.join().expect("it ends")).collect::<Vec<_>>()
    });
    cells.sort_by_key(|(place, _)| *place);
    cells.into_iter().map(|(_, cell)| cell).collect()
}

/// A number with separators of thousands.
fn count(number: f64) -> String {
    let digits = format!("{number:.0}");
    let (head, tail) = digits.split_at(digits.len().saturating_sub(3));
    if head.is_empty() { digits } else { format!("{head},{tail}") }
}

fn time(seconds: f64) -> String {
    match seconds {
        never if never.is_infinite() => "never".to_owned(),
        short if short < 100.0 * MINUTE => format!("{:.0} min", short / MINUTE),
        hours if hours < 2.0 * DAY => format!("{:.1} h", hours / HOUR),
        days if days < 100.0 * DAY => format!("{:.1} d", days / DAY),
        days => format!("{:.0} d", days / DAY),
    }
}

fn percent(part: f64) -> String {
    if part > 0.0 && part < 0.005 { "<1 %".to_owned() } else { format!("{:.0} %", part * 100.0) }
}

fn delays(of: &Delays) -> String {
    if of.median.is_infinite() {
        return format!("{} never", percent(of.never));
    }
    let (median, most) = (time(of.median), time(of.of_99_percent.min(of.longest)));
    let never =
        if of.never > 0.0 { format!(", {} never", percent(of.never)) } else { String::new() };
    format!("{median} / {most}{never}")
}

fn backfills(cells: &[Cell]) -> String {
    let mut table = String::from(
        "| pages per day | 5 min | 15 min | hourly | daily |\n|---:|---|---|---|---|\n",
    );
    for account in cells.chunks(SCHEDULES.len()) {
        let shown = account.iter().map(|Cell { backfill, .. }| {
            let hours = match (backfill.hours, backfill.gain) {
                (Some(hours), _) => time(hours * HOUR),
                (None, gain) if gain <= 0.0 => "never".to_owned(),
                (None, gain) => format!("about {}", time(BACKFILL / gain * DAY)),
            };
            format!("{hours}, {:.3}", backfill.ratio)
        });
        let shown: Vec<String> = shown.collect();
        let per_day = count(account[0].per_day);
        writeln!(table, "| {per_day} | {} |", shown.join(" | ")).expect("a text");
    }
    table
}

fn days_after(cells: &[Cell]) -> String {
    let mut table = String::from(
        "| pages per day | schedule | calls per hour | re-reading | lag | failures late < 1 h | 1 h to 1 d | 1 to 7 d | \
         changed within 7 d | successes late < 1 h | 1 h to 1 d | 1 to 7 d |\n\
         |---:|---|---:|---:|---|---|---|---|---|---|---|---|\n",
    );
    for cell in cells {
        let Steady { calls, again, lag, late, .. } = &cell.steady;
        let (per_day, schedule) = (count(cell.per_day), cell.schedule.0);
        let share = percent(again / calls);
        write!(table, "| {per_day} | {schedule} | {} | {again:.0}, {share} |", count(*calls))
            .expect("a text");
        if cell.never_arrives() {
            table.push_str(" never up to date | | | | | | | |\n");
            continue;
        }
        let late: Vec<String> = late.iter().map(delays).collect();
        writeln!(table, " {} | {} |", time(*lag), late.join(" | ")).expect("a text");
    }
    table
}

#[test]
fn the_tables_of_all_accounts_and_schedules_are_those_of_the_page() {
    let cells = cells();
    let tables = format!("{}\n{}", backfills(&cells), days_after(&cells));
    println!("{tables}");
    for cell in &cells {
        println!(
            "{} {}: most of re-reading in one hour {}",
            cell.per_day, cell.schedule.0, cell.steady.most_again
        );
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = std::fs::read_to_string(&path).expect(PAGE);
    let (before, rest) = page.split_once(BOUNDS[0]).expect("tables begin");
    let (shown, after) = rest.split_once(BOUNDS[1]).expect("tables end");
    let current = format!("{before}{}\n{tables}\n{}{after}", BOUNDS[0], BOUNDS[1]);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, current).expect(PAGE);
    } else {
        let update = "UPDATE_DOCS=1 cargo test --lib simulated";
        assert_eq!(shown.trim(), tables.trim(), "{PAGE} shows other tables; {update} writes it");
    }
    let faults: Vec<String> = cells.iter().flat_map(reference::faults).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
