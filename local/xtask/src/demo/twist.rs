//! What goes wrong between a bank and a ledger.

use super::calendar;
use super::{Deed, bank, ledger};

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Twist {
    /// The bank does not have it.
    NoBank,
    /// The ledger does not have it.
    NoLedger,
    /// The bank booked it twice.
    BankTwice,
    /// The ledger has it twice.
    LedgerTwice,
    /// The bank's line says something else.
    Bank(BankTwist),
    /// The ledger's line says something else.
    Ledger(LedgerTwist),
}

/// What is different at the bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BankTwist {
    /// The bank kept a fee of this many cents.
    Fee(i64),
    /// Somebody else paid, and two digits of the reference changed places.
    PaidByAnother,
    /// The payer left the reference out.
    NoReference,
    /// The line cannot be read.
    Fault(bank::Fault),
}

/// What is different in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LedgerTwist {
    /// This many cents more.
    Cents(i64),
    /// Two digits of the amount changed places.
    Transposed,
    /// The opposite sign.
    Flipped,
    /// The decimal point moved one place.
    Shifted,
    /// Francs for euros.
    Francs,
    /// Booked three weeks later.
    Late,
    /// The line cannot be read.
    Fault(ledger::Fault),
}

impl Twist {
    /// Does it.
    pub(super) fn apply(self, deed: &mut Deed) {
        match self {
            Self::NoBank => deed.bank.clear(),
            Self::NoLedger => deed.ledger.clear(),
            Self::BankTwice => deed.bank.extend(deed.bank.clone()),
            Self::LedgerTwice => deed.ledger.extend(deed.ledger.clone()),
            Self::Bank(twist) => deed.bank.iter_mut().for_each(|row| twist.apply(row)),
            Self::Ledger(twist) => deed.ledger.iter_mut().for_each(|row| twist.apply(row)),
        }
    }
}

impl BankTwist {
    fn apply(self, row: &mut bank::Row) {
        match self {
            Self::Fee(cents) => row.cents -= cents,
            Self::PaidByAnother => {
                row.partner = "TREUHAND FINKENWERDER".to_owned();
                row.purpose = transposed(&row.purpose);
            }
            Self::NoReference => row.purpose = "Zahlung wie besprochen; vielen Dank".to_owned(),
            Self::Fault(fault) => row.fault = Some(fault),
        }
    }
}

impl LedgerTwist {
    fn apply(self, row: &mut ledger::Row) {
        match self {
            Self::Cents(cents) => row.cents += cents,
            Self::Transposed => row.cents = transposed(&row.cents.to_string()).parse().unwrap_or(row.cents),
            Self::Flipped => row.cents = -row.cents,
            Self::Shifted => row.cents /= 10,
            Self::Francs => row.currency = "CHF",
            Self::Late => row.day = calendar::later(row.day, 15),
            Self::Fault(fault) => row.fault = Some(fault),
        }
    }
}

/// The text with the last two neighbouring digits that differ having changed places.
fn transposed(text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let differ = |pair: &[char]| pair.iter().all(char::is_ascii_digit) && pair[0] != pair[1];
    if let Some(place) = letters.windows(2).rposition(differ) {
        letters.swap(place, place + 1);
    }
    letters.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_two_digits_that_differ_change_places() {
        assert_eq!(transposed("RE-2026-04722"), "RE-2026-04272");
        assert_eq!(transposed("-154300"), "-154030");
        assert_eq!(transposed("none"), "none");
    }
}
