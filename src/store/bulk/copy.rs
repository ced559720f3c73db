//! Rows in the binary format of Postgres' `copy` (its documentation, "COPY", section "Binary Format").
//! Lengths are in bytes, all numbers big-endian.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use sqlx::PgConnection;
use sqlx::postgres::PgCopyIn;
use uuid::Uuid;

use super::columns::{Columns, Shared};
use super::{Row, Statement};
use crate::store::value::Time;

/// Bytes per message. Postgres works on one message while the next is encoded.
const MESSAGE_BYTES: usize = 64 * 1024;

/// A `copy` of rows straight into their table. What it has taken is there once it is finished.
pub(in crate::store) struct CopyIn<'t> {
    sent: PgCopyIn<&'t mut PgConnection>,
    written: CopyRows,
}

impl<'t> CopyIn<'t> {
    /// Begins to copy into the table of a statement.
    pub(in crate::store) async fn begin(
        connection: &'t mut PgConnection,
        statement: Statement,
    ) -> Result<Self, sqlx::Error> {
        let sent = connection.copy_in_raw(&statement.copy_sql()).await?;
        Ok(Self { sent, written: CopyRows::new(statement.width()) })
    }

    /// Takes rows of which none is stored.
    pub(in crate::store) async fn write<'r, T, R: Row>(
        &mut self,
        rows: &'r [T],
        as_row: impl Fn(&'r T) -> R,
    ) -> Result<(), sqlx::Error> {
        for row in rows {
            self.written.begin_row();
            as_row(row).write(&mut self.written);
            if self.written.bytes.len() >= MESSAGE_BYTES {
                self.sent.send(self.written.bytes.as_slice()).await?;
                self.written.bytes.clear();
            }
        }
        Ok(())
    }

    pub(in crate::store) async fn finish(mut self) -> Result<(), sqlx::Error> {
        self.written.end();
        self.sent.send(self.written.bytes.as_slice()).await?;
        self.sent.finish().await.map(drop)
    }
}

/// Encoded rows.
#[derive(Debug)]
struct CopyRows {
    bytes: Vec<u8>,
    width: i16,
}

/// A signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xFF\r\n\0\0\0\0\0\0\0\0\0";
/// In the place of a row's number of columns.
const END: i16 = -1;
/// In the place of a value's length.
const NULL: i32 = -1;
/// Postgres counts microseconds since the year 2000.
const EPOCH: i64 = 946_684_800_000_000;
/// The first day of that year, counted as chrono does.
const EPOCH_DAY: i32 = 730_120;

impl CopyRows {
    fn new(width: usize) -> Self {
        let width = i16::try_from(width).expect("a table has a few columns");
        Self { bytes: HEADER.to_vec(), width }
    }

    fn begin_row(&mut self) {
        self.bytes.extend_from_slice(&self.width.to_be_bytes());
    }

    fn end(&mut self) {
        self.bytes.extend_from_slice(&END.to_be_bytes());
    }

    fn value(&mut self, value: Option<&[u8]>) {
        let Some(value) = value else {
            return self.bytes.extend_from_slice(&NULL.to_be_bytes());
        };
        // The reader limits a record to far less.
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
        self.number(time.map(|time| Time(time).micros() - EPOCH));
    }

    fn day(&mut self, day: NaiveDate) {
        let days = (day.num_days_from_ce() - EPOCH_DAY).to_be_bytes();
        self.value(Some(&days));
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
        let mut rows = CopyRows::new(5);
        rows.begin_row();
        rows.text(Some("é"));
        rows.number(Some(-2));
        rows.flag(None);
        rows.time(Some("2000-01-01T00:00:01Z".parse().unwrap()));
        rows.day("2000-01-03".parse().unwrap());
        rows.end();
        let expected: &[&[u8]] = &[
            b"PGCOPY\n\xFF\r\n\0",
            &[0; 8],
            &[0, 5],
            &[0, 0, 0, 2, 0xC3, 0xA9],
            &[0, 0, 0, 8, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE],
            &[0xFF; 4],
            &[0, 0, 0, 8, 0, 0, 0, 0, 0, 0x0F, 0x42, 0x40],
            &[0, 0, 0, 4, 0, 0, 0, 2],
            &[0xFF, 0xFF],
        ];
        assert_eq!(rows.bytes, expected.concat());
    }
}
