//! Times the engine alone, on tables made in memory from a seed.
//!
//! `cargo run --release -p recon-engine --example speed -- keyless 1000000 2 3` (shape, rows a side,
//! threads, repetitions).
#![expect(clippy::print_stdout, reason = "an example that is run for what it prints")]

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use recon_domain::{
    Allowance, Ambiguous, Cardinality, Combine, Decimal, MatchStatus, Measure, Pass, Role, RoleId, RoleType,
    RuleSet, Similar, Source, Tolerance, Within,
};
use recon_engine::{Column, Interner, Outcome, Phase, Progress, Table, reconcile};

const AMOUNT: RoleId = RoleId(0);
const DATE: RoleId = RoleId(1);
const REFERENCE: RoleId = RoleId(2);
const DESCRIPTION: RoleId = RoleId(3);

/// SplitMix64: small, seeded, good enough to make test data.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let high = (mixed ^ (mixed >> 31)) >> 32;
        u32::try_from((high * u64::from(limit)) >> 32).unwrap_or(0)
    }

    fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }
}

#[derive(Clone)]
struct Row {
    amount: i128,
    day: i32,
    reference: String,
    words: [u32; 3],
}

fn words(random: &mut Random) -> Vec<String> {
    let letter = |random: &mut Random| char::from(b"abcdefghijklmnopqrstuvwxyz"[random.below(26) as usize]);
    (0..5_000).map(|_| (0..4 + random.below(5)).map(|_| letter(random)).collect()).collect()
}

fn pairs(random: &mut Random, rows: u32, keyed: bool) -> [Vec<Row>; 2] {
    let mut sides = [Vec::new(), Vec::new()];
    for number in 0..rows {
        let left = Row {
            amount: i128::from(100 + random.below(1_999_901)),
            day: 20_000 + i32::try_from(random.below(300)).unwrap_or(0),
            reference: if keyed { format!("INV-{number:09}") } else { String::new() },
            words: [0; 3].map(|_| random.below(5_000)),
        };
        let mut right = left.clone();
        if random.percent(10) {
            right.amount += i128::from(random.below(5)) - 2;
        }
        if random.percent(10) {
            right.day += i32::try_from(random.below(4)).unwrap_or(0);
        }
        if random.percent(10) {
            right.words[2] = random.below(5_000);
        }
        match random.below(100) {
            0..=1 => sides[0].push(left),
            2..=3 => sides[1].push(right),
            4 => {
                sides[0].push(left);
                sides[1].extend([right.clone(), right]);
            }
            5..=6 => {
                right.amount += 30_000;
                sides[0].push(left);
                sides[1].push(right);
            }
            _ => {
                sides[0].push(left);
                sides[1].push(right);
            }
        }
    }
    for side in &mut sides {
        for place in (1..u32::try_from(side.len()).unwrap_or(0)).rev() {
            let other = random.below(place + 1);
            side.swap(place as usize, other as usize);
        }
    }
    sides
}

fn table(rows: &[Row], words: &[String], texts: &mut Interner) -> Table {
    let mut text = |text: String| texts.intern(&text);
    let described = |row: &Row| row.words.map(|word| words[word as usize].as_str()).join(" ");
    let references = rows.iter().map(|row| text(row.reference.clone())).collect();
    let descriptions = rows.iter().map(|row| text(described(row))).collect();
    Table {
        columns: vec![
            Column::Number { units: rows.iter().map(|row| row.amount).collect(), scale: 2 },
            Column::Day(rows.iter().map(|row| row.day).collect()),
            Column::Text { ids: references, shown: None },
            Column::Text { ids: descriptions, shown: None },
        ],
        currencies: vec!["EUR".parse().unwrap_or(recon_domain::Currency::NONE); rows.len()],
        rows: (1..).take(rows.len()).collect(),
        contents: (0..rows.len() as u128).collect(),
        rejected: 0,
    }
}

fn role(name: &str, kind: RoleType) -> Role {
    Role {
        name: name.into(),
        kind,
        sources: [Source::Absent, Source::Absent],
        negate: [false; 2],
        formats: [None, None],
        extract: None,
        values: Vec::new(),
        normalize: Vec::new(),
    }
}

fn pass(name: &str, equal: &[RoleId], within: Vec<Within>, similar: Vec<Similar>) -> Pass {
    Pass {
        name: name.into(),
        cardinality: Cardinality::OneToOne,
        combine: Combine::Key,
        search_items_max: 0,
        filters: Vec::new(),
        equal: equal.to_vec(),
        within,
        similar,
        ambiguous: Ambiguous::Suggest,
        outcome: MatchStatus::Confirmed,
    }
}

fn amounts(cents: i128) -> Within {
    let allowance =
        Allowance { absolute: Decimal::new(cents, 2).unwrap_or_default(), percent: Decimal::default() };
    Within { role: AMOUNT, tolerance: Tolerance::Amount { below: allowance, above: allowance } }
}

fn days(before: u16, after: u16) -> Within {
    Within { role: DATE, tolerance: Tolerance::Days { before, after, calendar: None } }
}

fn rules(keyed: bool) -> RuleSet {
    let described = |at_least| Similar { role: DESCRIPTION, at_least, measure: Measure::TokenSet };
    let passes = if keyed {
        vec![
            pass("reference", &[REFERENCE, AMOUNT], vec![], vec![]),
            pass("reference near", &[REFERENCE], vec![amounts(5), days(0, 5)], vec![]),
            pass("amount and date", &[AMOUNT, DATE], vec![], vec![]),
        ]
    } else {
        vec![
            pass("same", &[AMOUNT, DATE, DESCRIPTION], vec![], vec![]),
            pass("late", &[AMOUNT], vec![days(0, 3)], vec![described(6_000)]),
            pass("near", &[], vec![amounts(2), days(0, 3)], vec![described(8_500)]),
        ]
    };
    RuleSet {
        default_currency: None,
        options: Default::default(),
        roles: vec![
            role("amount", RoleType::Decimal),
            role("date", RoleType::Date),
            role("reference", RoleType::Text),
            role("description", RoleType::Text),
        ],
        calendars: vec![],
        passes,
    }
}

/// Prints when each phase begins, and measures how long the run goes on without asking.
struct Clock {
    start: Instant,
    last: Mutex<Last>,
}

struct Last {
    step: Option<(Phase, u64)>,
    asked: Option<Duration>,
    longest: (Duration, Duration),
}

impl Clock {
    fn start() -> Self {
        let last = Last { step: None, asked: None, longest: (Duration::ZERO, Duration::ZERO) };
        Self { start: Instant::now(), last: Mutex::new(last) }
    }

    fn finish(&self) {
        let now = self.start.elapsed();
        println!("  {:>8.3} s  done", now.as_secs_f64());
        if let Ok(mut last) = self.last.lock() {
            last.asked(now);
            let (pause, end) = last.longest;
            println!("  {:>8.3} s  without a question, until {:.3}", pause.as_secs_f64(), end.as_secs_f64());
        }
    }
}

impl Last {
    fn asked(&mut self, now: Duration) {
        // Before the first question the allocator may still be busy with what was freed while the tables were made.
        let pause = self.asked.map_or(Duration::ZERO, |asked| now.saturating_sub(asked));
        self.longest = self.longest.max((pause, now));
        self.asked = Some(now);
    }
}

impl Progress for Clock {
    fn advance(&self, phase: Phase, done: u64, _: u64) -> bool {
        let step = match phase {
            Phase::Matching => done,
            Phase::Classifying => 0,
        };
        let now = self.start.elapsed();
        if let Ok(mut last) = self.last.lock() {
            last.asked(now);
            if last.step != Some((phase, step)) {
                last.step = Some((phase, step));
                println!("  {:>8.3} s  {phase:?} {step}", now.as_secs_f64());
            }
        }
        true
    }
}

fn print(outcome: &Outcome) {
    for pass in &outcome.summary.by_pass {
        println!("  {:<16} {:>9} confirmed {:>9} suggested", pass.pass, pass.confirmed, pass.suggested);
    }
    for (kind, rows) in &outcome.summary.breaks {
        println!("  {:<24} {rows:>9}", kind.as_str());
    }
    println!("  {:?}\n  {}", outcome.summary.limits, outcome.summary.digest);
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let shapes = match arguments.first().map(String::as_str) {
        Some("keyed") => vec![true],
        Some("keyless") => vec![false],
        _ => vec![true, false],
    };
    let number = |place: usize| arguments.get(place).and_then(|text| text.parse::<u32>().ok());
    let rows = number(1).unwrap_or(1_000_000);
    let threads = number(2).and_then(|count| NonZeroUsize::new(count as usize)).unwrap_or(NonZeroUsize::MIN);
    for keyed in shapes {
        let mut random = Random(42);
        let words = words(&mut random);
        let mut texts = Interner::new();
        let [left, right] = pairs(&mut random, rows, keyed).map(|rows| table(&rows, &words, &mut texts));
        println!(
            "{} {} x {}, {threads} threads",
            if keyed { "keyed" } else { "keyless" },
            left.len(),
            right.len()
        );
        let rules = rules(keyed);
        for again in (0..number(3).unwrap_or(1)).rev() {
            let clock = Clock::start();
            let outcome = reconcile(&rules, &left, &right, &texts, threads, &clock);
            clock.finish();
            if let (0, Ok(outcome)) = (again, outcome) {
                print(&outcome);
            }
        }
    }
}
