//! Pages, however a server cuts, orders and ends them.

use onelogin_simulator::{
    Bounds, Config, Cursor, Endpoint, Entry, EventForm, EventRecord, LastPage, Order, Simulator,
};

use super::{MONTH, NOON, TODAY, after, failure, month};
use crate::support::api::{Api, parameter, put_event};
use crate::support::block_on;
use crate::support::onelogin::{at, counts, empty, rejects, start, written};
use crate::support::tables::{Db, assert_rows, on_both};

/// A month ends in the same tables, however it is served.
fn does_not_depend_on(db: &Db, serving: impl FnOnce(Config) -> Config) -> Simulator {
    let onelogin = month(serving);

    Api::Events.sync_ok(&onelogin, db, &MONTH);

    assert_all_is_loaded(db, &onelogin);
    onelogin
}

/// Asserts that the tables hold all that there is.
fn assert_all_is_loaded(db: &Db, onelogin: &Simulator) {
    Api::Events.assert_loaded(db, &Api::Events.served(onelogin, None, None));
    assert_eq!(db.count("rejected_records"), 0);
}

/// Two stories for each way in which a server may serve the same events.
macro_rules! served_differently {
    ($($name:ident: |$month:ident| $serving:expr;)*) => {
        mod events_end_in_the_same_tables {
            use super::*;
            $(on_both!($name, |db| { does_not_depend_on(db, |$month| $serving); });)*
        }
    };
}

served_differently! {
    with_cursors_that_name_the_last_event: |month| month;
    with_cursors_that_count_pages: |month| Config { cursor: Cursor::PageNumber, ..month };
    when_an_empty_page_with_a_cursor_is_the_last: |month|
        Config { last_page: LastPage::EmptyWithCursor, ..month };
    when_no_page_has_a_link: |month|
        Config { last_page: LastPage::NullCursorWithoutLinks, ..month };
    when_the_last_page_repeats_its_cursor: |month|
        Config { last_page: LastPage::RepeatedCursor, ..month };
    when_pages_are_shorter_than_requested: |month| Config { page: 7, ..month };
    when_the_server_takes_no_notice_of_the_order: |month| Config { order: Order::Descending, ..month };
    in_any_order: |month| Config { order: Order::Shuffled, ..month };
    when_since_and_until_are_not_counted_in: |month| Config { bounds: Bounds::Exclusive, ..month };
    when_until_is_not_counted_in: |month| Config { bounds: Bounds::HalfOpen, ..month };
    with_scalars_of_another_kind_and_absent_fields: |month|
        Config { event_form: EventForm::Odd, ..month };
    compressed: |month| Config { gzip: true, ..month };
}

on_both!(the_query_is_the_documented_one_with_its_plus_sign_encoded, |db| {
    let onelogin = empty(NOON);
    put_event(&onelogin, failure(1, "2026-03-20T11:00:00Z"));

    let arguments = ["--until", NOON, "--page-limit", "1000"];
    Api::Events.sync_ok(&onelogin, db, &[&TODAY[..], &arguments].concat());

    let calls = onelogin.calls_to(Endpoint::Events);
    assert_eq!(calls.len(), 1);
    assert_eq!(
        calls[0].query,
        "since=2026-03-19T23%3A59%3A59.000Z&until=2026-03-20T12%3A00%3A01.000Z\
         &event_type_id=25%2C51%2C52%2C53%2C54%2C55%2C59%2C60%2C61%2C62%2C63%2C64%2C65&sort=%2Bid&limit=1000"
    );
});

on_both!(all_pages_of_a_window_are_of_one_span_and_requested_at_the_configured_host, |db| {
    let onelogin = does_not_depend_on(db, |month| Config { foreign_links: true, ..month });

    let calls = onelogin.calls_to(Endpoint::Events);
    let followed = calls.iter().filter(|call| parameter(&call.query, "after_cursor").is_some());
    assert!(followed.count() > 10, "few pages");
    let untils = calls.iter().filter_map(|call| parameter(&call.query, "until"));
    let windows = db.count("sync_windows");
    assert_eq!(untils.collect::<std::collections::BTreeSet<_>>().len(), windows);
});

on_both!(a_page_that_shifts_while_it_is_read_doubles_nothing_and_loses_nothing, |db| {
    let config = Config {
        failures: 0,
        now: at(NOON),
        cursor: Cursor::PageNumber,
        page: 10,
        ..Config::default()
    };
    let onelogin = start(config);
    for n in 0..35 {
        onelogin.put_event(event_at(100 + n, n * 400));
    }
    onelogin.hold_after(20);
    let running = Api::Events.sync(&onelogin, db, &TODAY).start();
    block_on(onelogin.wait_until_held());

    // It moves the last event of the second page into the third, where it comes once more.
    onelogin.put_event(event_at(1, -500));
    onelogin.release();
    let outcome = running.wait().expect_code(0).json();

    assert_eq!(counts(&outcome), [36, 35, 0, 1, 0]);
    let outcome = Api::Events.sync_ok(&onelogin, db, &[]);
    assert_eq!(counts(&outcome)[1], 1, "the overlap finds what appeared in pages already read");
    Api::Events.assert_loaded(db, &Api::Events.served(&onelogin, None, None));
});

/// Resolves an event between the two pages in which a page-number cursor gives it.
fn resolved_between_two_pages(db: &Db, page: u32) {
    let config = Config {
        failures: 0,
        now: at(NOON),
        cursor: Cursor::PageNumber,
        page,
        ..Config::default()
    };
    let onelogin = start(config);
    let events: i64 = (3 * page + page / 2).into();
    // All of them lie within four hours.
    let seconds = i64::from(4_000 / page);
    for n in 0..events {
        onelogin.put_event(event_at(100 + n, n * seconds));
    }
    onelogin.hold_after(2 * u64::from(page));
    let running = Api::Events.sync(&onelogin, db, &TODAY).start();
    block_on(onelogin.wait_until_held());

    // The third page is held. Its last event moves into the fourth, where it comes once more, resolved.
    onelogin.put_event(event_at(1, -500));
    let last = i64::from(3 * page - 1);
    let when = after("2026-03-20T08:00:00Z", last * seconds * 1_000);
    let resolved = EventRecord { solved: Some(true), ..EventRecord::new(100 + last, when, 61, 7) };
    let number = usize::try_from(last).expect("a small number");
    onelogin.replace_event(number, resolved.to_json());
    onelogin.release();
    let outcome = running.wait().expect_code(0).json();

    let events = u64::try_from(events).expect("a count");
    assert_eq!(counts(&outcome), [events + 1, events, 1, 0, 0]);
    Api::Events.sync_ok(&onelogin, db, &[]);
    assert_all_is_loaded(db, &onelogin);
}

on_both!(an_event_resolved_between_two_pages_of_one_batch_is_an_update, |db| {
    resolved_between_two_pages(db, 10);
});

on_both!(an_event_resolved_between_two_pages_of_two_batches_is_an_update, |db| {
    resolved_between_two_pages(db, 1_000);
});

/// An event, at a number of seconds after the morning.
fn event_at(id: i64, seconds: i64) -> Entry {
    let at = after("2026-03-20T08:00:00Z", seconds * 1_000);
    Entry::new(at, EventRecord::new(id, at, 61, 7).to_json())
}

on_both!(an_event_of_the_millisecond_at_a_border_is_loaded_once, |db| {
    let onelogin = empty(NOON);
    // The first window is two days wide, and the next begins a second before its end.
    for (id, millis) in [(1, -1), (2, 0), (3, 1), (4, 999)] {
        let at = after("2026-03-17T00:00:00Z", millis);
        put_event(&onelogin, EventRecord::new(id, at, 64, 7));
    }

    let outcome = Api::Events.sync_ok(&onelogin, db, &["--since", "2026-03-15"]);

    assert_eq!(counts(&outcome), [6, 4, 0, 2, 0]);
    Api::Events.assert_loaded(db, &Api::Events.served(&onelogin, None, None));
});

on_both!(types_that_were_not_selected_are_counted_and_not_loaded, |db| {
    let onelogin = month(|month| Config { ignores_type_filter: true, ..month });
    let all = onelogin.events(None, None, None).count();

    let outcome = Api::Events.sync_ok(&onelogin, db, &MONTH);

    let wanted = Api::Events.served(&onelogin, None, None);
    Api::Events.assert_loaded(db, &wanted);
    let ignored = outcome["ignored"].as_u64().expect("a count");
    assert!(ignored >= (all - wanted.len()) as u64 && ignored > 0, "{outcome}");
    let ledger = "select sum(fetched), sum(successes), sum(ignored) from sync_windows";
    let total = ["fetched", "successes", "ignored"].map(|name| outcome[name].to_string());
    assert_rows(&db.rows(ledger), &[&total.each_ref().map(String::as_str)]);
});

on_both!(a_selected_type_that_we_do_not_know_is_loaded_with_its_raw, |db| {
    let onelogin = empty(NOON);
    let event = EventRecord { event_type_id: 3_028, ..failure(1, "2026-03-20T11:00:00Z") };
    put_event(&onelogin, event.clone());
    put_event(&onelogin, failure(2, "2026-03-20T11:00:00Z"));

    let outcome =
        Api::Events.sync_ok(&onelogin, db, &[&TODAY[..], &["--event-types", "61,3028"]].concat());

    assert_eq!(counts(&outcome), [2, 2, 0, 0, 0]);
    let loaded =
        "select event_type_id, operation, raw from provisioning_failures where source_id = 1";
    assert_rows(&db.rows(loaded), &[&["3028", "unknown", &event.to_json()]]);
});

on_both!(successes_are_left_out_when_they_are_not_wanted, |db| {
    let onelogin = month(|month| month);

    let arguments = [&MONTH[..], &["--with-successes=false"]].concat();
    let outcome = Api::Events.sync_ok(&onelogin, db, &arguments);

    assert_eq!((&outcome["inserted"], &outcome["successes"]), (&600.into(), &0.into()));
    assert_eq!(db.count("provisioning_successes"), 0);
    let query = &onelogin.calls_to(Endpoint::Events)[0].query;
    assert_eq!(parameter(query, "event_type_id").as_deref(), Some("25,60,61,62,63,64,65"));
});

on_both!(bad_events_are_rejected_and_the_good_ones_between_them_load, |db| {
    let onelogin = empty(NOON);
    let time = "2026-03-20T11:00:00Z";
    let nested = "[".repeat(500) + &"]".repeat(500);
    let too_deep = format!(
        r#"{{"id":3,"created_at":"2026-03-20T11:00:00Z","event_type_id":61,"notes":{nested}}}"#
    );
    let bad = [
        ("bad_created_at", r#"{"id":1,"created_at":"soon","event_type_id":61}"#),
        ("bad_event_type", r#"{"id":2,"created_at":"2026-03-20T11:00:00Z"}"#),
        ("bad_field", too_deep.as_str()),
        ("bad_id", r#"{"id":null,"created_at":"2026-03-20T11:00:00Z","event_type_id":51}"#),
        ("not_an_object", "7"),
    ];
    for (id, (_, text)) in (10..).zip(bad) {
        put_event(&onelogin, failure(id, time));
        onelogin.put_event(Entry::new(at(time), text));
    }

    let finished = Api::Events.sync(&onelogin, db, &TODAY).run().expect_code(65);

    assert_eq!(counts(&finished.json()), [10, 5, 0, 0, 5]);
    let expected = bad.map(|(reason, raw)| [reason, "open", raw]);
    assert_rows(&rejects(db), &expected.each_ref().map(<[&str; 3]>::as_slice));
    Api::Events.assert_loaded(db, &Api::Events.served(&onelogin, None, None));
});

on_both!(a_second_run_writes_nothing, |db| {
    let onelogin = month(|month| Config { late_records: 0, ..month });
    Api::Events.sync_ok(&onelogin, db, &["--since", "2026-02-18T12:00:00Z"]);
    let before = written(db);

    let outcome = Api::Events.sync_ok(&onelogin, db, &[]);

    let [fetched, inserted, updated, unchanged, _] = counts(&outcome);
    assert!(fetched > 10 && fetched == unchanged, "{outcome}");
    assert_eq!((inserted, updated, &outcome["users_written"]), (0, 0, &0.into()));
    assert!(before == written(db), "a row was written");
    assert_eq!(onelogin.calls_to(Endpoint::Types).len(), 1, "compared once a day");
});

on_both!(a_window_of_too_many_pages_is_requested_in_smaller_pieces, |db| {
    // A window is planned for ten of 40 calls per hour.
    let onelogin = month(|month| Config { page: 5, days: 6, failures: 150, ..month });
    let mut arguments = vec!["--refresh-people", "never", "--max-calls-per-hour", "40"];
    arguments.extend(["--since", "2026-03-14T12:00:00Z"]);

    let mut runs = 0;
    while Api::Events.sync(&onelogin, db, &arguments).run().code != Some(0) {
        arguments.truncate(4);
        // The hour passes.
        db.execute("delete from api_calls");
        runs += 1;
        assert!(runs < 20, "does not come to an end");
    }

    assert_eq!(runs, 1, "it took more than one hour of calls");
    assert!(db.count("sync_windows") > 5);
    Api::Events.assert_loaded(db, &Api::Events.served(&onelogin, None, None));
});
