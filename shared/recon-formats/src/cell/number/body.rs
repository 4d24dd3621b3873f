//! What stands around the digits, and the digits in groups.

use recon_domain::Currency;

use super::codes::{is_code, is_code_bytes};
use super::signs::Said;
use super::{Error, Marks, Number};
use crate::cell::is_blank;

/// A number without its sign and currency.
#[derive(Debug, Clone, Copy)]
pub(super) struct Body<'a> {
    digits: &'a str,
    negative: bool,
    said: Option<Said>,
}

/// Takes off what stands around the digits; `None` where that is not one number's.
pub(super) fn body(cell: &str) -> Option<Body<'_>> {
    if !may_start(cell.as_bytes()) {
        return None;
    }
    let (mut rest, mut sign, mut symbol, mut code) = (cell, None, None, None);
    loop {
        rest = rest.trim_matches(is_blank);
        let (first, last) = (rest.chars().next()?, rest.chars().next_back()?);
        if let Some(negative) = sign_of(first).filter(|_| sign.is_none()) {
            (sign, rest) = (Some(negative), &rest[first.len_utf8()..]);
        } else if let Some(inner) = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            if sign.replace(true).is_some() {
                return None;
            }
            rest = inner;
        } else if let Some(found) = Said::sign(first).filter(|_| symbol.is_none()) {
            (symbol, rest) = (Some(found), &rest[first.len_utf8()..]);
        } else if let Some((found, after)) = code_before(rest).filter(|_| code.is_none()) {
            (code, rest) = (Some(found), after);
        } else if let Some(negative) = sign_of(last).filter(|_| sign.is_none()) {
            (sign, rest) = (Some(negative), &rest[..rest.len() - last.len_utf8()]);
        } else if let Some(found) = Said::sign(last).filter(|_| symbol.is_none()) {
            (symbol, rest) = (Some(found), &rest[..rest.len() - last.len_utf8()]);
        } else if let Some((found, before)) = code_after(rest).filter(|_| code.is_none()) {
            (code, rest) = (Some(found), before);
        } else if let Some((negative, before)) = debit_or_credit(rest).filter(|_| sign.is_none()) {
            (sign, rest) = (Some(negative), before);
        } else {
            let said = match (symbol, code) {
                (Some(symbol), Some(code)) => Some(symbol.with_code(code)?),
                (symbol, code) => symbol.or(code.map(Said::code)),
            };
            return Some(Body { digits: rest, negative: sign == Some(true), said });
        }
    }
}

/// Tells most texts from numbers by their first bytes.
fn may_start(bytes: &[u8]) -> bool {
    match bytes {
        [b'A'..=b'Z', ..] => bytes.first_chunk::<3>().is_some_and(is_code_bytes),
        [b'0'..=b'9' | b'-' | b'+' | b'(' | b'.' | b',' | b'$' | b' ' | b'\t' | 0x80.., ..] => true,
        [..] => false,
    }
}

const fn sign_of(character: char) -> Option<bool> {
    match character {
        '-' | '\u{2212}' | '\u{2013}' => Some(true),
        '+' => Some(false),
        _ => None,
    }
}

fn code_before(text: &str) -> Option<(Currency, &str)> {
    let (code, rest) = text.split_at_checked(3)?;
    let separate = rest.starts_with(|next: char| !next.is_alphanumeric() || next.is_ascii_digit());
    (separate && is_code(code)).then(|| code.parse().ok().map(|code| (code, rest)))?
}

fn code_after(text: &str) -> Option<(Currency, &str)> {
    let (rest, code) = text.split_at_checked(text.len().checked_sub(3)?)?;
    let separate = rest.ends_with(|before: char| !before.is_alphabetic());
    (separate && is_code(code)).then(|| code.parse().ok().map(|code| (code, rest)))?
}

impl Body<'_> {
    pub(super) fn read(self, marks: Marks) -> Result<Number, Error> {
        let (whole, fraction) = match self.digits.split_once(marks.decimal) {
            None => (self.digits, ""),
            // A mark at the end is no number's; one at the start stands for a zero before it.
            Some((_, "")) => return Err(Error::Form),
            Some(parts) => parts,
        };
        if (whole.is_empty() && fraction.is_empty()) || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Error::Form);
        }
        let mut units = Digits::default();
        read_whole(whole, marks, &mut units)?;
        fraction.bytes().try_for_each(|byte| units.push(byte))?;
        let scale = u8::try_from(fraction.len()).map_err(|_| Error::TooLong)?;
        let units = if self.negative { -units.value } else { units.value };
        Ok(Number { units, scale, said: self.said })
    }
}

/// Digits in groups of three, in groups of two before the last three, or without groups.
fn read_whole(whole: &str, marks: Marks, units: &mut Digits) -> Result<(), Error> {
    let mark = whole.chars().find(|character| !character.is_ascii_digit());
    let Some(mark) = mark else { return whole.bytes().try_for_each(|byte| units.push(byte)) };
    let usual = is_blank(mark) && mark != '\t' || matches!(mark, '.' | ',' | '\'' | '\u{2019}');
    if mark == marks.decimal || !marks.thousands.map_or(usual, |thousands| same_mark(thousands, mark)) {
        return Err(Error::Form);
    }
    let is_digit = |byte: u8| byte.is_ascii_digit();
    if !is_grouped(whole, mark) || !whole.split(mark).all(|group| group.bytes().all(is_digit)) {
        return Err(Error::Form);
    }
    whole.bytes().filter(u8::is_ascii_digit).try_for_each(|byte| units.push(byte))
}

/// Whether groups have the lengths that are in use: `1,234,567`, or with commas `12,34,567` as in India. With two
/// groups both are the same.
fn is_grouped(whole: &str, mark: char) -> bool {
    let Some((rest, last)) = whole.rsplit_once(mark) else { return false };
    let (first, inner) = match rest.split_once(mark) {
        Some((first, inner)) => (first, Some(inner)),
        None => (rest, None),
    };
    let fits = |first_max: usize, inner_digits: usize| {
        (1..=first_max).contains(&first.len())
            && inner.is_none_or(|inner| inner.split(mark).all(|group| group.len() == inner_digits))
    };
    last.len() == 3 && !first.starts_with('0') && (fits(3, 3) || (mark == ',' && fits(2, 2)))
}

/// Whoever says "space" or "apostrophe" means any of its kind.
fn same_mark(said: char, found: char) -> bool {
    let apostrophe = |character| matches!(character, '\'' | '\u{2019}');
    said == found || (is_blank(said) && is_blank(found)) || (apostrophe(said) && apostrophe(found))
}

#[derive(Default)]
struct Digits {
    value: i128,
    count: usize,
}

impl Digits {
    fn push(&mut self, digit: u8) -> Result<(), Error> {
        self.count += usize::from(self.count > 0 || digit != b'0');
        if self.count > 38 {
            return Err(Error::TooLong);
        }
        let value = self.value.checked_mul(10).and_then(|value| value.checked_add(i128::from(digit - b'0')));
        self.value = value.ok_or(Error::TooLong)?;
        Ok(())
    }
}

fn debit_or_credit(text: &str) -> Option<(bool, &str)> {
    let (rest, word) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let separate = rest.ends_with(|before: char| before.is_ascii_digit() || is_blank(before));
    let negative = match word {
        "DR" | "Dr" | "dr" => true,
        "CR" | "Cr" | "cr" => false,
        _ => return None,
    };
    separate.then_some((negative, rest))
}
