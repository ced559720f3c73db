//! Cursors of the events: what they say, and the base64 around it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::Cursor;
use super::event_record::ACCOUNT_ID;
use super::events::Key;

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// Behind this event.
    Behind(Key),
    /// At the page with this number, from 1.
    Page(u64),
}

impl Position {
    /// The cursor for it.
    pub(super) fn encode(self) -> String {
        let text = match self {
            Self::Behind(Key { at, id, put }) => {
                format!("account_id:::{ACCOUNT_ID}--##id:::{id}--##at:::{at}--##put:::{put}")
            }
            Self::Page(number) => format!("page_number:::{number}"),
        };
        BASE64_STANDARD.encode(text)
    }

    /// The position that a cursor of this kind says; none if it is no such cursor.
    pub(super) fn decode(kind: Cursor, text: &str) -> Option<Self> {
        let bytes = BASE64_STANDARD.decode(text).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        match kind {
            Cursor::PageNumber => {
                let number = text.strip_prefix("page_number:::")?.parse().ok()?;
                (number > 0).then_some(Self::Page(number))
            }
            Cursor::Keyset => {
                let rest = text.strip_prefix(&format!("account_id:::{ACCOUNT_ID}--##id:::"))?;
                let (id, rest) = rest.split_once("--##at:::")?;
                let (at, put) = rest.split_once("--##put:::")?;
                let (at, id, put) = (at.parse().ok()?, id.parse().ok()?, put.parse().ok()?);
                Some(Self::Behind(Key { at, id, put }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_says_where_it_is_and_another_kind_is_none() {
        let behind = Position::Behind(Key { at: 1_774_008_000_123, id: 81_000_000_001, put: 2 });
        let second = Position::Page(2);
        assert_eq!(Position::decode(Cursor::Keyset, &behind.encode()), Some(behind));
        assert_eq!(Position::decode(Cursor::PageNumber, &second.encode()), Some(second));
        assert_eq!(Position::decode(Cursor::PageNumber, &behind.encode()), None);
        for wrong in ["", "2", "cGFnZV9udW1iZXI6OjowCg==", &second.encode()] {
            assert_eq!(Position::decode(Cursor::Keyset, wrong), None, "{wrong}");
        }
    }
}
