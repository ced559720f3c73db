//! The values of a row in the order of its statement's columns, written once for every way in which a
//! row reaches a database.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, Encode, Type};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::value::Json;

/// Takes the values of rows, one behind the other.
pub(super) trait Columns {
    fn id(&mut self, id: Option<Uuid>);
    fn number(&mut self, number: Option<i64>);
    fn flag(&mut self, flag: Option<bool>);
    fn text(&mut self, text: Option<&str>);
    fn json(&mut self, text: Option<&str>);
    fn time(&mut self, time: Option<DateTime<Utc>>);
    /// A text, an id and a time that all rows of a window have.
    fn shared_text(&mut self, text: &Shared<()>);
    fn shared_id(&mut self, id: &Shared<Uuid>);
    fn shared_time(&mut self, time: &Shared<DateTime<Utc>>);
}

/// A value that many rows have, beside its text.
#[derive(Debug, Clone)]
pub(super) struct Shared<T> {
    pub(super) value: T,
    text: Arc<str>,
}

impl Shared<()> {
    pub(super) fn text(text: &str) -> Self {
        Self { value: (), text: text.into() }
    }
}

impl Shared<Uuid> {
    pub(super) fn id(id: Uuid) -> Self {
        Self { value: id, text: Arc::from(hyphenated(id, &mut [0; Hyphenated::LENGTH])) }
    }
}

impl Shared<DateTime<Utc>> {
    pub(super) fn time(time: DateTime<Utc>) -> Self {
        Self { value: time, text: as_text(time) }
    }
}

fn hyphenated(id: Uuid, buffer: &mut [u8; Hyphenated::LENGTH]) -> &str {
    id.hyphenated().encode_lower(buffer)
}

/// The one form of a time in SQLite.
fn as_text(time: DateTime<Utc>) -> Arc<str> {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, false).into()
}

/// For SQLite a text is one allocation this way; bound as `&str` it would be two.
impl Columns for SqliteArguments {
    fn id(&mut self, id: Option<Uuid>) {
        let mut buffer = [0; Hyphenated::LENGTH];
        self.text(id.map(|id| hyphenated(id, &mut buffer)));
    }

    fn number(&mut self, number: Option<i64>) {
        bind(self, number);
    }

    fn flag(&mut self, flag: Option<bool>) {
        bind(self, flag);
    }

    fn text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => bind(self, Arc::<str>::from(text)),
            None => bind(self, None::<&str>),
        }
    }

    fn json(&mut self, text: Option<&str>) {
        self.text(text);
    }

    fn time(&mut self, time: Option<DateTime<Utc>>) {
        match time {
            Some(time) => bind(self, as_text(time)),
            None => bind(self, None::<&str>),
        }
    }

    fn shared_text(&mut self, text: &Shared<()>) {
        bind(self, Arc::clone(&text.text));
    }

    fn shared_id(&mut self, id: &Shared<Uuid>) {
        bind(self, Arc::clone(&id.text));
    }

    fn shared_time(&mut self, time: &Shared<DateTime<Utc>>) {
        bind(self, Arc::clone(&time.text));
    }
}

/// The columns of rows for Postgres, each as an array: so a statement has few parameters and one text,
/// however many rows there are. With a parameter a value, a run with 1,000 new failures was measured as
/// taking 1.16 times as long.
#[derive(Debug)]
pub(super) struct Arrays {
    columns: Vec<Array>,
    /// How many there are to be.
    count: usize,
    /// Which of them takes the next value.
    next: usize,
}

#[derive(Debug)]
enum Array {
    Ids(Vec<Option<Uuid>>),
    Numbers(Vec<Option<i64>>),
    Flags(Vec<Option<bool>>),
    Texts(Vec<Option<String>>),
    Jsons(Vec<Option<Json<'static>>>),
    Times(Vec<Option<DateTime<Utc>>>),
}

impl Arrays {
    pub(super) fn new(columns: usize) -> Self {
        Self { columns: Vec::with_capacity(columns), count: columns, next: 0 }
    }

    /// Where the next value goes: in the first row, what is `empty`.
    fn next(&mut self, empty: Array) -> &mut Array {
        let column = self.next;
        self.next = (column + 1) % self.count;
        if column == self.columns.len() {
            self.columns.push(empty);
        }
        &mut self.columns[column]
    }

    pub(super) fn into_arguments(self) -> PgArguments {
        let mut arguments = PgArguments::default();
        for column in self.columns {
            match column {
                Array::Ids(ids) => bind(&mut arguments, ids),
                Array::Numbers(numbers) => bind(&mut arguments, numbers),
                Array::Flags(flags) => bind(&mut arguments, flags),
                Array::Texts(texts) => bind(&mut arguments, texts),
                Array::Jsons(jsons) => bind(&mut arguments, jsons),
                Array::Times(times) => bind(&mut arguments, times),
            }
        }
        arguments
    }
}

/// Puts a value behind those of its column.
macro_rules! put {
    ($arrays:ident, $kind:ident, $value:expr) => {
        match $arrays.next(Array::$kind(Vec::new())) {
            Array::$kind(column) => column.push($value),
            _ => unreachable!("a column has values of one type"),
        }
    };
}

impl Columns for Arrays {
    fn id(&mut self, id: Option<Uuid>) {
        put!(self, Ids, id);
    }

    fn number(&mut self, number: Option<i64>) {
        put!(self, Numbers, number);
    }

    fn flag(&mut self, flag: Option<bool>) {
        put!(self, Flags, flag);
    }

    fn text(&mut self, text: Option<&str>) {
        put!(self, Texts, text.map(str::to_owned));
    }

    fn json(&mut self, text: Option<&str>) {
        put!(self, Jsons, text.map(|text| Json(text.to_owned().into())));
    }

    fn time(&mut self, time: Option<DateTime<Utc>>) {
        put!(self, Times, time);
    }

    fn shared_text(&mut self, text: &Shared<()>) {
        self.text(Some(&text.text));
    }

    fn shared_id(&mut self, id: &Shared<Uuid>) {
        self.id(Some(id.value));
    }

    fn shared_time(&mut self, time: &Shared<DateTime<Utc>>) {
        self.time(Some(time.value));
    }
}

fn bind<'t, A, T>(arguments: &mut A, value: T)
where
    A: Arguments,
    T: Encode<'t, A::Database> + Type<A::Database>,
{
    arguments.add(value).expect("numbers, texts and times of these ranges can be encoded");
}

/// Rows in the binary format of Postgres' `copy` (its documentation, "COPY", section "Binary Format"):
/// the fastest way in that it has. Lengths are in bytes, all numbers big-endian.
#[derive(Debug)]
pub(super) struct CopyRows {
    pub(super) bytes: Vec<u8>,
    columns: i16,
}

/// A signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xFF\r\n\0\0\0\0\0\0\0\0\0";
/// In the place of a row's number of columns.
const END: i16 = -1;
/// In the place of a value's length.
const NULL: i32 = -1;
/// Postgres counts microseconds since the year 2000.
const EPOCH: i64 = 946_684_800_000_000;

impl CopyRows {
    pub(super) fn new(columns: usize) -> Self {
        let columns = i16::try_from(columns).expect("a table has a few columns");
        Self { bytes: HEADER.to_vec(), columns }
    }

    pub(super) fn begin_row(&mut self) {
        self.bytes.extend_from_slice(&self.columns.to_be_bytes());
    }

    pub(super) fn end(&mut self) {
        self.bytes.extend_from_slice(&END.to_be_bytes());
    }

    fn value(&mut self, value: Option<&[u8]>) {
        let Some(value) = value else {
            return self.bytes.extend_from_slice(&NULL.to_be_bytes());
        };
        // Longer than any text a record may have, which the reader limits.
        let length = i32::try_from(value.len()).expect("a text is below 2 GiB");
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(value);
    }
}

impl Columns for CopyRows {
    fn id(&mut self, id: Option<Uuid>) {
        self.value(id.as_ref().map(|id| id.as_bytes().as_slice()));
    }

    fn number(&mut self, number: Option<i64>) {
        self.value(number.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
    }

    fn flag(&mut self, flag: Option<bool>) {
        self.value(flag.map(|flag| [u8::from(flag)]).as_ref().map(<[u8; 1]>::as_slice));
    }

    fn text(&mut self, text: Option<&str>) {
        self.value(text.map(str::as_bytes));
    }

    fn json(&mut self, text: Option<&str>) {
        self.text(text);
    }

    fn time(&mut self, time: Option<DateTime<Utc>>) {
        self.number(time.map(|time| time.timestamp_micros() - EPOCH));
    }

    fn shared_text(&mut self, text: &Shared<()>) {
        self.text(Some(&text.text));
    }

    fn shared_id(&mut self, id: &Shared<Uuid>) {
        self.id(Some(id.value));
    }

    fn shared_time(&mut self, time: &Shared<DateTime<Utc>>) {
        self.time(Some(time.value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_written_as_the_binary_format_is_documented() {
        let mut rows = CopyRows::new(4);
        rows.begin_row();
        rows.text(Some("é"));
        rows.number(Some(-2));
        rows.flag(None);
        rows.time(Some("2000-01-01T00:00:01Z".parse().unwrap()));
        rows.end();
        let expected: &[&[u8]] = &[
            b"PGCOPY\n\xFF\r\n\0",
            &[0; 8],
            &[0, 4],
            &[0, 0, 0, 2, 0xC3, 0xA9],
            &[0, 0, 0, 8, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE],
            &[0xFF; 4],
            &[0, 0, 0, 8, 0, 0, 0, 0, 0, 0x0F, 0x42, 0x40],
            &[0xFF, 0xFF],
        ];
        assert_eq!(rows.bytes, expected.concat());
    }
}
