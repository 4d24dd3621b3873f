//! What a key costs: idempotent creates through axum on a real PostgreSQL with fsync on and on a real Redis that syncs every second,
//! each shape of handler in turn, and replays against bare reads. `cargo xtask bench idempotency` runs it.
//!
//! It measures two things. With PostgreSQL half a millisecond off and clients that do not fill the machine, a shape's rate tells how long a
//! request takes: round trips, commits, work. The targets are of these. With everything on loopback and as many clients as keep both
//! processors busy, it tells how much work an answer is, and nothing else.
//!
//! Clients and servers share the machine, so the rates mean nothing alone: what counts is a shape's rate against another's of the
//! same run. After each turn the effects are counted: an answer whose effect was not kept ends the bench.
#![expect(clippy::print_stdout, reason = "a bench prints its table")]

mod client;
mod cpu;
mod distance;
mod handlers;
mod redis;
mod servers;
mod table;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};

use servers::{Effects, Servers};
use tokio::runtime::Runtime;

/// Clients that keep the machine busy, and connections to the database.
const CLIENTS: usize = 8;
/// Clients that leave it idle now and then: their rate is how long a request takes.
const FAR_CLIENTS: usize = 2;
/// To a database in another zone of the same region.
const ROUND_TRIP: Duration = Duration::from_micros(500);
const TURN: Duration = Duration::from_millis(1_500);
const WARM_UP: Duration = Duration::from_millis(500);
const ROUNDS: usize = 7;

/// A shape of a handler, and how it is asked.
struct Shape {
    name: &'static str,
    path: &'static str,
    about: &'static str,
    server: Effects,
    asked: Asked,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// Each request has a key of its own and makes something.
    Create,
    /// The same request over and over: the first one makes something.
    Replay,
    /// Nothing is made.
    Read,
}

const SHAPES: [Shape; 12] = [
    shape("bare", "/bare", "a bare insert", Effects::Postgres, Asked::Create),
    shape("ours", "/ours", "claim, insert and answer in one statement", Effects::Postgres, Asked::Create),
    shape("transaction", "/transaction", "the same in one transaction", Effects::Postgres, Asked::Create),
    shape("guide", "/guide", "select, then insert (races)", Effects::Postgres, Asked::Create),
    shape("three", "/three", "three autocommits", Effects::Postgres, Asked::Create),
    shape("two", "/two", "two transactions", Effects::Postgres, Asked::Create),
    shape("select", "/select", "a bare select", Effects::Postgres, Asked::Read),
    shape("replay", "/ours", "a replay of `ours`", Effects::Postgres, Asked::Replay),
    shape("set", "/set", "a bare `set` in Redis", Effects::Redis, Asked::Create),
    shape("work", "/work", "claim, `set` and answer in Redis", Effects::Redis, Asked::Create),
    shape("get", "/get", "a bare `get` in Redis", Effects::Redis, Asked::Read),
    shape("work-replay", "/work", "a replay of `work`", Effects::Redis, Asked::Replay),
];

const fn shape(
    name: &'static str,
    path: &'static str,
    about: &'static str,
    server: Effects,
    asked: Asked,
) -> Shape {
    Shape { name, path, about, server, asked }
}

/// What a shape came to in its turns.
#[derive(Default)]
struct Turns {
    warm: bool,
    rates: Vec<f64>,
    answers: u64,
    /// On a processor: the clients, the handlers, and the database.
    cpu: [Duration; 3],
}

fn main() -> Result<ExitCode> {
    let runtime = Runtime::new()?;
    let servers = runtime.block_on(Servers::start(ROUND_TRIP))?;
    let turns = || SHAPES.iter().map(|_| Turns::default()).collect::<Vec<_>>();
    let (mut far, mut near) = (turns(), turns());
    for round in 0..=ROUNDS {
        let time = if round == 0 { WARM_UP } else { TURN };
        for (shape, turns) in SHAPES.iter().zip(&mut far) {
            if shape.server == Effects::Postgres {
                turns.take(&runtime, &servers, shape, (servers.far_port, FAR_CLIENTS), time)?;
            }
        }
        for (shape, turns) in SHAPES.iter().zip(&mut near) {
            turns.take(&runtime, &servers, shape, (servers.port, CLIENTS), time)?;
        }
    }
    Ok(table::print(&far, &near))
}

impl Turns {
    /// Takes a turn; the first one warms up, and is not counted.
    fn take(
        &mut self,
        runtime: &Runtime,
        servers: &Servers,
        shape: &Shape,
        (port, clients): (u16, usize),
        time: Duration,
    ) -> Result<()> {
        let is_first = !std::mem::replace(&mut self.warm, true);
        let counted = runtime.block_on(servers.effects(shape.server))?;
        let before = servers.cpu(shape.server);
        let run = client::run(port, shape.path, shape.asked == Asked::Replay, clients, time)?;
        let after = servers.cpu(shape.server);
        let made = runtime.block_on(servers.effects(shape.server))? - counted;
        let expected = match shape.asked {
            Asked::Create => run.answers,
            Asked::Replay => u64::from(is_first),
            Asked::Read => 0,
        };
        ensure!(made == expected, "{}: {} answers and {made} effects", shape.about, run.answers);
        if !is_first {
            self.rates.push(run.per_second);
            self.answers += run.answers;
            let spent = [run.cpu, after[0].saturating_sub(before[0]), after[1].saturating_sub(before[1])];
            self.cpu.iter_mut().zip(spent).for_each(|(sum, spent)| *sum += spent);
        }
        Ok(())
    }
}
