//! Pages of lists, and the cursors between them.

use serde::{Deserialize, Serialize};

use crate::document::Table;
use crate::problem::{Code, FieldCode, Problem};

/// How many items a page has when the request does not say.
pub const LIMIT_DEFAULT: u16 = 50;
/// The most items of a page.
pub const LIMIT_MAX: u16 = 500;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// What to send as `cursor` for the next page; `None` on the last one.
    pub next_cursor: Option<String>,
}

/// The lists that have cursors. A cursor of one list is refused by the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// The matches of a reconciliation.
    Matches,
    /// The breaks of a reconciliation.
    Breaks,
}

/// A place in a list, after which the next page starts.
///
/// It holds a position and nothing else: what the caller may see and which items are asked for come from
/// the request that carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The list.
    pub list: List,
    /// The position of the last item that was given out; what it means is the list's own affair. Wide
    /// enough for a UUID.
    pub position: u128,
}

/// Why a text is not a cursor of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// Not of the form that cursors have.
    #[error("not a cursor that this API gave out")]
    Form,
    /// A cursor of another list.
    #[error("a cursor of another list")]
    OtherList,
}

/// Which page of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// The most items to give, from 1 to [`LIMIT_MAX`].
    pub limit: u16,
    /// The position after which to start.
    pub after: Option<u128>,
}

const VERSION: &str = "1";

impl List {
    const fn tag(self) -> &'static str {
        match self {
            Self::Matches => "a",
            Self::Breaks => "b",
        }
    }
}

impl Cursor {
    /// Reads a cursor of this list.
    ///
    /// # Errors
    /// See [`CursorError`].
    pub fn parse(list: List, text: &str) -> Result<Self, CursorError> {
        let digits = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let rest = text.strip_prefix(VERSION).ok_or(CursorError::Form)?;
        if rest.len() != 33 || !digits(rest) {
            return Err(CursorError::Form);
        }
        let position = rest.strip_prefix(list.tag()).ok_or(CursorError::OtherList)?;
        let position = u128::from_str_radix(position, 16).map_err(|_| CursorError::Form)?;
        Ok(Self { list, position })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{VERSION}{}{:032x}", self.list.tag(), self.position)
    }
}

impl From<CursorError> for Problem {
    fn from(error: CursorError) -> Self {
        Self::new(Code::InvalidCursor, format!("the cursor is {error}"))
    }
}

impl PageRequest {
    /// The parameters it reads.
    pub(crate) const PARAMETERS: [&'static str; 2] = ["limit", "cursor"];

    /// Reads `limit` and `cursor` of a query. A bad cursor is its own problem, so it is read last.
    pub(crate) fn read(query: &Table<'_>) -> Option<(u16, Option<String>)> {
        let limit = match query.get("limit") {
            None => Some(LIMIT_DEFAULT),
            Some(node) => {
                let limit = node.value.as_str().and_then(|text| text.parse().ok());
                let limit = limit.filter(|limit| (1..=LIMIT_MAX).contains(limit));
                if limit.is_none() {
                    node.fault(
                        FieldCode::OutOfRange,
                        format!("must be a whole number from 1 to {LIMIT_MAX}"),
                    );
                }
                limit
            }
        };
        let cursor = query.get("cursor").and_then(|node| node.value.as_str());
        Some((limit?, cursor.map(str::to_owned)))
    }

    /// Joins what [`PageRequest::read`] gave with the list.
    pub(crate) fn resolve(list: List, (limit, cursor): (u16, Option<String>)) -> Result<Self, Problem> {
        let cursor = cursor.map(|text| Cursor::parse(list, &text)).transpose()?;
        Ok(Self { limit, after: cursor.map(|cursor| cursor.position) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_in_its_own_list_only() {
        for position in [0, 7, u128::MAX] {
            let text = Cursor { list: List::Breaks, position }.to_string();
            assert_eq!(Cursor::parse(List::Breaks, &text).map(|cursor| cursor.position), Ok(position));
            assert_eq!(Cursor::parse(List::Matches, &text), Err(CursorError::OtherList));
        }
        let good = Cursor { list: List::Matches, position: 1 }.to_string();
        let upper = good.to_uppercase();
        let longer = format!("{good}0");
        for text in ["", "1", "2a", "ä", "1a+0000000000000000000000000000001", &good[1..], &upper, &longer] {
            assert_eq!(Cursor::parse(List::Matches, text), Err(CursorError::Form), "{text}");
        }
    }
}
