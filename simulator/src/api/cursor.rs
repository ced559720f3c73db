//! Cursors of the events: positions in base64.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::config::Cursor;
use crate::history::Key;

/// The start of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// After this event.
    After(Key),
    /// The page with this number, from 1.
    Page(u64),
}

impl Position {
    pub(super) fn encode(self, account_id: u64) -> String {
        let text = match self {
            Self::After(Key { at, id, put }) => {
                format!("account_id:::{account_id}--##id:::{id}--##at:::{at}--##put:::{put}")
            }
            Self::Page(number) => format!("page_number:::{number}"),
        };
        BASE64_STANDARD.encode(text)
    }

    /// Reads a cursor; `None` if it is of another kind or account.
    pub(super) fn decode(kind: Cursor, account_id: u64, text: &str) -> Option<Self> {
        let bytes = BASE64_STANDARD.decode(text).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        match kind {
            Cursor::PageNumber => {
                let number = text.strip_prefix("page_number:::")?.parse().ok()?;
                (number > 0).then_some(Self::Page(number))
            }
            Cursor::Keyset => {
                let rest = text.strip_prefix(&format!("account_id:::{account_id}--##id:::"))?;
                let (id, rest) = rest.split_once("--##at:::")?;
                let (at, put) = rest.split_once("--##put:::")?;
                let (at, id, put) = (at.parse().ok()?, id.parse().ok()?, put.parse().ok()?);
                Some(Self::After(Key { at, id, put }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_one_of_another_kind_is_not() {
        let after = Position::After(Key { at: 1_774_008_000_123, id: 81_000_000_001, put: 2 });
        let second = Position::Page(2);
        assert_eq!(Position::decode(Cursor::Keyset, 7, &after.encode(7)), Some(after));
        assert_eq!(Position::decode(Cursor::PageNumber, 7, &second.encode(7)), Some(second));
        assert_eq!(Position::decode(Cursor::PageNumber, 7, &after.encode(7)), None);
        assert_eq!(Position::decode(Cursor::Keyset, 8, &after.encode(7)), None);
        for wrong in ["", "2", "cGFnZV9udW1iZXI6OjowCg==", &second.encode(7)] {
            assert_eq!(Position::decode(Cursor::Keyset, 7, wrong), None, "{wrong}");
        }
    }
}
