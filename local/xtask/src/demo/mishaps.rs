//! What goes wrong with which of the things that happened.

use super::twist::{BankTwist, LedgerTwist, Twist};
use super::{bank, ledger};

/// What goes wrong with the receipts, by their place among them.
pub(super) const RECEIPTS: [(usize, Twist); 34] = [
    (3, Twist::Ledger(LedgerTwist::Cents(1))),
    (8, Twist::Ledger(LedgerTwist::Transposed)),
    (12, Twist::LedgerTwice),
    (17, Twist::Bank(BankTwist::NoReference)),
    (21, Twist::Ledger(LedgerTwist::Cents(-2))),
    (24, Twist::NoLedger),
    (29, Twist::Bank(BankTwist::PaidByAnother)),
    (33, Twist::Ledger(LedgerTwist::Late)),
    (38, Twist::Bank(BankTwist::NoReference)),
    (41, Twist::NoBank),
    (46, Twist::Ledger(LedgerTwist::Flipped)),
    (50, Twist::Ledger(LedgerTwist::Cents(2))),
    (55, Twist::Bank(BankTwist::Fault(bank::Fault::Day))),
    (58, Twist::Ledger(LedgerTwist::Francs)),
    (63, Twist::LedgerTwice),
    (67, Twist::Bank(BankTwist::NoReference)),
    (70, Twist::Ledger(LedgerTwist::Shifted)),
    (74, Twist::Ledger(LedgerTwist::Fault(ledger::Fault::Amount))),
    (79, Twist::Ledger(LedgerTwist::Transposed)),
    (83, Twist::Ledger(LedgerTwist::Cents(-1))),
    (86, Twist::NoLedger),
    (91, Twist::Bank(BankTwist::NoReference)),
    (95, Twist::Ledger(LedgerTwist::Late)),
    (99, Twist::Bank(BankTwist::PaidByAnother)),
    (104, Twist::Bank(BankTwist::NoReference)),
    (108, Twist::Ledger(LedgerTwist::Cents(2))),
    (112, Twist::BankTwice),
    (117, Twist::Ledger(LedgerTwist::Fault(ledger::Fault::Field))),
    (121, Twist::Bank(BankTwist::NoReference)),
    (126, Twist::Ledger(LedgerTwist::Transposed)),
    (131, Twist::NoBank),
    (135, Twist::LedgerTwice),
    (139, Twist::Ledger(LedgerTwist::Cents(-2))),
    (144, Twist::NoLedger),
];

/// What goes wrong with receipts in another currency: foreign banks keep a fee of 15.00.
pub(super) const ABROAD: [(usize, Twist); 7] = [
    (2, Twist::Bank(BankTwist::Fee(1500))),
    (5, Twist::Bank(BankTwist::Fee(1500))),
    (9, Twist::Bank(BankTwist::Fee(1500))),
    (11, Twist::Ledger(LedgerTwist::Cents(1))),
    (13, Twist::Bank(BankTwist::Fee(1500))),
    (16, Twist::NoLedger),
    (19, Twist::Bank(BankTwist::Fee(1500))),
];

/// What goes wrong with payments to suppliers.
pub(super) const PAYMENTS: [(usize, Twist); 9] = [
    (6, Twist::BankTwice),
    (13, Twist::Ledger(LedgerTwist::Transposed)),
    (22, Twist::Ledger(LedgerTwist::Flipped)),
    (30, Twist::NoBank),
    (37, Twist::Bank(BankTwist::Fault(bank::Fault::Amount))),
    (44, Twist::Ledger(LedgerTwist::Fault(ledger::Fault::Day))),
    (51, Twist::Bank(BankTwist::Fault(bank::Fault::Field))),
    (60, Twist::LedgerTwice),
    (66, Twist::NoBank),
];
