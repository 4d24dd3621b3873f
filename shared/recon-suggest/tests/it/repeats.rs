//! What is paid every month: the same amount by the same customer, many times.

use std::collections::HashSet;

use crate::Files;
use crate::payments::file;

const TENANTS: u64 = 47;

/// A rent or another payment of a tenant, as both sides may write it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rent {
    tenant: u64,
    cents: u64,
    /// Of the year; what is booked late has another one on the right.
    month: u64,
    day: u64,
}

/// How a pair of files is written.
#[derive(Debug, Clone, Copy)]
struct Form {
    name: &'static str,
    tenant: fn(u64) -> String,
    cents: fn(u64) -> u64,
    date: fn(&Rent) -> String,
    /// How many payments there are that come once only.
    once: u64,
    /// Months that are not on the left, and those that are not on the right.
    missing: [&'static [u64]; 2],
    /// How many of the pairs are confirmed at least, in percent.
    confirmed_min: usize,
}

const CODED: fn(u64) -> String = |tenant| format!("T-{tenant:03}");
const NUMBERED: fn(u64) -> String = |tenant| (10_000 + tenant).to_string();
const NAMED: fn(u64) -> String = |tenant| {
    let first = ["Ada", "Bruno", "Clara", "Dirk", "Eva", "Frank", "Greta"];
    let last = ["Quast", "Richter", "Sommer", "Thiele", "Ulrich", "Vogel", "Winter"];
    let of = |names: [&'static str; 7], place: u64| names[usize::try_from(place % 7).unwrap()];
    format!("{} {}", of(first, tenant), of(last, tenant / 7))
};
const SAME: fn(u64) -> u64 = |_| 85_000;
const OWN: fn(u64) -> u64 = |tenant| 60_050 + tenant * 1_300;
const ISO: fn(&Rent) -> String = |rent| format!("2026-{:02}-{:02}", rent.month, rent.day);
/// Days up to the twelfth, so that the order is open.
const SLASHED: fn(&Rent) -> String = |rent| format!("{:02}/{:02}/2026", rent.day, rent.month);

const FORM: Form = Form {
    name: "",
    tenant: CODED,
    cents: SAME,
    date: ISO,
    once: 60,
    missing: [&[], &[5]],
    confirmed_min: 0,
};

/// The left and the right payments; a right one is the partner of the left one with the same tenant, amount and month
/// of the left.
fn rents(form: &Form) -> [Vec<Rent>; 2] {
    let of_month = |month: u64| {
        (0..TENANTS).map(move |tenant| Rent { tenant, cents: (form.cents)(tenant), month, day: 1 })
    };
    let once = (0..form.once).map(|n| Rent {
        tenant: n * 29 % TENANTS,
        cents: 2_000 + n * 731,
        month: n * 5 % 12 + 1,
        day: n % 8 + 2,
    });
    let all: Vec<Rent> = (1..=12).flat_map(of_month).chain(once).collect();
    form.missing.map(|missing| {
        let is_there = |rent: &&Rent| rent.day > 1 || !missing.contains(&rent.month);
        all.iter().filter(is_there).cloned().collect()
    })
}

fn check(form: Form) {
    let [left, right] = rents(&form);
    let euros = |cents: u64| format!("{}.{:02}", cents / 100, cents % 100);
    let lines = left
        .iter()
        .map(|rent| format!("{},{},{}", (form.date)(rent), (form.tenant)(rent.tenant), euros(rent.cents)));
    let lines_left = file("date,customer,amount", lines);
    // Booked up to three days later, in another order; all of September on the twelfth of October.
    let booked = |(place, rent): (usize, &Rent)| {
        let later = if rent.day == 1 { u64::try_from(place % 4).unwrap() } else { 1 };
        let (month, day) = match (rent.month, rent.day) {
            (9, 1) => (10, 12),
            (month, day) => (month, day + later),
        };
        let late = Rent { month, day, ..rent.clone() };
        format!("{},{},{}", (form.tenant)(rent.tenant), euros(rent.cents), (form.date)(&late))
    };
    let lines_right = file("customer,amount,booked", right.iter().enumerate().map(booked));
    let files = Files::new(&lines_left, &lines_right);
    let found = files.suggest();
    let confirmed = files.confirmed(&found);
    let place = |row: u32| usize::try_from(row).unwrap() - 1;
    let crossed: Vec<_> =
        confirmed.iter().filter(|pair| left[place(pair[0])] != right[place(pair[1])]).collect();
    let name = form.name;
    assert_eq!(
        crossed.len(),
        0,
        "{name}: of {} confirmed\n{}",
        confirmed.len(),
        recon_suggest::to_toml(&found)
    );
    let rows: HashSet<u32> = confirmed.iter().map(|pair| pair[0]).collect();
    assert_eq!(rows.len(), confirmed.len(), "{name}: each row once");
    let most = left.iter().filter(|rent| right.contains(rent)).count();
    assert!(
        confirmed.len() * 100 >= most * form.confirmed_min,
        "{name}: {} of {most} confirmed\n{}",
        confirmed.len(),
        recon_suggest::to_toml(&found)
    );
}

#[test]
fn a_rent_is_not_confirmed_with_that_of_another_month_or_tenant() {
    for form in [
        Form { name: "codes", confirmed_min: 85, ..FORM },
        Form { name: "numbers", tenant: NUMBERED, confirmed_min: 85, ..FORM },
        Form { name: "names", tenant: NAMED, confirmed_min: 85, ..FORM },
        Form { name: "own amounts", cents: OWN, confirmed_min: 85, ..FORM },
        Form { name: "own amounts and numbers", tenant: NUMBERED, cents: OWN, confirmed_min: 85, ..FORM },
        Form { name: "a month missing on each side", missing: [&[3], &[10]], confirmed_min: 85, ..FORM },
        Form { name: "rents only", once: 0, ..FORM },
        Form { name: "rents only, with names", tenant: NAMED, once: 0, ..FORM },
        Form { name: "own rents only", cents: OWN, once: 0, missing: [&[3], &[10]], ..FORM },
        Form {
            name: "one month against another",
            missing: [&[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], &[1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
            ..FORM
        },
        Form { name: "dates of an open order", date: SLASHED, ..FORM },
        Form { name: "open order and numbers", date: SLASHED, tenant: NUMBERED, ..FORM },
        Form { name: "open order and names", date: SLASHED, tenant: NAMED, cents: OWN, ..FORM },
        Form { name: "open order, rents only", date: SLASHED, cents: OWN, once: 0, ..FORM },
    ] {
        check(form);
    }
}
