//! What was measured, against what was to be reached.

use std::process::ExitCode;
use std::time::Duration;

use crate::{CLIENTS, FAR_CLIENTS, ROUND_TRIP, ROUNDS, SHAPES, TURN, Turns};

/// A shape's rate against another's, and what it must be at least; without that it is told only.
struct Ratio {
    ours: &'static str,
    peer: &'static str,
    least: Option<f64>,
}

const RATIOS: [Ratio; 9] = [
    ratio("ours", "bare", Some(0.75)),
    ratio("ours", "guide", Some(1.2)),
    ratio("replay", "select", Some(0.8)),
    ratio("transaction", "bare", None),
    ratio("guide", "bare", None),
    ratio("three", "bare", None),
    ratio("two", "bare", None),
    ratio("work", "set", None),
    ratio("work-replay", "get", None),
];

const fn ratio(ours: &'static str, peer: &'static str, least: Option<f64>) -> Ratio {
    Ratio { ours, peer, least }
}

/// Prints all tables, and fails where a target is missed.
pub(crate) fn print(far: &[Turns], near: &[Turns]) -> ExitCode {
    println!(
        "medians of {ROUNDS} turns of {} ms; PostgreSQL with fsync on, Redis with fsync every second",
        TURN.as_millis()
    );
    println!(
        "\nhow long a request takes: {FAR_CLIENTS} clients, PostgreSQL {} us off",
        ROUND_TRIP.as_micros()
    );
    let met = ratios(far, true);
    println!("\nhow much work it is: {CLIENTS} clients, everything on loopback");
    ratios(near, false);
    println!("\nwhere the time goes: microseconds on a processor for an answer, on loopback");
    println!("{:<12} {:<42} {:>8} {:>9} {:>9}", "shape", "what it does", "clients", "handlers", "database");
    for (shape, turns) in SHAPES.iter().zip(near) {
        let [clients, handlers, database] = turns.cpu.map(|spent| for_each(spent, turns.answers));
        println!("{:<12} {:<42} {clients:>8.1} {handlers:>9.1} {database:>9.1}", shape.name, shape.about);
    }
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints each ratio that was measured, and tells whether every target that counts here is met.
fn ratios(turns: &[Turns], targets: bool) -> bool {
    println!(
        "{:<12} {:>8}  {:<12} {:>8} {:>7} {:>7}  ok",
        "ours", "a second", "peer", "a second", "ratio", "target"
    );
    let rate = |wanted: &str| {
        let found = SHAPES.iter().zip(turns).find(|(shape, _)| shape.name == wanted);
        found.and_then(|(_, turns)| median(&turns.rates))
    };
    let mut all_met = true;
    for Ratio { ours, peer, least } in RATIOS {
        let (Some(ours_rate), Some(peer_rate)) = (rate(ours), rate(peer)) else { continue };
        let ratio = ours_rate / peer_rate;
        let (target, word) = match least.filter(|_| targets) {
            Some(least) if ratio >= least => (format!("{least:.2}"), "yes"),
            Some(least) => (format!("{least:.2}"), "NO"),
            None => ("-".to_owned(), "-"),
        };
        all_met &= word != "NO";
        println!("{ours:<12} {ours_rate:>8.0}  {peer:<12} {peer_rate:>8.0} {ratio:>7.2} {target:>7}  {word}");
    }
    all_met
}

/// Nothing for a shape that was not asked.
fn median(rates: &[f64]) -> Option<f64> {
    let mut rates = rates.to_vec();
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied()
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn for_each(spent: Duration, answers: u64) -> f64 {
    spent.as_secs_f64() * 1_000_000.0 / answers.max(1) as f64
}
