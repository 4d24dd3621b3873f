//! `[calendars.NAME]`: which days count as business days.

use recon_domain::{Calendar, Day, WEEKDAYS};

use super::{CALENDARS_MAX, NAME_BYTES_MAX, TEXT_BYTES_MAX};
use crate::document::{Node, Table, quoted};
use crate::problem::FieldCode;

const SATURDAY_AND_SUNDAY: [bool; 7] = [false, false, false, false, false, true, true];

/// A calendar as far as it could be read.
#[derive(Debug)]
pub(super) struct NamedCalendar {
    pub(super) name: String,
    pub(super) calendar: Option<Calendar>,
}

/// Reads the calendars of a document, in its order.
pub(super) fn read(node: &Node<'_>) -> Vec<NamedCalendar> {
    let entries = node.entries(CALENDARS_MAX).unwrap_or_default();
    entries
        .into_iter()
        .map(|(name, node)| NamedCalendar { name: name.to_owned(), calendar: calendar(name, &node) })
        .collect()
}

fn calendar(name: &str, node: &Node<'_>) -> Option<Calendar> {
    if name.trim().is_empty() || name.len() > NAME_BYTES_MAX {
        let detail = format!("the name of a calendar is a text of 1 to {NAME_BYTES_MAX} bytes");
        node.fault(FieldCode::Malformed, detail);
    }
    let table = node.table(&["weekend", "holidays"])?;
    let weekend = table.get("weekend").map_or(Some(SATURDAY_AND_SUNDAY), |node| weekend(&node));
    let holidays = holidays(&table);
    let calendar = Calendar::new(name.to_owned(), weekend?, holidays);
    if calendar.is_none() {
        table.fault(FieldCode::OutOfRange, "every day is a weekend; at least one weekday must be left");
    }
    calendar
}

fn weekend(node: &Node<'_>) -> Option<[bool; 7]> {
    let mut weekend = [false; 7];
    for item in node.list(WEEKDAYS.len())? {
        let Some(word) = item.text(TEXT_BYTES_MAX) else { continue };
        match WEEKDAYS.iter().position(|weekday| *weekday == word) {
            Some(index) if weekend[index] => {
                item.fault(FieldCode::Duplicate, format!("`{word}` is listed twice"))
            }
            Some(index) => weekend[index] = true,
            None => item.unknown_word("weekday", word, &WEEKDAYS),
        }
    }
    Some(weekend)
}

fn holidays(table: &Table<'_>) -> Vec<Day> {
    let items = table.get("holidays").and_then(|node| node.list(Calendar::HOLIDAYS_MAX)).unwrap_or_default();
    items.iter().filter_map(day).collect()
}

/// A date, `YYYY-MM-DD`.
pub(super) fn day(node: &Node<'_>) -> Option<Day> {
    let text = node.text(TEXT_BYTES_MAX)?;
    // The library would also read times behind the date, and years of six digits.
    let date = text.parse::<jiff::civil::Date>().ok().filter(|_| text.len() == 10);
    if date.is_none() {
        node.fault(FieldCode::Malformed, format!("`{}` is not a date such as 2026-12-25", quoted(text)));
    }
    date.map(Day::from)
}
