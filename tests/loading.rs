//! Many new records: rows that a first load writes without a look-up, and what lies among them.

use chrono::TimeDelta;
use onelogin_simulator::Record;

use crate::support::onelogin::{
    all_records, assert_loaded, at, counts, empty, put, record, sync, sync_ok,
};
use crate::support::tables::on_both;

const NOON: &str = "2026-03-20T12:00:00Z";
const TIME: &str = "2026-03-20T11:00:00Z";
const TODAY: [&str; 2] = ["--since", "2026-03-20"];
/// Records of a few batches.
const MANY: i64 = 3_300;

on_both!(a_stored_record_among_thousands_of_new_ones_is_found, |db| {
    let onelogin = empty(NOON);
    let middle = "2026-03-20T11:25:00Z";
    let stored = record(1, middle, 1);
    let number = put(&onelogin, middle, stored.to_json());
    sync_ok(&onelogin, db, &TODAY);
    onelogin.replace(number, Record { error_description: None, ..stored }.to_json());
    for id in 0..MANY {
        let time = (at(TIME) + TimeDelta::seconds(id)).to_rfc3339();
        put(&onelogin, &time, record(id + 10, &time, id % 7).to_json());
    }

    let outcome = sync_ok(&onelogin, db, &[]);

    assert_eq!(counts(&outcome), [3_301, 3_300, 1, 0, 0]);
    assert_loaded(db, &all_records(&onelogin));
    assert_eq!(counts(&sync_ok(&onelogin, db, &[])), [3_301, 0, 0, 3_301, 0]);
});

on_both!(a_record_that_comes_again_some_batches_later_is_written_once, |db| {
    let onelogin = empty(NOON);
    let first = record(1, TIME, 1);
    put(&onelogin, TIME, first.to_json());
    for id in 10..10 + MANY {
        put(&onelogin, TIME, record(id, TIME, id % 7).to_json());
    }
    put(&onelogin, TIME, first.to_json());
    put(&onelogin, TIME, Record { error_description: None, ..record(10, TIME, 3) }.to_json());

    let finished = sync(&onelogin, db, &TODAY).run().expect_code(65);

    assert_eq!(counts(&finished.json()), [3_303, 3_301, 0, 1, 1]);
    assert_loaded(db, &all_records(&onelogin));
});
