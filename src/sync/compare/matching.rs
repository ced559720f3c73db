//! Which failures of two sources are the same. Pure.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{Failure, Operation, TextArena};
use crate::window::Window;

/// The fields that distinguish a failure of one source from others, without personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// Time of the failure.
    pub at: DateTime<Utc>,
    /// OneLogin's id of the user.
    pub user_id: Option<i64>,
    /// The operation that failed.
    pub operation: Operation,
    /// In which app.
    pub app_name: Option<String>,
    /// The source's own id.
    pub source_id: Option<i64>,
}

impl Item {
    pub(super) fn new(failure: &Failure, texts: &TextArena) -> Self {
        Self {
            at: failure.created_at,
            user_id: failure.person.as_ref().map(|person| person.user_id),
            operation: failure.operation,
            app_name: failure.app_name.map(|name| texts.get(name).to_owned()),
            source_id: failure.source_id,
        }
    }
}

/// The result of a comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Comparison {
    /// Failures that both have.
    pub matched: u64,
    /// The pairs whose app has a different name in each source.
    pub under_another_app: u64,
    /// Records of the legacy and of the events API that could not be read: any of them may be a failure that only
    /// the other seems to have.
    pub unreadable: [u64; 2],
    /// Failures that only the legacy API has, the oldest first.
    pub only_legacy: Vec<Item>,
    /// Failures that only the events API has, the oldest first.
    pub only_events: Vec<Item>,
}

impl Comparison {
    /// True if both sources are known to have the same failures.
    #[must_use]
    pub(crate) fn is_equal(&self) -> bool {
        self.unreadable == [0, 0] && self.only_legacy.is_empty() && self.only_events.is_empty()
    }
}

/// Pairs failures of one person and operation whose times are close, those of the same app before
/// others. What lies outside of the span was read for the sake of its edges only.
pub(super) fn compare(
    legacy: Vec<Item>,
    events: Vec<Item>,
    span: Window,
    tolerance: TimeDelta,
) -> Comparison {
    let mut comparison = Comparison::default();
    let mut groups: HashMap<(Option<i64>, Operation), [Vec<Item>; 2]> = HashMap::new();
    for (side, items) in [legacy, events].into_iter().enumerate() {
        for item in items {
            groups.entry((item.user_id, item.operation)).or_default()[side].push(item);
        }
    }
    for mut sides in groups.into_values() {
        for side in &mut sides {
            side.sort_by_key(|item| item.at);
        }
        let same_app = |one: &Item, other: &Item| one.app_name == other.app_name;
        comparison.matched += pair(&mut sides, tolerance, same_app);
        let unknown = |one: &Item, other: &Item| one.app_name.is_none() || other.app_name.is_none();
        comparison.matched += pair(&mut sides, tolerance, unknown);
        let others = pair(&mut sides, tolerance, |_, _| true);
        comparison.matched += others;
        comparison.under_another_app += others;
        let [legacy, events] = sides;
        comparison.only_legacy.extend(legacy);
        comparison.only_events.extend(events);
    }
    for only in [&mut comparison.only_legacy, &mut comparison.only_events] {
        only.retain(|item| (span.from..=span.to).contains(&item.at));
        only.sort_by_key(|item| (item.at, item.source_id));
    }
    comparison
}

/// Takes out pairs, each item in the order of time with the first that is close enough, which leaves
/// as few alone as can be. Returns how many pairs there were.
fn pair(
    [one, other]: &mut [Vec<Item>; 2],
    tolerance: TimeDelta,
    fits: impl Fn(&Item, &Item) -> bool,
) -> u64 {
    let before = one.len();
    one.retain(|item| {
        let close = |there: &&Item| (there.at - item.at).abs() <= tolerance;
        let found = other.iter().position(|there| close(&there) && fits(item, there));
        found.map(|at| other.remove(at)).is_none()
    });
    (before - one.len()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_000_000 + millis).unwrap()
    }

    fn item(millis: i64, user_id: i64, app: Option<&str>) -> Item {
        let app_name = app.map(str::to_owned);
        let (user_id, operation) = (Some(user_id), Operation::Suspend);
        Item { at: at(millis), user_id, operation, app_name, source_id: None }
    }

    fn one_each(legacy: &Item, events: &Item) -> (u64, u64, usize, usize) {
        compared(std::slice::from_ref(legacy), std::slice::from_ref(events))
    }

    fn compared(legacy: &[Item], events: &[Item]) -> (u64, u64, usize, usize) {
        let span = Window { from: at(-10_000), to: at(10_000) };
        let found = compare(legacy.to_vec(), events.to_vec(), span, TimeDelta::seconds(1));
        let (legacy, events) = (found.only_legacy.len(), found.only_events.len());
        (found.matched, found.under_another_app, legacy, events)
    }

    #[test]
    fn one_person_operation_and_second_are_one_failure() {
        let wiki = item(0, 7, Some("Wiki"));
        assert_eq!(one_each(&wiki, &item(999, 7, Some("Wiki"))), (1, 0, 0, 0));
        assert_eq!(one_each(&wiki, &item(1_000, 7, Some("Wiki"))), (1, 0, 0, 0));
        assert_eq!(one_each(&wiki, &item(1_001, 7, Some("Wiki"))), (0, 0, 1, 1));
        assert_eq!(one_each(&wiki, &item(0, 8, Some("Wiki"))), (0, 0, 1, 1));
        let deleted = Item { operation: Operation::Delete, ..wiki.clone() };
        assert_eq!(one_each(&wiki, &deleted), (0, 0, 1, 1));
    }

    #[test]
    fn the_apps_of_one_second_are_paired_by_name_and_each_once() {
        let apps = |names: [&str; 3]| names.map(|name| item(0, 7, Some(name)));
        assert_eq!(compared(&apps(["A", "B", "C"]), &apps(["C", "B", "A"])), (3, 0, 0, 0));
        assert_eq!(compared(&apps(["A", "B", "C"]), &apps(["C", "B", "X"])), (3, 1, 0, 0));
        assert_eq!(compared(&apps(["A", "A", "A"]), &apps(["A", "A", "A"])[..2]), (2, 0, 1, 0));
        assert_eq!(compared(&[item(0, 7, None)], &apps(["A", "B", "C"])), (1, 0, 0, 2));
    }

    #[test]
    fn what_lies_outside_of_the_span_is_nobodys_difference() {
        let edge = item(10_000, 7, None);
        assert_eq!(one_each(&edge, &item(10_500, 7, None)), (1, 0, 0, 0));
        assert_eq!(compared(&[], &[item(10_500, 7, None)]), (0, 0, 0, 0));
        assert_eq!(compared(&[edge], &[]), (0, 0, 1, 0));
    }
}
