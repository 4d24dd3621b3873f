//! Pages of lists, and the cursors between them.

use std::io;

use serde::{Deserialize, Serialize};

use crate::document::Table;
use crate::problem::{Code, FieldCode, Problem};

/// How many items a page has when the request does not say.
pub const LIMIT_DEFAULT: u16 = 50;
/// The most items of a page.
pub const LIMIT_MAX: u16 = 500;

/// The most bytes that the items of a page take together; a page ends before the item that would go beyond. They are
/// counted as a text inside another JSON document, where a quote takes two: so travels the answer of a function,
/// of which a load balancer takes 1 MB.
pub const PAGE_BYTES_MAX: usize = 700_000;

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
    /// The caller's sessions.
    Sessions,
    /// Datasets.
    Datasets,
    /// The rows of a dataset that were accepted.
    AcceptedRows,
    /// The rows of a dataset that were rejected.
    RejectedRows,
    /// The matches of a reconciliation.
    Matches,
    /// The breaks of a reconciliation.
    Breaks,
    /// The rejected rows of a reconciliation.
    Rejections,
    /// Reconciliations.
    Reconciliations,
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

impl<T: Serialize> Page<T> {
    /// The page of these items, each with its position in the list. It ends before [`PAGE_BYTES_MAX`], though never
    /// without an item; `more` says whether the list goes on after the last of them.
    pub fn cut(list: List, items: impl IntoIterator<Item = (u128, T)>, more: bool) -> Self {
        let mut page = Self { items: Vec::new(), next_cursor: None };
        let (mut bytes, mut last, mut more) = (0_usize, None, more);
        for (position, item) in items {
            bytes = bytes.saturating_add(Measured::of(&item));
            if bytes > PAGE_BYTES_MAX && last.is_some() {
                more = true;
                break;
            }
            page.items.push(item);
            last = Some(position);
        }
        page.next_cursor = last.filter(|_| more).map(|position| Cursor { list, position }.to_string());
        page
    }

    /// The page of up to `limit` of these items, which are all that follow, each with its position in the list. It ends
    /// as [`Page::cut`] does. No more than one item beyond the page is asked for, so that items which are made as they
    /// are asked for need no more memory than a page.
    ///
    /// # Errors
    /// Those of the items.
    pub fn fill<E>(
        list: List,
        limit: u16,
        items: impl IntoIterator<Item = Result<(u128, T), E>>,
    ) -> Result<Self, E> {
        let mut page = Self { items: Vec::new(), next_cursor: None };
        let (mut bytes, mut last) = (0_usize, None);
        for item in items {
            let (position, item) = item?;
            bytes = bytes.saturating_add(Measured::of(&item));
            let full = bytes > PAGE_BYTES_MAX || page.items.len() >= usize::from(limit);
            if let Some(position) = last.filter(|_| full) {
                page.next_cursor = Some(Cursor { list, position }.to_string());
                break;
            }
            page.items.push(item);
            last = Some(position);
        }
        Ok(page)
    }
}

/// Counts the bytes that are written, as they stand in a JSON text.
struct Measured(usize);

impl Measured {
    /// The bytes of an item and of the comma after it.
    fn of(item: &impl Serialize) -> usize {
        let mut measured = Self(1);
        // Counting fails nowhere; what has no JSON form fails where the answer is written.
        let _ = serde_json::to_writer(&mut measured, item);
        measured.0
    }
}

impl io::Write for Measured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let escaped = bytes.iter().filter(|byte| matches!(byte, b'"' | b'\\')).count();
        self.0 = self.0.saturating_add(bytes.len() + escaped);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl List {
    const fn tag(self) -> &'static str {
        match self {
            Self::Sessions => "5",
            Self::Datasets => "d",
            Self::AcceptedRows => "e",
            Self::RejectedRows => "f",
            Self::Matches => "a",
            Self::Breaks => "b",
            Self::Rejections => "8",
            Self::Reconciliations => "c",
        }
    }
}

#[cfg(feature = "openapi")]
impl List {
    /// What cursors of these lists look like.
    pub(crate) fn cursor_pattern(lists: &[Self]) -> String {
        let tags: String = lists.iter().map(|list| list.tag()).collect();
        format!("^{VERSION}[{tags}][0-9a-f]{{32}}$")
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

    /// Cuts texts of so many letters, at the positions 1, 2, ….
    fn cut(letters: &[usize], more: bool) -> (usize, Option<u128>) {
        let items = (1..).zip(letters.iter().map(|letters| "x".repeat(*letters)));
        let page = Page::cut(List::Breaks, items, more);
        let next = page.next_cursor.map(|cursor| Cursor::parse(List::Breaks, &cursor).unwrap().position);
        (page.items.len(), next)
    }

    #[test]
    fn a_page_ends_with_its_items_or_with_its_bytes() {
        assert_eq!(cut(&[], false), (0, None));
        assert_eq!(cut(&[1, 1], false), (2, None));
        assert_eq!(cut(&[1, 1], true), (2, Some(2)));
        // A third of the room for each, then one letter more: two quotes of two bytes and a comma besides.
        let third = PAGE_BYTES_MAX / 3 - 5;
        assert_eq!(cut(&[third, third, third], false), (3, None));
        assert_eq!(cut(&[third, third, third, third], false), (3, Some(3)));
        assert_eq!(cut(&[third, third, third + 2], false), (2, Some(2)));
    }

    #[test]
    fn an_item_that_is_larger_than_a_page_stands_alone() {
        let huge = 2 * PAGE_BYTES_MAX;
        assert_eq!(cut(&[huge], false), (1, None));
        assert_eq!(cut(&[huge, 1], false), (1, Some(1)));
        assert_eq!(cut(&[1, huge, 1], false), (1, Some(1)));
    }

    #[test]
    fn a_page_that_is_filled_asks_for_one_item_more_than_it_holds() {
        let check = |limit: u16, letters: &[usize], expected: (usize, Option<u128>), asked: usize| {
            let mut count = 0;
            let items = (1..).zip(letters).inspect(|_| count += 1);
            let items = items.map(|(position, letters)| Ok::<_, ()>((position, "x".repeat(*letters))));
            let page = Page::fill(List::Breaks, limit, items).unwrap();
            let next = page.next_cursor.map(|cursor| Cursor::parse(List::Breaks, &cursor).unwrap().position);
            assert_eq!(((page.items.len(), next), count), (expected, asked), "{limit} {letters:?}");
        };
        let (third, huge) = (PAGE_BYTES_MAX / 3 - 5, 2 * PAGE_BYTES_MAX);
        check(2, &[], (0, None), 0);
        check(2, &[1, 1], (2, None), 2);
        check(2, &[1, 1, 1, 1], (2, Some(2)), 3);
        check(9, &[third, third, third, third, third], (3, Some(3)), 4);
        check(9, &[huge, 1, 1], (1, Some(1)), 2);
        check(9, &[huge], (1, None), 1);
        let broken = [Ok((1, "x")), Err("broken")];
        assert_eq!(Page::fill(List::Breaks, 9, broken).unwrap_err(), "broken");
        assert!(Page::fill(List::Breaks, 1, [Ok((1, "x")), Ok((2, "y")), Err("unseen")]).is_ok());
    }

    #[test]
    fn a_page_fits_into_a_text_of_json_whatever_it_holds() {
        for letter in ["x", "\"", "\\", "\u{1}", "ä"] {
            let items = (1..).zip(std::iter::repeat_n(letter.repeat(1000), 1000));
            let page = Page::cut(List::Matches, items, false);
            assert!(page.next_cursor.is_some() && page.items.len() > 20, "{letter:?}");
            let inner = serde_json::to_string(&page.items).unwrap();
            let outer = serde_json::to_string(&inner).unwrap().len();
            assert!(outer <= PAGE_BYTES_MAX + 3, "{letter:?}: {outer}");
        }
    }

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
