//! The promise as a whole: whatever happens to the source and to the job, the tables end as if the
//! source's last state had been loaded once.
//!
//! `PROPTEST_CASES=300` tries more histories; a failure names the seed that finds it again.

mod promises;
mod sketch;
mod source;

use std::cell::Cell;
use std::collections::HashMap;
use std::env;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use onelogin_simulator::{Entry, Fault};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use tokio::time::timeout;

use crate::support::api::Api;
use crate::support::block_on;
use crate::support::onelogin::{at, empty};
use crate::support::program::{Finished, Program, Running};
use crate::support::tables::{Db, assert_rows, on_both};
use promises::{Watermarks, check, compare, has_tables};
use sketch::bad_texts;
use source::{Happening, Source, Variant, happening, variant};

/// Takes part of a minute on a laptop, and finds each fault that was put into the program as a trial.
const CASES: u32 = 40;
/// Shrinking ends here in any case, in milliseconds: a smaller example is not worth more.
const SHRINK_FOR: u32 = 90_000;
/// A run that asks for less than it must never reaches the place where it is to be stopped.
const HELD_WITHIN: Duration = Duration::from_secs(10);
const MOST_STEPS: usize = 10;
const APIS: [Api; 2] = [Api::Legacy, Api::Events];
/// Before the oldest record.
const BEGINNING: &str = "2026-01-01T00:00:00Z";

on_both!(the_tables_end_equal_to_a_full_load_of_the_sources_final_state, |db| {
    let seed = env::var("PROPTEST_RNG_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("PROPTEST_RNG_SEED={seed} repeats this run");
    let usual = Config::default();
    let cases = if env::var_os("PROPTEST_CASES").is_some() { usual.cases } else { CASES };
    let mut runner = TestRunner::new(Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_time: SHRINK_FOR,
        ..usual
    });
    // The cases share a database, each under an account of its own.
    let account = Cell::new(0);
    let story = (variant(), prop::collection::vec(step(), 1..MOST_STEPS));
    let result = runner.run(&story, |(variant, steps)| {
        account.set(account.get() + 1);
        play(db, &format!("case {}", account.get()), &variant, &steps);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
});

// `{"user_id":{}}` was counted among them, is a failure of nobody, and stayed after its correction
// had come with another id.
on_both!(every_bad_record_of_the_histories_is_rejected, |db| {
    let onelogin = empty("2026-03-20T12:00:00Z");
    for api in APIS {
        let texts = bad_texts(api);
        for text in &texts {
            let entry = Entry::new(at("2026-03-20T10:00:00Z"), text.clone());
            match api {
                Api::Legacy => onelogin.put(entry),
                Api::Events => onelogin.put_event(entry),
            };
        }
        api.sync_ok(&onelogin, db, &["--max-rejects", "1000000", "--since", BEGINNING]);
        let stored = format!(
            "select count(*) from rejected_records where source = '{0}'
             union all select count(*) from provisioning_failures where source = '{0}'",
            api.name()
        );
        assert_rows(&db.rows(&stored), &[&[&texts.len().to_string()], &["0"]]);
    }
});

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    /// To the source.
    Source(Vec<Happening>),
    /// To the job, of one API or the other.
    Sync(Api, Fate),
    /// To both jobs at once: they write the same people.
    Both,
}

/// The end of a run.
#[derive(Clone, Debug)]
enum Fate {
    Undisturbed,
    /// The faults pass, and the run gets over them.
    Healed(Vec<Fault>),
    /// The run gives up at once.
    Failed(Fault),
    /// SIGKILL after this share of the records, in percent. Its lease then runs out.
    Killed(usize),
    /// SIGTERM there.
    Terminated(usize),
    /// The token is taken away there. The run gets over it.
    WithoutItsToken(usize),
    /// A limit of calls, perhaps below the number needed.
    ShortOfCalls(u32),
    /// Other programs have made all calls of the account.
    OverTheLimit,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => prop::collection::vec(happening(), 1..6).prop_map(Step::Source),
        3 => (prop::sample::select(vec![Api::Legacy, Api::Events]), fate())
            .prop_map(|(api, fate)| Step::Sync(api, fate)),
        1 => Just(Step::Both),
    ]
}

fn fate() -> impl Strategy<Value = Fate> {
    let passing = prop::sample::select(vec![
        Fault::InternalError,
        Fault::Reset,
        Fault::ResetMidBody,
        Fault::TruncatedConnection,
        Fault::TruncatedWellFormed,
    ]);
    let any = prop::sample::select(vec![
        Fault::Unauthorized,
        Fault::NotFound,
        Fault::Html,
        Fault::NotAnArray,
        Fault::Redirect,
        Fault::Empty,
        Fault::InternalError,
        Fault::ResetMidBody,
        Fault::TruncatedConnection,
        Fault::TruncatedWellFormed,
    ]);
    prop_oneof![
        6 => Just(Fate::Undisturbed),
        // Seldom, since each costs a wait.
        1 => prop::collection::vec(passing, 1..3).prop_map(Fate::Healed),
        4 => any.prop_map(Fate::Failed),
        3 => (0..100_usize).prop_map(Fate::Killed),
        2 => (0..100_usize).prop_map(Fate::Terminated),
        2 => (0..100_usize).prop_map(Fate::WithoutItsToken),
        2 => (1..9_u32).prop_map(Fate::ShortOfCalls),
        1 => Just(Fate::OverTheLimit),
    ]
}

/// One history, from its first record to the comparison.
fn play(db: &Db, account: &str, variant: &Variant, steps: &[Step]) {
    let mut source = Source::new(variant);
    let mut watermarks = HashMap::from(APIS.map(|api| (api, Watermarks::default())));
    for step in steps {
        match step {
            Step::Source(happenings) => happenings.iter().for_each(|h| source.happen(h)),
            Step::Sync(api, fate) => {
                run(db, account, *api, &mut source, fate);
                watermarks = check(db, account, &source, &watermarks);
            }
            Step::Both => {
                run_both(db, account, &source);
                watermarks = check(db, account, &source, &watermarks);
            }
        }
    }
    // What was to appear late appears, and nothing disturbs the last runs.
    source.happen(&Happening::TimePasses(source::LATEST_MINUTES));
    for api in APIS {
        run(db, account, api, &mut source, &Fate::Undisturbed);
    }
    check(db, account, &source, &watermarks);
    compare(db, account, &source);
}

/// The arguments of the next run, and where it begins.
fn arguments<'a>(db: &Db, account: &'a str, api: Api) -> (Vec<&'a str>, DateTime<Utc>) {
    // A first run that failed left no watermark to continue from.
    let scanned = Watermarks::read(db, account, api).scanned_through;
    let since = scanned.map_or(at(BEGINNING), |scanned| scanned - TimeDelta::days(1));
    let mut arguments = vec!["--account", account, "--max-rejects", "1000000"];
    arguments.extend(["--refresh-people", "never"]);
    if scanned.is_none() {
        arguments.extend(["--since", BEGINNING]);
    }
    if has_tables(db) {
        // Each run has its hour.
        db.execute(&format!("delete from api_calls where account = '{account}'"));
    }
    (arguments, since)
}

fn run_both(db: &Db, account: &str, source: &Source) {
    let running = APIS.map(|api| {
        let (arguments, _) = arguments(db, account, api);
        api.sync(&source.onelogin, db, &arguments).start()
    });
    for running in running {
        let finished = running.wait();
        assert_eq!(finished.code, Some(0), "{finished}");
    }
}

fn run(db: &Db, account: &str, api: Api, source: &mut Source, fate: &Fate) {
    let (mut arguments, since) = arguments(db, account, api);
    let onelogin = &source.onelogin;
    let sync = |arguments: &[&str]| api.sync(onelogin, db, arguments);
    let sync_ok = |arguments: &[&str]| {
        api.sync_ok(onelogin, db, arguments);
    };
    match fate {
        Fate::Undisturbed => sync_ok(&arguments),
        Fate::Healed(faults) => {
            onelogin.fail_next(faults.iter().copied());
            sync_ok(&arguments);
        }
        Fate::Failed(fault) => {
            onelogin.fail_always(Some(*fault));
            arguments.extend(["--max-attempts", "1"]);
            let finished = sync(&arguments).run();
            onelogin.fail_always(None);
            assert!(matches!(finished.code, Some(69 | 76 | 77)), "{:?}; {finished}", finished.code);
        }
        Fate::WithoutItsToken(share) => {
            let held_after = share_of(api, source, since, *share);
            let finished = hold(source, sync(&arguments), held_after, |_| onelogin.expire_tokens());
            assert_eq!(finished.code, Some(0), "{finished}");
        }
        Fate::ShortOfCalls(calls) => {
            let calls = calls.to_string();
            arguments.extend(["--max-calls-per-hour", &calls]);
            let finished = sync(&arguments).run();
            assert!(matches!(finished.code, Some(0 | 69)), "{:?}; {finished}", finished.code);
        }
        Fate::OverTheLimit => {
            onelogin.spend(1_000_000);
            // It would wait if the hour were over in some minutes.
            arguments.extend(["--max-attempts", "1"]);
            let expected = if api == Api::Legacy { 0 } else { 69 };
            assert_eq!(sync(&arguments).run().code, Some(expected));
            source.happen(&Happening::TimePasses(61));
        }
        Fate::Killed(share) | Fate::Terminated(share) => {
            let killed = matches!(fate, Fate::Killed(_));
            let held_after = share_of(api, source, since, *share);
            let stop =
                |running: &Running| if killed { running.kill9() } else { running.terminate() };
            let finished = hold(source, sync(&arguments), held_after, stop);
            let expected = match held_after {
                None => Some(0),
                Some(_) if killed => None,
                Some(_) => Some(143),
            };
            assert_eq!(finished.code, expected, "{finished}");
            // A run that is stopped gives its lease back.
            assert!(killed || !has_lease(db, account, api), "the lease is still held; {finished}");
            if held_after.is_some() && killed {
                expire_lease(db, account);
            }
        }
    }
}

/// The number of records to send before the run is stopped; `None` if there are no records to send.
fn share_of(api: Api, source: &Source, since: DateTime<Utc>, percent: usize) -> Option<u64> {
    let records = api.served(&source.onelogin, Some(since), None).len();
    let before = (records * percent / 100) as u64;
    (records > 0).then_some(before)
}

/// Runs the job, and does something to it once a number of records have been sent.
fn hold(
    source: &Source,
    job: Program,
    held_after: Option<u64>,
    act: impl Fn(&Running),
) -> Finished {
    if let Some(records) = held_after {
        source.onelogin.hold_after(records);
    }
    let running = job.start();
    if held_after.is_some() {
        let held = async { timeout(HELD_WITHIN, source.onelogin.wait_until_held()).await };
        if block_on(held).is_err() {
            running.kill9();
            panic!("the run never requested all that may have changed; {}", running.wait());
        }
        act(&running);
        source.onelogin.release();
    }
    running.wait()
}

fn has_lease(db: &Db, account: &str, api: Api) -> bool {
    let held = "select lease_owner from watermarks where lease_owner is not null and account = ";
    let held = format!("{held}'{account}' and source = '{}'", api.name());
    has_tables(db) && !db.rows(&held).is_empty()
}

fn expire_lease(db: &Db, account: &str) {
    db.execute(&format!(
        "update watermarks set lease_expires_at = '2026-01-01 00:00:00.000+00:00' \
         where account = '{account}'"
    ));
}
