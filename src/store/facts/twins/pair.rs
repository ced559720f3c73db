//! Which failures are twins, from those that are near to each other. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::TimeDelta;
use uuid::Uuid;

use crate::store::facts::event::Attempt;

/// Longest time between twins: the APIs were seen to differ by less than a second.
pub(super) const APART: TimeDelta = TimeDelta::seconds(1);
/// Failures that are tried to make room for one: more of one user, operation and second come from tests only.
const MOST_TRIED: usize = 100;

/// Pairs the failures of a group, in the order of time, and returns whose twin each is. Each failure has at
/// most one twin per source, and as many have one as can. Equal names of the app come first, then one without a name,
/// then a renamed app; and of several failures the one of the same second, because the legacy API cuts fractions off.
pub(super) fn pair(attempts: &[&Attempt]) -> Vec<Option<Uuid>> {
    // Sources are in the order of their names: events before legacy before webhook.
    let mut sources: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, attempt) in attempts.iter().enumerate() {
        sources.entry(&attempt.source).or_default().push(place);
    }
    let mut twin_of = vec![None; attempts.len()];
    let mut better: Vec<Vec<usize>> = Vec::new();
    for lesser in sources.into_values() {
        for better in &better {
            let open = |of: &[usize]| -> Vec<usize> {
                of.iter().copied().filter(|&place| twin_of[place].is_none()).collect()
            };
            let partners = partners(attempts, &open(&lesser), &open(better));
            for (other, own) in partners {
                twin_of[own] = Some(attempts[other].id);
            }
        }
        better.push(lesser);
    }
    twin_of
}

/// The failures of a lesser source for those of a better one, both as places in the order of time.
fn partners(attempts: &[&Attempt], lesser: &[usize], better: &[usize]) -> HashMap<usize, usize> {
    let at = |place: usize| attempts[place].at;
    let near = |own: usize| {
        let start = better.partition_point(|&other| at(own) - at(other) > APART);
        better[start..].iter().copied().take_while(move |&other| at(other) - at(own) <= APART)
    };
    let mut partners: HashMap<usize, usize> = HashMap::new();
    let mut alone: Vec<usize> = lesser.to_vec();
    for fits in [equal_names as Fits, one_name, any_names] {
        alone.retain(|&own| {
            let free = near(own).filter(|other| !partners.contains_key(other));
            let candidates = free.filter(|&other| fits(attempts[own], attempts[other]));
            let nearest = candidates.min_by_key(|&other| {
                (at(own).timestamp() != at(other).timestamp(), (at(own) - at(other)).abs())
            });
            nearest.is_none_or(|other| partners.insert(other, own).is_some())
        });
    }
    for own in alone {
        if partners.len() == better.len() {
            break;
        }
        make_room(own, &near, &mut partners, &mut HashSet::new());
    }
    partners
}

/// Finds a partner for a failure, although all that are near have one, if one of those can have another.
fn make_room<N: Iterator<Item = usize>>(
    own: usize,
    near: &impl Fn(usize) -> N,
    partners: &mut HashMap<usize, usize>,
    tried: &mut HashSet<usize>,
) -> bool {
    for other in near(own) {
        if tried.len() >= MOST_TRIED || !tried.insert(other) {
            continue;
        }
        let before = partners.get(&other).copied();
        if before.is_none_or(|before| make_room(before, near, partners, tried)) {
            partners.insert(other, own);
            return true;
        }
    }
    false
}

type Fits = fn(&Attempt, &Attempt) -> bool;

fn equal_names(a: &Attempt, b: &Attempt) -> bool {
    a.app.name.is_some() && a.app.name == b.app.name
}

fn one_name(a: &Attempt, b: &Attempt) -> bool {
    a.app.name.is_none() || b.app.name.is_none()
}

fn any_names(_: &Attempt, _: &Attempt) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;

    use super::*;
    use crate::model::Operation;
    use crate::store::facts::event::App;

    /// A failure of one user and operation: number, source, milliseconds, name of the app.
    fn attempt(&(n, source, ms, app): &(u128, &str, i64, &str)) -> Attempt {
        Attempt {
            id: Uuid::from_u128(n),
            source: source.into(),
            user_id: Some(7),
            operation: Operation::Suspend,
            is_skipped: false,
            app: App { id: None, name: (!app.is_empty()).then(|| Arc::from(app)) },
            at: DateTime::from_timestamp_millis(ms).expect("a time"),
            fingerprint: None,
            resolution: None,
            twin_of: None,
        }
    }

    /// The number of the failure that each of these is a twin of; 0 for none.
    fn paired(attempts: &[(u128, &str, i64, &str)]) -> Vec<u128> {
        let attempts: Vec<Attempt> = attempts.iter().map(attempt).collect();
        let twins = pair(&attempts.iter().collect::<Vec<_>>());
        twins.into_iter().map(|twin| twin.map_or(0, |id| id.as_u128())).collect()
    }

    #[test]
    fn twins_are_at_most_a_second_apart() {
        let of = |ms| paired(&[(1, "events", 0, "Wiki"), (2, "legacy", ms, "Wiki")]);
        assert_eq!([of(0), of(1_000), of(1_001)], [[0, 1], [0, 1], [0, 0]]);
        assert_eq!(paired(&[(2, "legacy", 0, "Wiki"), (1, "events", 1_000, "Wiki")]), [1, 0]);
        assert_eq!(paired(&[(1, "legacy", 0, "Wiki"), (2, "legacy", 0, "Wiki")]), [0, 0]);
    }

    #[test]
    fn twins_are_counted() {
        let two = [(1, "legacy", 0, "Wiki"), (2, "events", 0, "Wiki"), (3, "legacy", 0, "Wiki")];
        assert_eq!(paired(&two), [2, 0, 0]);
        let chain = [
            (1, "events", 0, "Wiki"),
            (2, "legacy", 900, "Wiki"),
            (3, "events", 1_800, "Wiki"),
            (4, "legacy", 1_900, "Wiki"),
        ];
        assert_eq!(paired(&chain), [0, 1, 0, 3]);
    }

    #[test]
    fn the_name_of_the_app_decides_only_between_several() {
        let renamed = [(1, "events", 0, "Wiki"), (2, "legacy", 0, "Wiki (old)")];
        assert_eq!(paired(&renamed), [0, 1]);
        let both = [
            (1, "events", 0, "Wiki"),
            (2, "events", 0, "Mail"),
            (3, "legacy", 0, "Mail"),
            (4, "legacy", 0, "Wiki"),
        ];
        assert_eq!(paired(&both), [0, 0, 2, 1]);
        let unnamed = [
            (1, "events", 0, "Wiki"),
            (2, "events", 0, ""),
            (3, "legacy", 0, "Mail"),
            (4, "legacy", 0, "Wiki"),
        ];
        assert_eq!(paired(&unnamed), [0, 0, 2, 1]);
    }

    /// Regression: the equal name took the only failure that the renamed app could be a twin of.
    #[test]
    fn a_renamed_app_does_not_double_though_another_failure_has_its_name() {
        let attempts = [
            (1, "legacy", 0, "Zed"),
            (2, "events", 200, "Wiki"),
            (3, "legacy", 1_000, "Wiki"),
            (4, "events", 1_500, "Wiki"),
        ];
        assert_eq!(paired(&attempts), [2, 0, 4, 0]);
        // Two of them have to make room.
        let attempts = [
            (1, "legacy", 0, "Zed"),
            (2, "legacy", 0, "Wiki"),
            (3, "events", 600, "Wiki"),
            (4, "events", 1_000, "Mail"),
            (5, "legacy", 1_700, "Mail"),
            (6, "events", 1_800, "Sales"),
        ];
        assert_eq!(paired(&attempts).into_iter().filter(|twin| *twin > 0).count(), 3);
    }

    #[test]
    fn of_several_the_failure_of_the_same_second_is_the_twin() {
        let attempts =
            [(1, "events", 0, "Wiki"), (2, "legacy", 1_000, "Wiki"), (3, "events", 1_900, "Wiki")];
        assert_eq!(paired(&attempts), [0, 3, 0]);
    }

    #[test]
    fn each_source_pairs_with_the_best_one_that_has_it() {
        let three = [(1, "webhook", 0, "Wiki"), (2, "legacy", 0, "Wiki"), (3, "events", 0, "Wiki")];
        assert_eq!(paired(&three), [3, 3, 0]);
        let two = [(1, "webhook", 0, "Wiki"), (2, "legacy", 0, "Wiki")];
        assert_eq!(paired(&two), [2, 0]);
    }
}
