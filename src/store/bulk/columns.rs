//! The values of a row in the order of its statement's columns, written once for every way in which a
//! row reaches a database.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{Arguments, Encode, Type};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::store::value::Time;

/// Takes the values of rows, one after another.
pub(in crate::store) trait Columns {
    fn id(&mut self, id: Option<Uuid>);
    fn number(&mut self, number: Option<i64>);
    fn flag(&mut self, flag: Option<bool>);
    fn text(&mut self, text: Option<&str>);
    fn json(&mut self, text: Option<&str>);
    fn time(&mut self, time: Option<DateTime<Utc>>);
    fn day(&mut self, day: NaiveDate);
    /// A text, an id and a time that all rows of a window share.
    fn shared_text(&mut self, text: &Shared<()>);
    fn shared_id(&mut self, id: &Shared<Uuid>);
    fn shared_time(&mut self, time: &Shared<DateTime<Utc>>);
}

/// A value that many rows share, with its text.
#[derive(Debug, Clone)]
pub(in crate::store) struct Shared<T> {
    pub(in crate::store) value: T,
    pub(super) text: Arc<str>,
}

impl Shared<()> {
    pub(in crate::store) fn text(text: &str) -> Self {
        Self { value: (), text: text.into() }
    }
}

impl Shared<Uuid> {
    pub(in crate::store) fn id(id: Uuid) -> Self {
        Self { value: id, text: Arc::from(hyphenated(id, &mut [0; Hyphenated::LENGTH])) }
    }
}

impl Shared<DateTime<Utc>> {
    pub(in crate::store) fn time(time: DateTime<Utc>) -> Self {
        Self { value: time, text: Time(time).text() }
    }
}

pub(super) fn hyphenated(id: Uuid, buffer: &mut [u8; Hyphenated::LENGTH]) -> &str {
    id.hyphenated().encode_lower(buffer)
}

pub(super) fn bind<'t, A, T>(arguments: &mut A, value: T)
where
    A: Arguments,
    T: Encode<'t, A::Database> + Type<A::Database>,
{
    arguments.add(value).expect("numbers, texts and times of these ranges can be encoded");
}
