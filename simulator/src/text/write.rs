//! Pieces of JSON that several texts have in common, appended to a buffer.

use std::fmt::Arguments;
use std::io::Write as _;

use chrono::Datelike as _;

use crate::history::{Cause, Failure, Person, moment};

pub(super) fn print(out: &mut Vec<u8>, text: Arguments<'_>) {
    // A `Vec` takes every write, so there is no error to hand on.
    let _ = out.write_fmt(text);
}

/// Appends the error description of a failure: a string, or `null`.
pub(super) fn write_cause(failure: &Failure, out: &mut Vec<u8>) {
    let (first, last) = (failure.person.first.0, failure.person.last.0);
    let app = failure.app();
    match failure.cause {
        None => out.extend_from_slice(b"null"),
        Some(Cause::TimedOut) => print(
            out,
            format_args!(
                "\"The connection timed out while provisioning to https:\\/\\/lux.onelogin.com\\/{}\"",
                app.path
            ),
        ),
        Some(Cause::NoLicences) => {
            print(out, format_args!("\"No licences left in {}: team_license_limit\"", app.name));
        }
        Some(Cause::Refused) => out.extend_from_slice(b"\"Remote host refused the connection\""),
        Some(Cause::Exists) => {
            print(out, format_args!("\"{first} {last} already exists\\nTake over the account?\""));
        }
        Some(Cause::TokenExpired) => {
            out.extend_from_slice(b"\"401 Unauthorized: the app's token has expired\"");
        }
        Some(Cause::RateLimited) => out.extend_from_slice(b"\"Rate limit exceeded\""),
        Some(Cause::OfTheApp(template)) => write_template(template, &failure.person, out),
    }
}

/// Appends an app's text, with the person's name, login and number in their places.
fn write_template(template: &str, person: &Person, out: &mut Vec<u8>) {
    out.push(b'"');
    // Every second part is the name of a placeholder.
    for (place, part) in template.split('%').enumerate() {
        match part {
            "user" if place % 2 == 1 => {
                print(out, format_args!("{} {}", person.first.0, person.last.0));
            }
            "login" if place % 2 == 1 => {
                let (first, last) = (person.first.1, person.last.1);
                print(out, format_args!("{first}.{last}.{}@example.com", person.number));
            }
            "id" if place % 2 == 1 => print(out, format_args!("{}", 52_000 + person.number)),
            _ => print(out, format_args!("{}", part.replace('"', "\\\"").replace('/', "\\/"))),
        }
    }
    out.push(b'"');
}

/// Appends the e-mail of a person at Unix second `at` as a JSON string.
pub(super) fn write_email(person: &Person, at: i64, out: &mut Vec<u8>) {
    let (first, last, number) = (person.first.1, person.last.1, person.number);
    print(out, format_args!("\"{first}.{last}.{number}@{}\"", person.domain_at(at)));
}

/// Appends the name with which a person logs in: a JSON string, or `null`.
pub(super) fn write_username(person: &Person, out: &mut Vec<u8>) {
    if !person.has_username {
        return out.extend_from_slice(b"null");
    }
    let (first, last, number) = (person.first.1, person.last.1, person.number);
    let initial = first.get(..1).unwrap_or_default();
    print(out, format_args!("\"{initial}{last}{number}\""));
}

/// Appends `2014\/09\/08 18:17:23 -0700`: Unix second `at` on a clock that is `offset` minutes
/// ahead of UTC.
pub(super) fn write_date(at: i64, offset: i32, out: &mut Vec<u8>) {
    let sign = if offset < 0 { b'-' } else { b'+' };
    write_day(at + i64::from(offset) * 60, b"\\/", out);
    out.push(b' ');
    write_time_of_day(at + i64::from(offset) * 60, out);
    let offset = offset.unsigned_abs();
    out.extend_from_slice(&[b' ', sign]);
    two_digits(offset / 60, out);
    two_digits(offset % 60, out);
}

/// Appends `"2026-03-01T10:11:12.345Z"`, with its quotes, from Unix milliseconds.
pub(super) fn write_time(at: i64, out: &mut Vec<u8>) {
    let seconds = at.div_euclid(1000);
    let millis = u32::try_from(at.rem_euclid(1000)).unwrap_or(0);
    out.push(b'"');
    write_day(seconds, b"-", out);
    out.push(b'T');
    write_time_of_day(seconds, out);
    out.push(b'.');
    out.push(b'0' + u8::try_from(millis / 100).unwrap_or(0));
    two_digits(millis % 100, out);
    out.extend_from_slice(b"Z\"");
}

fn write_day(seconds: i64, separator: &[u8], out: &mut Vec<u8>) {
    let date = moment(seconds).date_naive();
    let year = u32::try_from(date.year()).unwrap_or(0);
    two_digits(year / 100, out);
    two_digits(year % 100, out);
    out.extend_from_slice(separator);
    two_digits(date.month(), out);
    out.extend_from_slice(separator);
    two_digits(date.day(), out);
}

fn write_time_of_day(seconds: i64, out: &mut Vec<u8>) {
    let second = u32::try_from(seconds.rem_euclid(86_400)).unwrap_or(0);
    two_digits(second / 3600, out);
    out.push(b':');
    two_digits(second / 60 % 60, out);
    out.push(b':');
    two_digits(second % 60, out);
}

fn two_digits(number: u32, out: &mut Vec<u8>) {
    let digit = |value: u32| b'0' + u8::try_from(value % 10).unwrap_or(0);
    out.extend_from_slice(&[digit(number / 10), digit(number)]);
}
