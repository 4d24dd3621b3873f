//! Made-up payments: the same seed gives the same.

/// One payment, as both sides may write it.
#[derive(Debug, Clone)]
pub(crate) struct Payment {
    pub(crate) number: u64,
    pub(crate) cents: i64,
    /// Days from 2026-01-01.
    pub(crate) day: u64,
    /// Days until the other side books it.
    pub(crate) lag: u64,
    pub(crate) name: String,
}

const FIRST: [&str; 12] = [
    "Adler", "Brandt", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Hansen", "Ibarra", "Jansen",
    "Keller", "Lambert",
];
const SECOND: [&str; 10] =
    ["Motoren", "Textil", "Papier", "Glas", "Stahl", "Holz", "Druck", "Kaffee", "Papeterie", "Optik"];

/// So many payments from a seed.
pub(crate) fn payments(count: usize, seed: u64) -> Vec<Payment> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) % below
    };
    let mut all: Vec<Payment> = (0..count)
        .map(|place| {
            let sign = if next(3) == 0 { -1 } else { 1 };
            let name = |index: u64, of: &[&str]| of[usize::try_from(index).unwrap()].to_owned();
            Payment {
                number: 10_000 + u64::try_from(place).unwrap() * 7 + seed * 100_000,
                cents: sign * i64::try_from(500 + next(900_000)).unwrap(),
                day: next(150),
                lag: next(3),
                name: format!("{} {}", name(next(12), &FIRST), name(next(10), &SECOND)),
            }
        })
        .collect();
    all.sort_by_key(|payment| payment.day);
    all
}

impl Payment {
    /// `1234.50`.
    pub(crate) fn amount(&self) -> String {
        text(self.cents, '.')
    }

    /// `2026-03-01`, so many days after the payment.
    pub(crate) fn iso(&self, after: u64) -> String {
        let (year, month, day) = date(self.day + after);
        format!("{year}-{month:02}-{day:02}")
    }

    /// `01.03.2026`.
    pub(crate) fn dotted(&self, after: u64) -> String {
        let (year, month, day) = date(self.day + after);
        format!("{day:02}.{month:02}.{year}")
    }
}

/// An amount with this decimal mark.
pub(crate) fn text(cents: i64, mark: char) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}{mark}{:02}", cents.abs() / 100, cents.abs() % 100)
}

/// A day of 2026, counted from its first.
fn date(mut day: u64) -> (u64, u64, u64) {
    let months = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    for (month, length) in (1..).zip(months) {
        if day < length {
            return (2026, month, day + 1);
        }
        day -= length;
    }
    (2027, 1, day + 1)
}

/// A file of these lines under a header.
pub(crate) fn file(header: &str, lines: impl Iterator<Item = String>) -> String {
    let lines: Vec<String> = lines.collect();
    format!("{header}\n{}\n", lines.join("\n"))
}

/// The usual left file: a bank's.
pub(crate) fn bank(payments: &[Payment]) -> String {
    let line =
        |p: &Payment| format!("{},{},{},invoice {}", p.iso(0), p.amount(), p.name.to_uppercase(), p.number);
    file("date,amount,payee,purpose", payments.iter().map(line))
}

/// The usual right file: a ledger's.
pub(crate) fn ledger(payments: &[Payment]) -> String {
    let line = |p: &Payment| format!("{},{},{},{}", p.number, p.name, p.amount(), p.iso(p.lag));
    file("document no,customer,amount,posting date", payments.iter().map(line))
}
