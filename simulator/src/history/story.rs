//! The history with a story: chapters of 28 days with working days and weekends, each with an outage,
//! a limit of licences, a mapping error after a change, and leavers who keep their access.
//!
//! A chapter is a pure function of the seed, its number and the day on which it begins. It is made
//! when it is first read, and kept: 56 bytes per event.

mod calendar;
mod chapter;
mod errors;
mod plot;

use std::sync::{Arc, OnceLock};

use crate::config::Config;

use calendar::{CHAPTER, DAY};
pub(super) use chapter::Happening;
use chapter::{Chapter, Sizes};

/// The day of a chapter, from 0, on which the clock of a simulator starts: late in the month, so that
/// the month's story can be seen.
const DAY_OF_NOW: i64 = 25;
/// Chapters after the start of the clock: fifty years, more than any clock is advanced.
const LATER_CHAPTERS: i64 = 13 * 50;

/// The failures of a story, or its other events.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    story: Arc<Story>,
    kind: LineKind,
    /// Events of the first chapter that lie before the history begins.
    skipped: u64,
}

#[derive(Clone, Copy, Debug)]
enum LineKind {
    Failures,
    Others,
}

#[derive(Debug)]
struct Story {
    seed: u64,
    sizes: Sizes,
    /// The number of the first chapter. The clock starts in chapter 0.
    first: i64,
    /// The start of chapter 0, in Unix milliseconds.
    begins: i64,
    /// The start of the history, which lies in the first chapter. Unix milliseconds.
    history_begins: i64,
    chapters: Vec<OnceLock<Chapter>>,
}

/// The failures of the story that a configuration describes.
pub(super) fn failures(config: &Config) -> Line {
    let days = i64::from(config.days.max(1));
    let now = config.now.timestamp_millis();
    let begins = (now.div_euclid(DAY) - DAY_OF_NOW) * DAY;
    let history_begins = now - days * DAY;
    let first = (history_begins - begins).div_euclid(CHAPTER);
    let per_chapter = |count: u64| {
        let events = u128::from(count) * u128::from(CHAPTER.unsigned_abs());
        let chapters = u128::from((days * DAY).unsigned_abs());
        usize::try_from(events.div_ceil(chapters)).unwrap_or(usize::MAX)
    };
    let sizes = Sizes {
        people: u64::from(config.people()),
        failures: per_chapter(config.failures),
        others: if config.failures == 0 { 0 } else { per_chapter(config.successes()) },
    };
    let chapters = (first..=LATER_CHAPTERS).map(|_| OnceLock::new()).collect();
    let seed = config.seed;
    let story = Arc::new(Story { seed, sizes, first, begins, history_begins, chapters });
    Line::new(story, LineKind::Failures)
}

impl Line {
    fn new(story: Arc<Story>, kind: LineKind) -> Self {
        let mut line = Self { story, kind, skipped: 0 };
        if !line.is_empty() {
            let begins = line.story.history_begins;
            let first = line.chapter(0).unwrap_or_default();
            line.skipped = first.partition_point(|event| event.at < begins) as u64;
        }
        line
    }

    /// The other events of the same story: successes, and suspensions that were skipped.
    pub(super) fn others(&self) -> Self {
        Self::new(self.story.clone(), LineKind::Others)
    }

    /// The event with this index. After the last chapter it lies beyond all times.
    pub(super) fn get(&self, index: u64) -> Happening {
        self.find(index).copied().unwrap_or(Happening::BEYOND)
    }

    fn find(&self, index: u64) -> Option<&Happening> {
        let place = usize::try_from(index.checked_add(self.skipped)?).ok()?;
        let chapter = place.checked_div(self.length())?;
        self.chapter(chapter)?.get(place % self.length())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.length() == 0
    }

    /// A number of events that is not exceeded up to Unix second `at`.
    pub(super) fn most_through(&self, at: i64) -> u64 {
        let Story { first, begins, .. } = *self.story;
        let chapter = (at.saturating_mul(1000).saturating_sub(begins)).div_euclid(CHAPTER);
        let chapters = chapter.min(LATER_CHAPTERS).saturating_sub(first).saturating_add(1);
        let events = u64::try_from(chapters).unwrap_or(0).saturating_mul(self.length() as u64);
        events.saturating_sub(self.skipped)
    }

    /// Events of one chapter: the same number in each, so that an index names its chapter.
    fn length(&self) -> usize {
        match self.kind {
            LineKind::Failures => self.story.sizes.failures,
            LineKind::Others => self.story.sizes.others,
        }
    }

    fn chapter(&self, place: usize) -> Option<&[Happening]> {
        let story = &*self.story;
        let number = story.first + i64::try_from(place).ok()?;
        let chapter = story.chapters.get(place)?.get_or_init(|| {
            Chapter::new(story.seed, number, story.begins + number * CHAPTER, &story.sizes)
        });
        Some(match self.kind {
            LineKind::Failures => &chapter.failures,
            LineKind::Others => &chapter.others,
        })
    }
}
