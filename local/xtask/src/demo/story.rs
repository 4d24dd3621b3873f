//! What happened in the spring of 2026.

use jiff::civil::Date;

use super::calendar::{self, LAST};
use super::mishaps::{ABROAD, PAYMENTS, RECEIPTS};
use super::names::{CUSTOMERS, CUSTOMERS_ABROAD, DEBITS, EMPLOYEES, SUPPLIERS, as_banks_write};
use super::twist::Twist;
use super::{Deed, bank, ledger};
use crate::random::Random;

const RECEIPTS_COUNT: usize = 150;
const RECEIPTS_ABROAD_COUNT: usize = 22;
const PAYMENTS_PER_RUN: usize = 3;

/// Everything that happened, in no particular order.
pub(super) fn tell(seed: u64) -> Vec<Deed> {
    let mut deeds = receipts(&mut Random::new(seed, 1));
    deeds.extend(receipts_abroad(&mut Random::new(seed, 2)));
    deeds.extend(payments(&mut Random::new(seed, 3)));
    deeds.extend(debits(&mut Random::new(seed, 4)));
    deeds.extend(salaries());
    deeds.extend(card_takings(&mut Random::new(seed, 5)));
    deeds.extend(cash(&mut Random::new(seed, 6)));
    deeds.extend(charges());
    for deed in &mut deeds {
        // What the bank books after the last day is on the next statement, and so with the ledger.
        deed.bank.retain(|row| row.day <= LAST);
        deed.ledger.retain(|row| row.day <= LAST);
    }
    deeds
}

fn receipts(random: &mut Random) -> Vec<Deed> {
    let days = calendar::business_days();
    let deed = |number: usize| {
        let day = days[number * days.len() / RECEIPTS_COUNT];
        let customer = *random.pick(&CUSTOMERS);
        let reference = format!("RE-2026-{:05}", 4701 + 3 * number + random.index(3));
        let purpose = match random.below(4) {
            0 => format!("{reference} vom {}", german_day_before(day, random.between(14, 40))),
            1 => format!("Rechnung {reference}; Kunde {}", 40_000 + random.below(900)),
            2 => format!("{}; besten Dank", reference.replace('-', " ")),
            _ => reference.clone(),
        };
        let cents = random.between(8_000, 400_000) * if random.chance(120) { 6 } else { 1 };
        pair(Booking {
            bank_day: day,
            ledger_day: calendar::later(day, random.between(0, 2)),
            kind: "SEPA-Gutschrift",
            partner: customer,
            purpose,
            memo: format!("Zahlungseingang {reference}"),
            reference,
            cents,
            currency: "EUR",
        })
    };
    twisted((0..RECEIPTS_COUNT).map(deed).collect(), &RECEIPTS)
}

fn receipts_abroad(random: &mut Random) -> Vec<Deed> {
    let days = calendar::business_days();
    let deed = |number: usize| {
        let day = days[number * (days.len() - 3) / RECEIPTS_ABROAD_COUNT];
        let (customer, currency) = *random.pick(&CUSTOMERS_ABROAD);
        let reference = format!("RE-2026-{:05}", 9101 + 2 * number);
        pair(Booking {
            bank_day: day,
            ledger_day: calendar::later(day, random.between(0, 2)),
            kind: "Auslandszahlung",
            partner: customer,
            purpose: format!("/INV/{reference} /OUR SHARE/"),
            memo: format!("Zahlungseingang {reference}, {currency}"),
            reference,
            cents: random.between(90_000, 1_400_000),
            currency,
        })
    };
    twisted((0..RECEIPTS_ABROAD_COUNT).map(deed).collect(), &ABROAD)
}

/// The payment runs of Tuesday and Friday; the bank executes them that day or the next.
fn payments(random: &mut Random) -> Vec<Deed> {
    let runs = calendar::business_days()
        .into_iter()
        .filter(|day| matches!(day.weekday().to_monday_one_offset(), 2 | 5));
    let mut deeds = Vec::new();
    for day in runs {
        for _ in 0..PAYMENTS_PER_RUN {
            let reference = format!("KR-2026-{:05}", 318 + deeds.len());
            let invoice = 70_000 + random.below(20_000);
            deeds.push(pair(Booking {
                bank_day: calendar::later(day, random.between(0, 1)),
                ledger_day: day,
                kind: "SEPA-Überweisung",
                partner: SUPPLIERS[random.index(SUPPLIERS.len())],
                purpose: format!("Ihre Rechnung {invoice}; unser Beleg {reference}"),
                memo: format!("Zahllauf, Rechnung {invoice}"),
                reference,
                cents: -random.between(4_500, 620_000),
                currency: "EUR",
            }));
        }
    }
    twisted(deeds, &PAYMENTS)
}

/// Rent and the like: the ledger books them on their day, the bank on its next business day.
fn debits(random: &mut Random) -> Vec<Deed> {
    let mut deeds = Vec::new();
    for month in [3, 4, 5] {
        for (partner, day, cents, purpose) in DEBITS {
            let due = jiff::civil::date(2026, month, day);
            // Prices are fixed; only the telephone's bill is different each month.
            let cents = if purpose.contains("Telefon") { cents + random.between(-900, 2_500) } else { cents };
            deeds.push(pair(Booking {
                bank_day: calendar::on_or_after(due),
                ledger_day: due,
                kind: "SEPA-Lastschrift",
                partner,
                purpose: format!("{purpose} {month:02}/2026"),
                memo: format!("{purpose} {month:02}/2026, Dauerbeleg"),
                reference: String::new(),
                cents: -cents,
                currency: "EUR",
            }));
        }
    }
    deeds
}

fn salaries() -> Vec<Deed> {
    let mut deeds = Vec::new();
    for (month, day) in [(3, 27), (4, 28), (5, 27)] {
        for (employee, cents) in EMPLOYEES {
            let day = jiff::civil::date(2026, month, day);
            deeds.push(pair(Booking {
                bank_day: day,
                ledger_day: calendar::on_or_after(day),
                kind: "Gehalt/Rente",
                partner: employee,
                purpose: format!("Lohn/Gehalt {month:02}/2026"),
                memo: format!("Nettolohn {month:02}/2026"),
                reference: String::new(),
                cents: -cents,
                currency: "EUR",
            }));
        }
    }
    deeds
}

/// The shop's card terminal: the bank credits the takings less a fee of about 0.9 percent.
fn card_takings(random: &mut Random) -> Vec<Deed> {
    let days = calendar::business_days();
    let taken = days.iter().filter(|day| matches!(day.weekday().to_monday_one_offset(), 1 | 3 | 4));
    let deed = |day: &Date| {
        let gross = random.between(24_000, 310_000);
        let mut deed = pair(Booking {
            bank_day: calendar::later(*day, 1),
            ledger_day: *day,
            kind: "Kartenzahlung",
            partner: "Kartendienst Nord",
            purpose: format!("Kartenumsätze {} abzgl. Entgelt", german(*day)),
            memo: "Kartenzahlungen Laden, brutto".to_owned(),
            reference: String::new(),
            cents: gross,
            currency: "EUR",
        });
        deed.bank.iter_mut().for_each(|row| row.cents = gross - gross * 9 / 1000);
        deed
    };
    taken.map(deed).collect()
}

/// Cash of the shop, paid in on Mondays. On two of them each shop paid in the same sum, and nothing tells which is
/// which.
fn cash(random: &mut Random) -> Vec<Deed> {
    let mondays =
        calendar::business_days().into_iter().filter(|day| day.weekday().to_monday_one_offset() == 1);
    let mut deeds = Vec::new();
    for (week, day) in mondays.enumerate() {
        let cents = 5_000 * random.between(4, 30);
        let shops: &[(&str, &str)] = match week {
            3 | 8 => &[("0117", "Laden"), ("0342", "Werkstatt")],
            _ => &[("0117", "Laden")],
        };
        for (machine, shop) in shops {
            let mut deed = pair(Booking {
                bank_day: day,
                ledger_day: day,
                kind: "Bargeldeinzahlung",
                partner: "",
                purpose: "Einzahlung Bargeld".to_owned(),
                memo: format!("Kasse {shop} an Bank"),
                reference: String::new(),
                cents,
                currency: "EUR",
            });
            deed.bank.iter_mut().for_each(|row| row.partner = format!("AUTOMAT {machine}"));
            deed.ledger.iter_mut().for_each(|row| row.partner = format!("Kasse {shop}"));
            deeds.push(deed);
        }
    }
    deeds
}

/// What the bank takes by itself; the ledger learns of it from the statement, if at all.
fn charges() -> Vec<Deed> {
    let charge = |month: i8, day: i8, purpose: &str, cents: i64| {
        let day = calendar::on_or_after(jiff::civil::date(2026, month, day));
        let mut deed = pair(Booking {
            bank_day: day,
            ledger_day: day,
            kind: "Entgelt",
            partner: "Hansebank Trave AG",
            purpose: purpose.to_owned(),
            memo: String::new(),
            reference: String::new(),
            cents: -cents,
            currency: "EUR",
        });
        deed.ledger.clear();
        deed
    };
    vec![
        charge(3, 31, "Kontoführung 03/2026; 14,90 € monatlich", 1_490),
        charge(4, 30, "Kontoführung 04/2026; 14,90 € monatlich", 1_490),
        charge(5, 29, "Kontoführung 05/2026; 14,90 € monatlich", 1_490),
        charge(3, 12, "Auslandsentgelt – Lakeview", 950),
        charge(4, 16, "Auslandsentgelt – Léman", 950),
        charge(5, 19, "Auslandsentgelt – Alpina", 950),
        charge(3, 31, "Sollzinsen 1. Quartal", 8_417),
        charge(5, 11, "Rücklastschrift Hofgut Lüders", 4_200),
    ]
}

/// A thing that both sides know of.
struct Booking {
    bank_day: Date,
    ledger_day: Date,
    kind: &'static str,
    partner: &'static str,
    purpose: String,
    memo: String,
    reference: String,
    cents: i64,
    currency: &'static str,
}

fn pair(booking: Booking) -> Deed {
    let Booking { bank_day, ledger_day, kind, partner, purpose, memo, reference, cents, currency } = booking;
    let bank = bank::Row {
        day: bank_day,
        kind,
        partner: as_banks_write(partner),
        purpose,
        cents,
        currency,
        fault: None,
    };
    let ledger = ledger::Row {
        day: ledger_day,
        partner: partner.to_owned(),
        memo,
        reference,
        cents,
        currency,
        fault: None,
    };
    Deed { bank: vec![bank], ledger: vec![ledger] }
}

fn twisted(mut deeds: Vec<Deed>, twists: &[(usize, Twist)]) -> Vec<Deed> {
    for (place, twist) in twists {
        if let Some(deed) = deeds.get_mut(*place) {
            twist.apply(deed);
        }
    }
    deeds
}

fn german(day: Date) -> String {
    format!("{:02}.{:02}.", day.day(), day.month())
}

fn german_day_before(day: Date, days: i64) -> String {
    let earlier = day.saturating_sub(jiff::Span::new().days(days));
    format!("{}{}", german(earlier), earlier.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_planned_twist_has_a_deed() {
        let last = |twists: &[(usize, Twist)]| twists.iter().map(|(place, _)| *place).max().unwrap();
        assert!(last(&RECEIPTS) < RECEIPTS_COUNT);
        assert!(last(&ABROAD) < RECEIPTS_ABROAD_COUNT);
        assert!(last(&PAYMENTS) < payments(&mut Random::new(1, 3)).len());
    }

    #[test]
    fn receipts_come_in_and_payments_go_out() {
        let signs = |deeds: Vec<Deed>| -> Vec<i64> {
            deeds.iter().flat_map(|deed| &deed.bank).map(|row| row.cents.signum()).collect()
        };
        assert!(signs(receipts(&mut Random::new(7, 1))).iter().all(|sign| *sign == 1));
        assert!(signs(payments(&mut Random::new(7, 3))).iter().all(|sign| *sign == -1));
        assert!(signs(charges()).iter().all(|sign| *sign == -1));
    }

    #[test]
    fn nothing_is_dated_after_the_last_day() {
        for deed in tell(3) {
            assert!(deed.bank.iter().all(|row| row.day <= LAST));
            assert!(deed.ledger.iter().all(|row| row.day <= LAST));
        }
    }
}
