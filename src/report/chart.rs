//! Bars of counts per day, as SVG.
//!
//! Own code instead of a library: those write colours and sizes into each shape, so that neither the dark
//! scheme, nor print, nor a narrow screen could change them.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::format;

/// Height of the picture in its own units; the page stretches it.
const HEIGHT: i64 = 1_000;

/// A bar per day. Its numbers are those of the `viewBox`: one unit across is a day.
pub(super) struct Chart {
    pub(super) days: i64,
    pub(super) height: i64,
    pub(super) bars: Vec<Bar>,
    /// The number at the top.
    pub(super) top: String,
    /// Half of it.
    pub(super) middle: String,
    pub(super) first: String,
    pub(super) last: String,
    /// The picture in a sentence.
    pub(super) summary: String,
}

pub(super) struct Bar {
    pub(super) x: i64,
    pub(super) y: i64,
    pub(super) height: i64,
    pub(super) title: String,
}

impl Chart {
    /// Draws counts between two days, both inclusive.
    pub(super) fn per_day(
        counts: &BTreeMap<NaiveDate, i64>,
        first: NaiveDate,
        last: NaiveDate,
    ) -> Self {
        let greatest = counts.iter().max_by_key(|(_, count)| **count);
        let total: i64 = counts.values().sum();
        let top = round_up(greatest.map_or(0, |(_, count)| *count));
        let bars = counts.iter().filter(|(_, count)| **count > 0).map(|(day, count)| {
            // A day with a failure is seen, however many another day has.
            let height = (count.saturating_mul(HEIGHT) / top).max(8);
            Bar {
                x: (*day - first).num_days(),
                y: HEIGHT - height,
                height,
                title: format!("{}: {}", format::day(*day), failures(*count)),
            }
        });
        let between = format!("from {} to {}", format::day(first), format::day(last));
        let summary = match greatest {
            Some((day, count)) if *count > 0 => format!(
                "{} {between}; the most on {}, {}",
                failures(total),
                format::day(*day),
                format::number(*count)
            ),
            _ => format!("No failures {between}"),
        };
        Self {
            days: (last - first).num_days().max(0) + 1,
            height: HEIGHT,
            bars: bars.collect(),
            top: format::number(top),
            middle: if top % 2 == 0 { format::number(top / 2) } else { String::new() },
            first: format::day(first),
            last: format::day(last),
            summary,
        }
    }
}

fn failures(n: i64) -> String {
    format::counted(n, "failure", "failures")
}

/// The next 1, 2 or 5 with zeros.
fn round_up(n: i64) -> i64 {
    let mut step: i64 = 1;
    loop {
        for factor in [1, 2, 5] {
            let rounded = step.saturating_mul(factor);
            if rounded >= n {
                return rounded;
            }
        }
        step = step.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_ends_at_a_round_number() {
        for (n, top) in [(0, 1), (1, 1), (2, 2), (3, 5), (6, 10), (99, 100), (101, 200), (201, 500)]
        {
            assert_eq!(round_up(n), top, "{n}");
        }
        assert_eq!(round_up(i64::MAX), i64::MAX);
    }

    #[test]
    fn a_bar_stands_at_its_day_and_is_as_high_as_its_count() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
        let counts = BTreeMap::from([(day(2), 5), (day(4), 10), (day(5), 0)]);

        let chart = Chart::per_day(&counts, day(1), day(5));

        let bars: Vec<_> = chart.bars.iter().map(|bar| (bar.x, bar.y, bar.height)).collect();
        assert_eq!(bars, [(1, 500, 500), (3, 0, 1_000)]);
        assert_eq!((chart.days, chart.top.as_str(), chart.middle.as_str()), (5, "10", "5"));
        assert_eq!(chart.bars[0].title, "2026-03-02: 5 failures");
        let summary = "15 failures from 2026-03-01 to 2026-03-05; the most on 2026-03-04, 10";
        assert_eq!(chart.summary, summary);
    }
}
