//! How fast a file is read: `cargo run --release -p recon-formats --example read_speed FILE [ROLE=TYPE:COLUMN…]`.
//!
//! Prints seconds and megabytes a second of stage one and, where roles are given, of both stages with the file
//! on either side, and of writing a result that matches each row with itself.

use std::error::Error;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

use recon_domain::{AMOUNT, MatchStatus, RoleType, RuleSet, SideCounts, Source, Summary, Variance};
use recon_engine::{Match, Outcome};
use recon_formats::dataset_parquet::Writer;
use recon_formats::mapping::{Input, map_both};
use recon_formats::results::Results;
use recon_formats::{Keep, Mapped, TextReader};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("give a file")?;
    let path = Path::new(&path);
    let roles: Vec<String> = arguments.collect();
    let megabytes = f64::from(u32::try_from(path.metadata()?.len() / 1024)?) / 1024.0;
    let mut out = std::io::stdout().lock();
    let mut say = |what: &str, start: Instant| {
        let seconds = start.elapsed().as_secs_f64();
        writeln!(out, "{what:<24} {seconds:>7.3} s {:>8.0} MB/s", megabytes / seconds)
    };

    let start = Instant::now();
    let mut reader = TextReader::open(path, &Default::default(), &Keep::All)?;
    say("open (all bytes)", start)?;
    let start = Instant::now();
    while reader.next_batch()?.is_some() {}
    say("read and profile", start)?;
    reader.restrict(&Keep::All)?;
    let start = Instant::now();
    while reader.next_batch()?.is_some() {}
    say("read", start)?;

    reader.restrict(&Keep::All)?;
    let start = Instant::now();
    let mut stored = Writer::new(std::io::sink(), reader.header())?;
    while let Some(batch) = reader.next_batch()? {
        stored.write(batch)?;
    }
    stored.finish(reader.profile().ok_or("no profile")?)?;
    say("read and store", start)?;

    let rules = rules(&roles)?;
    let start = Instant::now();
    let mapped = map(&rules, path, 1)?;
    say("map twice, one thread", start)?;
    let start = Instant::now();
    map(&rules, path, 2)?;
    say("map twice, two threads", start)?;
    let outcome = outcome(&mapped);
    let results = Results {
        rules: &rules,
        left: &mapped.left,
        right: &mapped.right,
        texts: &mapped.texts,
        outcome: &outcome,
    };
    let start = Instant::now();
    results.write_matches_csv(&mut std::io::sink())?;
    say("write CSV", start)?;
    let start = Instant::now();
    results.write_matches_json(&mut std::io::sink())?;
    say("write JSON", start)?;
    let start = Instant::now();
    results.write_matches_parquet(std::io::sink())?;
    say("write Parquet", start)?;
    Ok(())
}

fn map(rules: &RuleSet, path: &Path, threads: usize) -> Result<Mapped, Box<dyn Error>> {
    let mut left = TextReader::open(path, &Default::default(), &Keep::All)?;
    let mut right = TextReader::open(path, &Default::default(), &Keep::All)?;
    let threads = NonZeroUsize::new(threads).ok_or("no thread")?;
    let input = |source| Input { source, options: Default::default() };
    Ok(map_both(rules, input(&mut left), input(&mut right), threads, &|_, _, _| true)?)
}

fn rules(roles: &[String]) -> Result<RuleSet, Box<dyn Error>> {
    let role = |text: &String| {
        let (name, rest) = text.split_once('=').ok_or("a role is ROLE=TYPE:COLUMN")?;
        let (kind, column) = rest.split_once(':').ok_or("a role is ROLE=TYPE:COLUMN")?;
        let source = Source::Column(column.to_owned());
        Ok(recon_domain::Role {
            name: name.to_owned(),
            kind: kind.parse::<RoleType>()?,
            sources: [source.clone(), source],
            negate: [false; 2],
            formats: [None, None],
            extract: None,
            values: Vec::new(),
            normalize: Vec::new(),
        })
    };
    Ok(RuleSet {
        default_currency: None,
        options: Default::default(),
        roles: roles.iter().map(role).collect::<Result<_, Box<dyn Error>>>()?,
        calendars: Vec::new(),
        passes: Vec::new(),
    })
}

/// Each left row with the same right row.
fn outcome(mapped: &Mapped) -> Outcome {
    let amount = mapped.left.columns.iter().find_map(|column| match column {
        recon_engine::Column::Number { scale, .. } => Some(*scale),
        _ => None,
    });
    let rows = u32::try_from(mapped.left.len()).unwrap_or(0);
    let entry = |row: u32| Match {
        pass: 0,
        status: MatchStatus::Confirmed,
        ambiguity: 0,
        left: [row].into_iter().collect(),
        right: [row].into_iter().collect(),
        variance: Variance { amount: amount.map(|_| 0), days: Some(0) },
    };
    let summary = Summary {
        sides: [SideCounts::default(); 2],
        by_pass: Vec::new(),
        breaks: Vec::new(),
        control_totals: Vec::new(),
        amount_scale: amount.unwrap_or(2),
        limits: Default::default(),
        digest: AMOUNT.to_owned(),
    };
    Outcome { matches: (0..rows).map(entry).collect(), breaks: Vec::new(), summary }
}
