//! An account of OneLogin: how many pages of events lie where, and the calls of an hour.

use std::collections::VecDeque;

pub(super) const MINUTE: f64 = 60.0;
pub(super) const HOUR: f64 = 3_600.0;
pub(super) const DAY: f64 = 86_400.0;
/// Calls of the account, for all programs.
const SERVER: f64 = 5_000.0;
/// Calls that other programs make in an hour.
const OTHERS: f64 = 2_500.0;
/// Share of failures among events.
pub(super) const FAILING: f64 = 0.15;

/// Activity by the hour of the day.
const HOURS: [f64; 24] = [
    0.25, 0.2, 0.2, 0.2, 0.25, 0.4, 0.8, 1.4, 2.2, 2.4, 2.2, 2.0, 1.6, 1.9, 2.1, 2.0, 1.7, 1.2,
    0.8, 0.6, 0.5, 0.45, 0.4, 0.3,
];

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Order {
    Ascending,
    Descending,
    Random,
}

/// The properties of an account.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub per_day: f64,
    pub days: f64,
    /// As much at night and on Sundays as at any other time.
    pub is_flat: bool,
    /// Begin, length and factor of times with more events.
    pub bursts: Vec<(f64, f64, f64)>,
    /// Share of the events that come in batches of one minute.
    pub batches: f64,
    pub order: Order,
    pub seed: u64,
}

impl Shape {
    pub(super) fn new(per_day: f64, days: f64) -> Self {
        let (bursts, order) = (Vec::new(), Order::Ascending);
        Self { per_day, days, is_flat: false, bursts, batches: 0.0, order, seed: 1 }
    }
}

/// Pages by time, minute by minute.
pub(super) struct Account {
    sum: Vec<f64>,
    pub order: Order,
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "minutes of some years"
)]
fn index(minutes: f64) -> usize {
    minutes.max(0.0) as usize
}

impl Account {
    pub(super) fn new(shape: &Shape) -> Self {
        let mut random = fastrand::Rng::with_seed(shape.seed);
        let minutes = index(shape.days * DAY / MINUTE);
        let scale = HOURS.iter().sum::<f64>() / 24.0;
        let mut rates: Vec<f64> = (0..minutes)
            .map(|minute| {
                let hour = minute / 60;
                let activity = if shape.is_flat {
                    1.0
                } else {
                    HOURS[hour % 24] / scale * if hour / 24 % 7 < 5 { 1.26 } else { 0.35 }
                };
                // Two uniform numbers make a normal one.
                let normal = (-2.0 * random.f64().max(1e-12).ln()).sqrt()
                    * (std::f64::consts::TAU * random.f64()).cos();
                activity * shape.per_day / 1_440.0 * (0.5 * normal - 0.125).exp()
            })
            .collect();
        for (begin, length, factor) in &shape.bursts {
            let (first, last) = (index(begin / MINUTE), index((begin + length) / MINUTE));
            for rate in &mut rates[first.min(minutes)..last.min(minutes)] {
                *rate *= factor;
            }
        }
        if shape.batches > 0.0 {
            for rate in &mut rates {
                *rate *= 1.0 - shape.batches;
            }
            let mut minute = 0;
            while minute < minutes {
                rates[minute] += shape.per_day * shape.batches * 7.0 / 24.0;
                minute += index((5.0 + 4.0 * random.f64()) * 60.0);
            }
        }
        let mut sum = vec![0.0];
        for rate in rates {
            sum.push(sum[sum.len() - 1] + rate);
        }
        Self { sum, order: shape.order }
    }

    /// Pages up to a time.
    #[expect(clippy::cast_precision_loss, reason = "minutes of some years")]
    pub(super) fn up_to(&self, time: f64) -> f64 {
        let minutes = (time / MINUTE).clamp(0.0, (self.sum.len() - 1) as f64 - 1e-6);
        let minute = index(minutes);
        self.sum[minute] + (self.sum[minute + 1] - self.sum[minute]) * (minutes - minute as f64)
    }

    /// The time at which this number of pages had come.
    #[expect(clippy::cast_precision_loss, reason = "minutes of some years")]
    pub(super) fn at(&self, pages: f64) -> f64 {
        let after = self.sum.partition_point(|sum| *sum <= pages);
        let minute = after.clamp(1, self.sum.len() - 1) - 1;
        let held = self.sum[minute + 1] - self.sum[minute];
        let part = if held > 0.0 { (pages - self.sum[minute]) / held } else { 0.0 };
        (minute as f64 + part) * MINUTE
    }

    /// Pages of a window. A second more at its beginning is requested, too.
    pub(super) fn pages(&self, from: f64, to: f64) -> f64 {
        (self.up_to(to) - self.up_to(from - 1.0)).max(0.0)
    }

    /// The time that the first page of a window spans.
    pub(super) fn first_page(&self, from: f64, to: f64) -> f64 {
        let (low, high) = (self.up_to(from - 1.0), self.up_to(to));
        let page = (high - low).min(1.0);
        match self.order {
            Order::Ascending => self.at(low + page) - self.at(low),
            Order::Descending => self.at(high) - self.at(high - page),
            Order::Random => to - from,
        }
    }
}

/// The purpose of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    New,
    Again,
    Token,
}

/// The calls of the last hour, and of every hour.
pub(super) struct Calls {
    pub per_hour: f64,
    recent: VecDeque<(f64, f64)>,
    /// The sum of the recent ones.
    of_last_hour: f64,
    /// Calls for each purpose, in each hour.
    pub by_hour: Vec<[f64; 3]>,
}

impl Calls {
    pub(super) fn new(per_hour: f64) -> Self {
        Self { per_hour, recent: VecDeque::new(), of_last_hour: 0.0, by_hour: Vec::new() }
    }

    /// Counts calls of a run, from its beginning but no more than ten minutes before.
    pub(super) fn add(&mut self, (began, now): (f64, f64), what: What, calls: f64) {
        let counted = began.max(now - 10.0 * MINUTE);
        self.recent.push_back(((counted / MINUTE).floor() * MINUTE, calls));
        self.of_last_hour += calls;
        let hour = index(now / HOUR);
        self.by_hour.resize(self.by_hour.len().max(hour + 1), [0.0; 3]);
        self.by_hour[hour][what as usize] += calls;
    }

    /// Calls for a purpose.
    pub(super) fn total(&self, what: What) -> f64 {
        self.by_hour.iter().map(|hour| hour[what as usize]).sum()
    }

    /// Calls of our share, and of the server's as far as they are fewer.
    pub(super) fn left(&mut self, now: f64) -> (f64, f64) {
        while let Some((_, calls)) = self.recent.pop_front_if(|(at, _)| *at <= now - 59.0 * MINUTE)
        {
            self.of_last_hour -= calls;
        }
        let own = (self.per_hour - self.of_last_hour).max(0.0);
        let made = self.by_hour.get(index(now / HOUR)).map_or(0.0, |hour| hour.iter().sum::<f64>());
        let server = (SERVER - made - OTHERS * (now % HOUR) / HOUR).floor();
        (own, own.min(server).max(0.0))
    }

    /// The time at which more of our share is left.
    pub(super) fn more_at(&self) -> Option<f64> {
        self.recent.front().map(|(at, _)| at + 59.0 * MINUTE)
    }
}
