//! The JSON text of generated legacy records.
//!
//! A record takes about a microsecond, without an allocation. So a response of a million measures
//! the program that reads it and not the one that writes it.

use chrono::{Datelike as _, NaiveDate};

use super::write::{print, write_cause, write_date, write_email, write_username};
use crate::config::Ids;
use crate::history::{APPS, Failure, Failures, UserForm, Zone, moment};

const FIRST_FAILURE_ID: u64 = 600_000_000;
const FIRST_LOGIN_ID: u64 = 100_000_000;

/// Appends the record of failure `index`.
pub(crate) fn write_record(failures: &Failures, index: u64, out: &mut Vec<u8>) {
    let at = failures.timeline.created_at(index);
    let id = FIRST_FAILURE_ID + index;
    if let Some(kind) = failures.bad(index) {
        return write_bad(kind, id, at, out);
    }
    let failure = failures.failure(index);
    let person = &failure.person;
    let id = match failures.ids {
        Ids::OfTheFailure => id,
        Ids::OfTheApp => failure.app_id(),
    };
    let login = FIRST_LOGIN_ID + person.number * APPS.len() as u64 + failure.app as u64;
    let quote = if failure.has_text_ids { "\"" } else { "" };
    print(out, format_args!("{{\"login_id\":{quote}{login}{quote},\"id\":{quote}{id}{quote},"));
    out.extend_from_slice(b"\"created_at\":\"");
    write_date(at, offset_minutes(person.zone, at), out);
    out.extend_from_slice(b"\",\"error_description\":");
    write_cause(&failure, out);
    write_description(&failure, out);
    if failure.has_unknown_field {
        // Catches a reader that counts brackets inside strings.
        out.extend_from_slice(
            br#","directory":{"id":7,"tags":["a]","b\"}",{}],"primary":true,"lag":1.5e3}"#,
        );
    }
    write_user(&failure, at, out);
    out.push(b'}');
}

fn write_description(failure: &Failure, out: &mut Vec<u8>) {
    let Some(operation) = failure.operation else {
        return out.extend_from_slice(b",\"description\":\"Internal provisioning error\"");
    };
    let (first, last) = (failure.person.first.0, failure.person.last.0);
    let (verb, app) = (operation.participle(), failure.app().name);
    print(out, format_args!(",\"description\":\"{first} {last} could not be {verb} in {app}\""));
}

fn write_user(failure: &Failure, at: i64, out: &mut Vec<u8>) {
    match failure.user {
        UserForm::Absent => return,
        UserForm::Null => return out.extend_from_slice(b",\"user\":null"),
        UserForm::Named => {}
    }
    let person = &failure.person;
    let (first, last, id) = (person.first.0, person.last.0, person.id());
    out.extend_from_slice(b",\"user\":{\"email\":");
    write_email(person, at, out);
    out.extend_from_slice(b",\"username\":");
    write_username(person, out);
    print(out, format_args!(",\"id\":{id},\"lastname\":\"{last}\",\"firstname\":\"{first}\"}}"));
}

/// Appends a record that cannot be loaded. All texts differ, so that each is one reject.
fn write_bad(kind: u32, id: u64, at: i64, out: &mut Vec<u8>) {
    match kind {
        0 => {
            print(out, format_args!("{{\"login_id\":{id},\"id\":null,\"created_at\":\""));
            write_date(at, 0, out);
            out.extend_from_slice(b"\",\"description\":\"Internal provisioning error\"}");
        }
        1 => {
            print(out, format_args!("{{\"login_id\":1,\"id\":{id},\"created_at\":\"yesterday\"}}"));
        }
        2 => print(out, format_args!("{{\"id\":{{\"value\":{id}}},\"created_at\":[{at}]}}")),
        3 => print(out, format_args!("{id}")),
        // Not JSON, but its brackets match, so that a reader can find its end.
        _ => print(out, format_args!("{{\"id\":{id} 7,\"created_at\":,}}")),
    }
}

/// Minutes ahead of UTC in `zone` at Unix second `at`.
fn offset_minutes(zone: Zone, at: i64) -> i32 {
    match zone {
        Zone::Utc => 0,
        Zone::India => 330,
        Zone::Pacific if is_pacific_summer(at) => -7 * 60,
        Zone::Pacific => -8 * 60,
    }
}

/// Returns whether the US west coast has summer time: since 2007 from the second Sunday of March to the
/// first Sunday of November, with changes at 02:00 local time.
fn is_pacific_summer(at: i64) -> bool {
    let utc = moment(at);
    let changes = |month, earliest_day: u32, utc_hour: i64| {
        let earliest = NaiveDate::from_ymd_opt(utc.year(), month, earliest_day).unwrap_or_default();
        let to_sunday = (7 - earliest.weekday().num_days_from_sunday()) % 7;
        let midnight = earliest.and_time(chrono::NaiveTime::MIN).and_utc().timestamp();
        midnight + (i64::from(to_sunday) * 24 + utc_hour) * 3600
    };
    match utc.month() {
        4..=10 => true,
        3 => at >= changes(3, 8, 10),
        11 => at < changes(11, 1, 9),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use chrono::DateTime;
    use serde_json::Value;
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::config::Config;

    fn records(config: &Config) -> Vec<String> {
        let failures = Failures::new(config);
        let mut text = Vec::new();
        (0..config.failures)
            .map(|index| {
                text.clear();
                write_record(&failures, index, &mut text);
                String::from_utf8(text.clone()).expect("a record is UTF-8")
            })
            .collect()
    }

    #[test]
    fn dates_are_right_around_both_clock_changes() {
        for (instant, pacific) in [
            ("2026-03-08T09:59:59Z", "2026\\/03\\/08 01:59:59 -0800"),
            ("2026-03-08T10:00:00Z", "2026\\/03\\/08 03:00:00 -0700"),
            ("2026-11-01T08:59:59Z", "2026\\/11\\/01 01:59:59 -0700"),
            ("2026-11-01T09:00:00Z", "2026\\/11\\/01 01:00:00 -0800"),
        ] {
            let at = DateTime::parse_from_rfc3339(instant).expect("a date").timestamp();
            let mut text = Vec::new();
            write_date(at, offset_minutes(Zone::Pacific, at), &mut text);
            assert_eq!(String::from_utf8_lossy(&text), pacific);
        }
    }

    #[test]
    fn every_record_is_json_with_its_own_instant() {
        let config = Config { failures: 5_000, ..Config::default() };
        let failures = Failures::new(&config);
        let (mut offsets, mut addresses) = (BTreeSet::new(), BTreeMap::new());
        let mut odd = [0; 4];
        for (index, text) in (0..).zip(records(&config)) {
            let record: Value = serde_json::from_str(&text).expect("JSON");
            let written = record["created_at"].as_str().expect("a date");
            let read = DateTime::parse_from_str(written, "%Y/%m/%d %H:%M:%S %z").expect("a date");
            assert_eq!(read.timestamp(), failures.timeline.created_at(index), "{written}");
            offsets.insert(read.offset().local_minus_utc());
            odd[0] += usize::from(record.get("user").is_none());
            odd[1] += usize::from(record.get("user") == Some(&Value::Null));
            odd[2] += usize::from(record["id"].is_string());
            odd[3] += usize::from(record.get("directory").is_some());
            let email = record["user"]["email"].to_string();
            addresses
                .entry(record["user"]["id"].as_u64())
                .or_insert_with(BTreeSet::new)
                .insert(email);
        }
        assert_eq!(offsets, BTreeSet::from([-28_800, -25_200, 0, 19_800]));
        assert!(odd.iter().all(|&count| (1..50).contains(&count)), "odd records: {odd:?}");
        assert!(addresses.values().any(|seen| seen.len() > 1), "no e-mail changed");
        assert!(addresses.len() > 200, "only {} people", addresses.len());
    }

    /// Tests and the printed output of the demo depend on these bytes.
    #[test]
    fn a_seed_gives_the_same_bytes_for_ever() {
        let plain = Config { failures: 5_000, ..Config::default() };
        let odd = Config { seed: 7, bad_records: 20, ids: Ids::OfTheApp, ..plain.clone() };
        for (config, expected) in
            [(plain, [0x06, 0xa9, 0x62, 0x24]), (odd, [0x2f, 0x9d, 0xae, 0x94])]
        {
            let digest = Sha256::digest(records(&config).join("\n"));
            assert_eq!(digest[..4], expected, "{config:?}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
        let config = Config { failures: 200, ..Config::default() };
        assert_eq!(records(&config), records(&config));
        assert_ne!(records(&config), records(&Config { seed: config.seed + 1, ..config }));
    }

    #[test]
    fn bad_records_are_all_different_and_of_every_kind() {
        let config = Config { failures: 2_000, bad_records: 20, ..Config::default() };
        let good = records(&Config { bad_records: 0, ..config.clone() });
        let bad: BTreeSet<String> = records(&config)
            .into_iter()
            .zip(good)
            .filter(|(a, b)| a != b)
            .map(|(a, _)| a)
            .collect();
        assert!((60..160).contains(&bad.len()), "{} bad records", bad.len());
        let unreadable = bad.iter().filter(|text| serde_json::from_str::<Value>(text).is_err());
        assert!(unreadable.count() > 5);
        for part in ["\"id\":null", "yesterday", "\"value\""] {
            assert!(bad.iter().any(|text| text.contains(part)), "no record with {part}");
        }
        assert!(bad.iter().any(|text| text.parse::<u64>().is_ok()), "no bare number");
    }

    #[test]
    fn an_id_of_the_app_repeats_and_still_no_two_failures_are_the_same() {
        let config = Config { failures: 5_000, ids: Ids::OfTheApp, ..Config::default() };
        let mut ids = BTreeSet::new();
        let mut identities = BTreeSet::new();
        for text in records(&config) {
            let record: Value = serde_json::from_str(&text).expect("JSON");
            ids.insert(record["id"].to_string().replace('"', ""));
            let login = record["login_id"].to_string().replace('"', "");
            identities.insert((login, record["created_at"].to_string()));
        }
        assert_eq!(ids.len(), APPS.len());
        assert_eq!(identities.len(), 5_000);
    }
}
