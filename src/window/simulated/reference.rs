//! Limits of what each account and schedule costs, and of the time until late rows are found: a table that another
//! program simulated for this policy. It may be missed by a tenth.

use super::account::{HOUR, MINUTE};
use super::tables::{Cell, SCHEDULES};

const NEVER: f64 = f64::INFINITY;

/// Factor by which a limit may be missed.
const TENTH: f64 = 1.1;
/// Calls per page of a backfill.
const RATIO: f64 = 1.02;
/// Calls of an hour that may re-read; a daily run has those of a day, as far as an hour has them.
const AGAIN: f64 = 500.0;
const AGAIN_DAILY: f64 = 1_901.0;
/// Time that may be unread at the end of 99 of 100 runs.
const LAG: f64 = 32.0 * MINUTE;
/// Hours of a backfill for each account, with the longest of the schedules but the daily one.
const BACKFILL: [f64; 7] = [0.0, 0.1, 3.2, 41.0, 227.0, 1_345.0, 640.0 * 24.0];

/// Pages per day; then for each schedule, if it keeps up, calls per hour, and the longest of 150 delays in hours of
/// failures that are late by up to an hour, a day and a week, and of those that change. `NEVER`: some are not found.
///
/// A daily run of 100 or 1,000 pages per day makes more calls than there, and finds more: a re-reading whose rest has
/// become too old begins again in the same run, and not in the next one.
type Limits = (f64, [Option<(f64, [f64; 4])>; 4]);

const LIMITS: [Limits; 7] = [
    (
        1.0,
        [
            Some((44.0, [0.1, 0.1, 23.0, 23.0])),
            Some((15.0, [0.25, 0.25, 23.0, 23.0])),
            Some((4.0, [1.0, 1.0, 23.0, 23.0])),
            Some((0.45, [23.8, 23.6, 23.7, 24.0])),
        ],
    ),
    (
        10.0,
        [
            Some((153.0, [0.1, 0.1, 23.0, 23.0])),
            Some((53.0, [0.25, 0.25, 23.0, 23.0])),
            Some((16.0, [1.0, 1.0, 23.0, 23.0])),
            Some((4.2, [23.8, 23.7, 23.7, 24.0])),
        ],
    ),
    (
        100.0,
        [
            Some((503.0, [0.17, 0.68, 25.4, 23.0])),
            Some((376.0, [0.3, 0.68, 22.5, 23.0])),
            Some((137.0, [1.02, 1.0, 23.7, 23.0])),
            Some((33.0, [23.8, 23.7, 47.2, 47.5])),
        ],
    ),
    (
        1_000.0,
        [
            Some((554.0, [6.0, 52.8, 52.8, 48.0])),
            Some((536.0, [5.1, 52.8, 52.8, 48.0])),
            Some((465.0, [1.7, 52.8, 52.8, 48.0])),
            Some((84.0, [23.9, 165.6, NEVER, NEVER])),
        ],
    ),
    (
        5_000.0,
        [
            Some((722.0, [13.4, 52.8, 52.8, 60.0])),
            Some((708.0, [12.3, 55.2, 52.8, 52.8])),
            Some((675.0, [11.8, 47.7, 50.4, 62.4])),
            None,
        ],
    ),
    (
        20_000.0,
        [
            Some((1_282.0, [23.5, NEVER, NEVER, NEVER])),
            Some((1_261.0, [23.9, NEVER, NEVER, NEVER])),
            Some((1_213.0, [NEVER, NEVER, NEVER, NEVER])),
            None,
        ],
    ),
    (
        48_000.0,
        [
            Some((2_197.0, [NEVER, NEVER, NEVER, NEVER])),
            Some((2_174.0, [NEVER, NEVER, NEVER, NEVER])),
            Some((2_089.0, [NEVER, NEVER, NEVER, NEVER])),
            None,
        ],
    ),
];

/// The figures of a cell that are above their limits.
pub(super) fn faults(cell: &Cell) -> Vec<String> {
    let account = LIMITS.iter().position(|(per_day, _)| per_day.total_cmp(&cell.per_day).is_eq());
    let account = account.expect("each account has limits");
    let schedule = SCHEDULES.iter().position(|schedule| *schedule == cell.schedule);
    let is_daily = cell.schedule == SCHEDULES[3];
    let mut checks = Vec::new();
    if !is_daily {
        let hours = cell.backfill.hours.unwrap_or(90.0 / cell.backfill.gain.max(0.0) * 24.0);
        checks.push(("hours of a backfill".to_owned(), hours, BACKFILL[account] + 0.1));
    }
    checks.push(("calls per page".to_owned(), cell.backfill.ratio, RATIO / TENTH));
    let most_again = if is_daily { AGAIN_DAILY } else { AGAIN };
    checks.push(("of re-reading in one hour".to_owned(), cell.steady.most_again, most_again));
    let limits = LIMITS[account].1[schedule.expect("one of the schedules")];
    if let Some((calls, hours)) = limits {
        checks.push(("s of lag".to_owned(), cell.steady.lag, LAG));
        checks.push(("calls per hour".to_owned(), cell.steady.calls, calls));
        for (kind, (late, hours)) in cell.steady.late.iter().zip(hours).enumerate() {
            checks.push((format!("hours, kind {kind}"), late.of_99_percent / HOUR, hours));
        }
    } else {
        assert!(is_daily && cell.never_arrives(), "{} keeps up", cell.per_day);
    }
    let name = format!("{} per day, {}", cell.per_day, cell.schedule.0);
    checks.retain(|(_, is, limit)| *is > limit * TENTH);
    let fault = |(what, is, limit)| format!("{name}: {is:.3} {what}, and {limit} at most");
    checks.into_iter().map(fault).collect()
}
