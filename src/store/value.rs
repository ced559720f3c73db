//! Values whose column types differ between the databases, bound by one type each.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, SecondsFormat, SubsecRound, Utc};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo};
use sqlx::sqlite::{SqliteArgumentsBuffer, SqliteTypeInfo};
use sqlx::{Decode, Encode, Postgres, Sqlite, Type};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// An id: `uuid` in Postgres; in SQLite its text, which people can read and which sorts the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Id(pub(super) Uuid);

impl Type<Postgres> for Id {
    fn type_info() -> PgTypeInfo {
        <Uuid as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Id {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <Uuid as Encode<Postgres>>::encode_by_ref(&self.0, buf)
    }
}

impl<'r> Decode<'r, Postgres> for Id {
    fn decode(value: <Postgres as sqlx::Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
        <Uuid as Decode<Postgres>>::decode(value).map(Self)
    }
}

impl Type<Sqlite> for Id {
    fn type_info() -> SqliteTypeInfo {
        <Hyphenated as Type<Sqlite>>::type_info()
    }
}

impl Encode<'_, Sqlite> for Id {
    fn encode_by_ref(&self, buf: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        <Hyphenated as Encode<Sqlite>>::encode_by_ref(&self.0.hyphenated(), buf)
    }
}

impl<'r> Decode<'r, Sqlite> for Id {
    fn decode(value: <Sqlite as sqlx::Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
        <Hyphenated as Decode<Sqlite>>::decode(value).map(|id| Self(id.into_uuid()))
    }
}

/// A time, to the millisecond: `timestamptz` in Postgres; in SQLite text of one form, whose order is the
/// order of time and which tools read as a time. The driver would write another form, so that comparisons
/// would be wrong without an error: statements bind times as this type only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time(pub(super) DateTime<Utc>);

impl Time {
    /// The form in SQLite: `2026-03-29 01:00:00.250+00:00`.
    pub(super) fn text(self) -> Arc<str> {
        let mut text = self.0.to_rfc3339_opts(SecondsFormat::Millis, false);
        text.replace_range(DATE_LENGTH..=DATE_LENGTH, " ");
        text.into()
    }

    /// Microseconds since 1970, without those below a millisecond, which SQLite does not hold.
    pub(super) fn micros(self) -> i64 {
        self.0.timestamp_millis() * 1_000
    }
}

/// Bytes of a date; the `T` after it is what is replaced.
const DATE_LENGTH: usize = "2026-03-29".len();

impl Type<Postgres> for Time {
    fn type_info() -> PgTypeInfo {
        <DateTime<Utc> as Type<Postgres>>::type_info()
    }
}

impl PgHasArrayType for Time {
    fn array_type_info() -> PgTypeInfo {
        <DateTime<Utc> as PgHasArrayType>::array_type_info()
    }
}

impl Encode<'_, Postgres> for Time {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <DateTime<Utc> as Encode<Postgres>>::encode(self.0.trunc_subsecs(3), buf)
    }
}

impl<'r> Decode<'r, Postgres> for Time {
    fn decode(value: <Postgres as sqlx::Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
        <DateTime<Utc> as Decode<Postgres>>::decode(value).map(Self)
    }
}

impl<'r> Decode<'r, Sqlite> for Time {
    /// The driver tries several forms; of a table it would take longer than all else.
    fn decode(value: <Sqlite as sqlx::Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
        let text = <&str as Decode<Sqlite>>::decode(value)?;
        let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f+00:00")?;
        Ok(Self(time.and_utc()))
    }
}

impl Type<Sqlite> for Time {
    fn type_info() -> SqliteTypeInfo {
        <DateTime<Utc> as Type<Sqlite>>::type_info()
    }

    fn compatible(ty: &SqliteTypeInfo) -> bool {
        <DateTime<Utc> as Type<Sqlite>>::compatible(ty)
    }
}

impl Encode<'_, Sqlite> for Time {
    fn encode_by_ref(&self, buf: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        <Arc<str> as Encode<Sqlite>>::encode(self.text(), buf)
    }
}

/// The text of a record: `json` in Postgres, which keeps it byte for byte, text in SQLite.
#[derive(Debug, Clone)]
pub(super) struct Json<'a>(pub(super) Cow<'a, str>);

/// Postgres' object ids of the types `json` and `json[]` (`pg_type.dat`); the same in every version.
const JSON: Oid = Oid(114);
const JSONS: Oid = Oid(199);

impl Type<Postgres> for Json<'_> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(JSON)
    }
}

impl PgHasArrayType for Json<'_> {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(JSONS)
    }
}

impl Encode<'_, Postgres> for Json<'_> {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buf.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }
}

impl<'r> Decode<'r, Postgres> for Json<'static> {
    fn decode(value: <Postgres as sqlx::Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(value.as_str()?.to_owned().into()))
    }
}

impl Type<Sqlite> for Json<'_> {
    fn type_info() -> SqliteTypeInfo {
        <str as Type<Sqlite>>::type_info()
    }
}

impl<'r> Decode<'r, Sqlite> for Json<'static> {
    fn decode(value: <Sqlite as sqlx::Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
        <String as Decode<Sqlite>>::decode(value).map(|text| Self(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_one_form_with_three_digits() {
        let text = |time: &str| Time(time.parse().unwrap()).text();
        for (time, expected) in [
            ("2026-03-29T01:00:00Z", "2026-03-29 01:00:00.000+00:00"),
            ("2026-03-29T01:00:00.25Z", "2026-03-29 01:00:00.250+00:00"),
            ("2026-03-29T01:00:00.999999Z", "2026-03-29 01:00:00.999+00:00"),
            ("1970-01-01T02:00:00+02:00", "1970-01-01 00:00:00.000+00:00"),
        ] {
            assert_eq!(&*text(time), expected);
        }
    }
}
