//! Properties of widths and shares, whatever densities and numbers of calls come in.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::density::{self, Density};
use super::reread::{PerSpan, Share, Span};
use super::{Memory, Pace, Plan, Window};

/// Any number of seconds, records or calls, those included that a defect could store.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => (-12.0..12.0_f64).prop_map(|exponent| 10_f64.powf(exponent)),
        1 => Just(0.0),
        1 => Just(-1.0),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::MAX),
        1 => Just(f64::MIN_POSITIVE),
    ]
}

/// A number of calls, pages or seconds that the program itself computes.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![8 => (0.0..9.0_f64).prop_map(|exponent| 10_f64.powf(exponent).floor()), 1 => Just(0.0)]
}

fn any_density() -> impl Strategy<Value = Density> {
    (any_number(), any_number()).prop_map(|(last, densest)| Density { last, densest })
}

fn density() -> impl Strategy<Value = Density> {
    (number(), number())
        .prop_map(|(last, densest)| Density { last: last / 1e3, densest: densest / 1e3 })
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("a time")
}

/// A plan of an account with these calls per hour, with `unread` seconds before its end.
fn plan(density: Option<Density>, part: f64, per_hour: f64, unread: i64) -> Plan {
    let pace = Pace::PAGES.with_most((per_hour / 2.0).floor().max(1.0));
    Plan::new((pace, Memory { density, part }), at(0), Some(at(unread)), at(unread))
}

proptest! {
    #[test]
    fn a_plan_before_its_end_has_a_window_of_a_second_or_more_and_half_an_hours_calls_or_less(
        stored in proptest::option::of(any_density()),
        part in any_number(),
        per_hour in (0.0..7.0_f64).prop_map(|exponent| 10_f64.powf(exponent)),
        left in any_number(),
        unread in 1..400_000_000_i64,
    ) {
        let plan = plan(stored, part, per_hour.floor(), unread);
        let half = (per_hour.floor() / 2.0).floor().max(1.0);
        let window = plan.next_window(left).expect("something is unread");
        prop_assert_eq!(window.from, at(0));
        prop_assert!(window.to > window.from && window.to <= at(unread), "{}", window);
        prop_assert_eq!((window.to - window.from).subsec_nanos(), 0);
        let planned = plan.planned_pages(left);
        prop_assert!((1.0..=half).contains(&planned), "{} of {}", planned, half);
        let most = plan.most_pages(window, half);
        prop_assert!(!window.can_narrow() || (1.0..=half).contains(&most), "{} of {}", most, half);
        let needed = plan.pages_to_begin(per_hour.floor());
        prop_assert!((1.0..=per_hour.floor()).contains(&needed), "{} to begin of {}", needed, per_hour);
    }

    #[test]
    fn every_plan_comes_to_its_end(
        stored in proptest::option::of(any_density()),
        per_hour in 1.0..1e5_f64,
        records in number(),
        unread in 1..40_000_000_i64,
    ) {
        let mut plan = plan(stored, 1.0, per_hour, unread);
        // Each window holds as many records, so that there are as many windows as the densest hour allows.
        for _ in 0..200 {
            let Some(window) = plan.next_window(per_hour) else { break };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
            plan.committed(window, window, records as u64);
            prop_assert_eq!(plan.progress(window.to).0, window.to - at(0));
            let next = plan.next_window(per_hour).map_or(window.to, |next| next.from);
            prop_assert_eq!(next, window.to, "no gap");
        }
    }

    #[test]
    fn a_window_is_wider_with_more_calls_and_narrower_where_it_is_denser(
        density in density(),
        denser in 1.0..1e3_f64,
        (left, more) in (number(), number()),
        page in 1.0..1e3_f64,
    ) {
        let most = 100.0 * page;
        let (few, many) = (left * page, (left + more) * page);
        let (goal, greater) = (density::goal(few, page, most), density::goal(many, page, most));
        prop_assert!(page <= goal && goal <= greater && greater <= most);
        prop_assert!(goal <= few.max(page), "{} of {}", goal, few);
        let width = density::width(density, goal, few);
        prop_assert!(width >= 1.0);
        prop_assert!(density::width(density, greater, many) >= width);
        for dense in [
            Density { last: density.last * denser, ..density },
            Density { densest: density.densest * denser, ..density },
        ] {
            prop_assert!(density::width(dense, goal, few) <= width);
            let begin = |of: Density| density::pages_to_begin(of.last, 3_600.0, page, left + 1.0);
            prop_assert!(begin(dense) >= begin(density));
        }
    }

    #[test]
    fn a_first_page_only_narrows_and_eightfold_at_most(
        seconds in 1.0..1e9_f64,
        spanned in any_number(),
        (page, goal, limit) in (1.0..1e3_f64, 1.0..1e6_f64, 1.0..1e6_f64),
    ) {
        let narrower = |spanned| density::narrower(seconds, spanned, (page, goal, limit));
        if let Some(width) = narrower(spanned) {
            prop_assert!(width >= 1.0 && width < seconds, "{} of {}", width, seconds);
            prop_assert!(width >= seconds / 8.0 && width <= (seconds / 2.0).max(1.0));
        }
        prop_assert!(narrower(seconds).is_none() || page > limit, "a page that spans all is all");
    }

    #[test]
    fn what_was_learnt_is_a_number_and_sinks_slowly(
        density in density(),
        (seconds, records) in (any_number(), number()),
    ) {
        let learnt = density.learn(seconds, records, 8.0);
        prop_assert!(learnt.last.is_finite() && learnt.last >= density.last / 8.0);
        prop_assert!(learnt.densest.is_finite() && learnt.densest >= 0.0);
        let given_up = density.rise(seconds, records, 2.0);
        prop_assert!(given_up.last >= density.last && given_up.densest >= density.densest);
    }

    #[test]
    fn re_reading_never_takes_more_than_its_share_nor_the_last_tenth(
        per_hour in 1.0..1e7_f64,
        hours in 1.0..1e4_f64,
        (left, more) in (number(), number()),
        spent in (number(), number(), number()),
    ) {
        let mut share = Share { per_hour: per_hour.floor(), hours, spent: PerSpan::default() };
        for (span, pages) in Span::ALL.into_iter().zip([spent.0, spent.1, spent.2]) {
            share.spend(span, pages);
        }
        let mut rest = left;
        let mut sum = spent.0 + spent.1 + spent.2;
        for span in Span::ALL {
            let allowed = share.allowed(span, rest);
            prop_assert!(allowed >= 0.0 && (allowed == 0.0 || allowed <= rest - 0.1 * share.per_hour + 1e-6));
            prop_assert!(share.allowed(span, rest + more) >= allowed, "with more calls left");
            let mut another = share;
            another.spend(span, 1.0);
            prop_assert!(another.allowed(span, rest) <= allowed, "with more spent");
            share.spend(span, allowed);
            rest -= allowed;
            sum += allowed;
            prop_assert!(allowed == 0.0 || sum <= 0.2 * share.per_hour * hours + 1e-6);
        }
        prop_assert!((1.0..=20.0).contains(&share.least_piece()));
    }

    #[test]
    fn no_number_makes_a_share_of_nothing(
        (per_hour, hours, left, spent) in (number(), any_number(), any_number(), any_number()),
    ) {
        let mut share = Share { per_hour, hours, spent: PerSpan::default() };
        share.spend(Span::Day, spent);
        for span in Span::ALL {
            let allowed = share.allowed(span, left);
            prop_assert!(allowed >= 0.0 && (allowed <= left || allowed == 0.0), "{} of {}", allowed, left);
        }
    }
}

#[test]
#[expect(clippy::float_cmp, reason = "whole numbers of pages")]
fn a_window_of_all_that_an_hour_has_is_planned_for_half_of_it() {
    for (per_hour, pages) in
        [(1.0, 1.0), (2.0, 1.0), (4.0, 2.0), (9.0, 4.0), (40.0, 10.0), (2_500.0, 100.0)]
    {
        assert_eq!(plan(None, 1.0, per_hour, 1).planned_pages(per_hour), pages, "{per_hour}");
    }
    let second = Window { from: at(0), to: at(0) + TimeDelta::seconds(1) };
    assert_eq!(plan(None, 1.0, 9.0, 1).most_pages(second, 4.0), f64::INFINITY, "it cannot be cut");
}
