//! What a key costs: idempotent creates on a real PostgreSQL with fsync on, through axum and sqlx, each shape of handler in
//! turn, and replays against a bare read. `cargo xtask bench idempotency` runs it.
//!
//! Clients and server share the machine, so the rates mean nothing alone: what counts is a shape's rate against another's of the
//! same run. After each turn the rows are counted: an answer that was not committed ends the bench.
#![expect(clippy::print_stdout, reason = "a bench prints its table")]

mod client;
mod handlers;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use recon_testkit::Postgres;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

const CLIENTS: usize = 8;
const TURN: Duration = Duration::from_millis(1_500);
const WARM_UP: Duration = Duration::from_millis(500);
const ROUNDS: usize = 5;

/// A shape of a handler.
struct Shape {
    path: &'static str,
    about: &'static str,
    /// Whether each request makes a row.
    creates: bool,
}

const SHAPES: [Shape; 7] = [
    Shape { path: "/bare", about: "a bare insert", creates: true },
    Shape { path: "/ours", about: "claim, insert and answer in one statement", creates: true },
    Shape { path: "/transaction", about: "claim, insert and answer in one transaction", creates: true },
    Shape { path: "/guide", about: "select, then insert (races)", creates: true },
    Shape { path: "/three", about: "three autocommits", creates: true },
    Shape { path: "/two", about: "two transactions", creates: true },
    Shape { path: "/select", about: "a bare select", creates: false },
];
/// The same request of [`SHAPES`]' second shape over and over.
const REPLAY: Shape = Shape { path: "/ours", about: "a replay", creates: false };

/// What must hold: a shape's rate against another's.
const TARGETS: [(&str, &str, f64); 3] =
    [("ours", "bare", 0.75), ("ours", "guide", 1.2), ("replay", "select", 0.8)];

fn main() -> Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new().context("start the runtime")?;
    let server = Postgres::start(&["synchronous_commit=on"]).context("start PostgreSQL")?;
    let url = server.database(None)?;
    let (pool, port) = runtime.block_on(serve(&url))?;
    let shapes: Vec<(&Shape, bool)> =
        SHAPES.iter().map(|shape| (shape, false)).chain([(&REPLAY, true)]).collect();
    let mut rates = vec![Vec::new(); shapes.len()];
    for round in 0..=ROUNDS {
        for (index, (shape, replays)) in shapes.iter().enumerate() {
            let before = runtime.block_on(rows(&pool))?;
            let time = if round == 0 { WARM_UP } else { TURN };
            let run = client::run(port, shape.path, *replays, CLIENTS, time)?;
            let made = runtime.block_on(rows(&pool))? - before;
            // The one row that a replay repeats.
            let expected = if shape.creates { run.answers } else { u64::from(*replays && round == 0) };
            ensure!(made == expected, "{}: {} answers and {made} rows", shape.about, run.answers);
            if round > 0 {
                rates[index].push(run.per_second);
            }
        }
    }
    let medians: Vec<f64> = rates.iter_mut().map(|rates| median(rates)).collect();
    print(&shapes, &medians);
    Ok(verdict(&shapes, &medians))
}

async fn serve(url: &str) -> Result<(PgPool, u16)> {
    let pool = PgPoolOptions::new()
        .max_connections(u32::try_from(CLIENTS)?)
        .test_before_acquire(false)
        .connect(url)
        .await
        .context("connect")?;
    sqlx::raw_sql(recon_idempotency::postgres::MIGRATION).execute(&pool).await?;
    sqlx::raw_sql(handlers::TABLES).execute(&pool).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let router = handlers::router(pool.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((pool, port))
}

async fn rows(pool: &PgPool) -> Result<u64> {
    let count: i64 = sqlx::query_scalar("select count(*) from things").fetch_one(pool).await?;
    Ok(u64::try_from(count)?)
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or(0.0)
}

fn name(shape: &Shape, replays: bool) -> &'static str {
    if replays { "replay" } else { shape.path.trim_start_matches('/') }
}

fn print(shapes: &[(&Shape, bool)], medians: &[f64]) {
    println!(
        "{CLIENTS} clients, medians of {ROUNDS} turns of {} ms, PostgreSQL with fsync on",
        TURN.as_millis()
    );
    println!("{:<12} {:<46} {:>9} {:>8}", "shape", "what it does", "a second", "to bare");
    for ((shape, replays), rate) in shapes.iter().zip(medians) {
        let name = name(shape, *replays);
        println!("{name:<12} {:<46} {rate:>9.0} {:>8.2}", shape.about, rate / medians[0]);
    }
}

fn verdict(shapes: &[(&Shape, bool)], medians: &[f64]) -> ExitCode {
    let rate = |wanted: &str| {
        let found = shapes.iter().zip(medians).find(|((shape, replays), _)| name(shape, *replays) == wanted);
        found.map_or(0.0, |(_, rate)| *rate)
    };
    let mut met = true;
    for (ours, peer, least) in TARGETS {
        let ratio = rate(ours) / rate(peer);
        met &= ratio >= least;
        let word = if ratio >= least { "met" } else { "NOT met" };
        println!("{ours} / {peer}: {ratio:.2}, at least {least} is {word}");
    }
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
