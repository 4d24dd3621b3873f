//! `cargo xtask gen`: a pair of files with the truth beside them.
//!
//! The same kind, number of rows and seed give the same bytes. A row's content is a function of the seed and
//! its number, so only the order of the rows is held in memory.

mod keyed;
mod keyless;
mod layout;
mod vocabulary;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use crate::truth;
use layout::{Layout, Record, Slot};

/// The most rows a side: above, the amounts that keep the keyed truth decidable run out.
const ROWS_MAX: u64 = 20_000_000;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Whether the rows of a pair share a reference.
    #[arg(long, value_enum)]
    kind: Kind,
    /// Rows of each side.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=ROWS_MAX))]
    rows: u64,
    /// The same seed gives the same files.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The folder that gets left.csv, right.csv, truth.csv and rules.toml.
    #[arg(long)]
    out: PathBuf,
}

/// The two kinds of pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Every pair has a unique reference; with the rules, every outcome is decidable.
    Keyed,
    /// Only amount, date and three words tell which rows belong together.
    Keyless,
}

impl Kind {
    /// Both of them.
    pub(crate) const ALL: [Self; 2] = [Self::Keyed, Self::Keyless];

    /// Its spelling.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Keyed => "keyed",
            Self::Keyless => "keyless",
        }
    }
}

/// One of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// What a kind of pair is made of.
trait Recipe {
    /// How the rows are shared out.
    fn layout(&self, rows: u64) -> Layout;
    /// The headers of the left and the right file.
    fn headers(&self) -> [&'static str; 2];
    /// Writes one side's row of a record, with its line end.
    fn write_row(&self, side: Side, record: Record, out: &mut dyn Write) -> std::io::Result<()>;
    /// Rules of the drift that was put in.
    fn rules(&self) -> &'static str;
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    write(arguments.kind, arguments.rows, arguments.seed, &arguments.out)?;
    println!("wrote {} rows a side to {}", arguments.rows, arguments.out.display());
    Ok(())
}

/// Writes a pair of files, its truth and its rules into a folder.
pub(crate) fn write(kind: Kind, rows: u64, seed: u64, out: &Path) -> Result<()> {
    let recipe: Box<dyn Recipe> = match kind {
        Kind::Keyed => Box::new(keyed::Keyed::new(seed)),
        Kind::Keyless => Box::new(keyless::Keyless::new(seed)),
    };
    fs::create_dir_all(out).with_context(|| format!("create the folder {}", out.display()))?;
    let layout = recipe.layout(rows);
    let [left_header, right_header] = recipe.headers();
    let left = layout.order(Side::Left, seed);
    let right = layout.order(Side::Right, seed);
    write_side(&*recipe, &layout, Side::Left, left_header, &left, &out.join("left.csv"))?;
    write_side(&*recipe, &layout, Side::Right, right_header, &right, &out.join("right.csv"))?;
    write_truth(&layout, &left, &right, &out.join("truth.csv"))?;
    let rules = out.join("rules.toml");
    fs::write(&rules, recipe.rules()).with_context(|| format!("write {}", rules.display()))
}

fn write_side(
    recipe: &dyn Recipe,
    layout: &Layout,
    side: Side,
    header: &str,
    order: &[Slot],
    path: &Path,
) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
        writeln!(out, "{header}")?;
        for slot in order {
            recipe.write_row(side, layout.record(*slot), &mut out)?;
        }
        out.flush()
    };
    write().with_context(|| format!("write {}", path.display()))
}

fn write_truth(layout: &Layout, left: &[Slot], right: &[Slot], path: &Path) -> Result<()> {
    let lines = layout.truth(left, right);
    let write = || -> std::io::Result<()> {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
        writeln!(out, "{}", truth::HEADER)?;
        let cell = |row: Option<u32>| row.map(|row| row.to_string()).unwrap_or_default();
        for line in lines {
            let (left, right, twin) = (cell(line.left), cell(line.right), cell(line.twin));
            writeln!(out, "{left},{right},{},{twin}", line.done.as_str())?;
        }
        out.flush()
    };
    write().with_context(|| format!("write {}", path.display()))
}

/// Writes an amount of cents with a decimal point.
fn write_amount(cents: i64, out: &mut dyn Write) -> std::io::Result<()> {
    let sign = if cents < 0 { "-" } else { "" };
    let size = cents.unsigned_abs();
    write!(out, "{sign}{}.{:02}", size / 100, size % 100)
}

/// The days from a first one on, as texts.
fn days(count: i64) -> Vec<String> {
    let first = jiff::civil::date(2026, 1, 1);
    let day = |offset: i64| first.saturating_add(jiff::Span::new().days(offset)).to_string();
    (0..count).map(day).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::truth::{Done, Line};

    const FILES: [&str; 4] = ["left.csv", "right.csv", "truth.csv", "rules.toml"];

    fn generated(kind: Kind, rows: u64, seed: u64) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        write(kind, rows, seed, folder.path()).unwrap();
        folder
    }

    fn lines(folder: &Path, file: &str) -> Vec<String> {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        text.lines().skip(1).map(str::to_owned).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        for kind in Kind::ALL {
            let (first, second) = (generated(kind, 3000, 7), generated(kind, 3000, 7));
            for file in FILES {
                let read = |folder: &tempfile::TempDir| fs::read(folder.path().join(file)).unwrap();
                assert_eq!(read(&first), read(&second), "{kind:?} {file}");
            }
        }
    }

    #[test]
    fn another_seed_gives_other_rows() {
        for kind in Kind::ALL {
            let (first, second) = (generated(kind, 100, 7), generated(kind, 100, 8));
            assert_ne!(lines(first.path(), "left.csv"), lines(second.path(), "left.csv"));
        }
    }

    #[test]
    fn every_row_of_both_sides_is_in_the_truth_once() {
        for kind in Kind::ALL {
            for rows in [1, 2, 17, 5000] {
                let folder = generated(kind, rows, 3);
                let truth = truth::read(&folder.path().join("truth.csv")).unwrap();
                let sorted = |row: fn(&Line) -> Option<u32>| {
                    let mut rows: Vec<u32> = truth.iter().filter_map(row).collect();
                    rows.sort_unstable();
                    rows
                };
                let all: Vec<u32> = (1..=u32::try_from(rows).unwrap()).collect();
                assert_eq!(sorted(|line| line.left), all);
                assert_eq!(sorted(|line| line.right), all);
                assert_eq!(lines(folder.path(), "left.csv").len(), all.len());
                assert_eq!(lines(folder.path(), "right.csv").len(), all.len());
            }
        }
    }

    #[test]
    fn a_copy_is_equal_to_its_twin_and_the_twin_is_matched() {
        for kind in Kind::ALL {
            let folder = generated(kind, 5000, 11);
            let truth = truth::read(&folder.path().join("truth.csv")).unwrap();
            let (left, right) = (lines(folder.path(), "left.csv"), lines(folder.path(), "right.csv"));
            let paired: HashMap<Option<u32>, Done> =
                truth.iter().map(|line| (line.left, line.done)).collect();
            let at = |rows: &[String], row: Option<u32>| rows[row.unwrap() as usize - 1].clone();
            let copies: Vec<&Line> = truth.iter().filter(|line| line.twin.is_some()).collect();
            assert!(copies.len() > 10);
            for copy in copies {
                match copy.done {
                    Done::DuplicateLeft => {
                        assert_eq!(at(&left, copy.left), at(&left, copy.twin));
                        assert_eq!(paired[&copy.twin].expected(), truth::Expected::Match);
                    }
                    Done::DuplicateRight => assert_eq!(at(&right, copy.right), at(&right, copy.twin)),
                    done => panic!("{done:?} has a twin"),
                }
            }
        }
    }

    #[test]
    fn everything_the_recipe_can_do_occurs() {
        let seen = |kind| {
            let folder = generated(kind, 20_000, 5);
            let truth = truth::read(&folder.path().join("truth.csv")).unwrap();
            truth.iter().map(|line| line.done).collect::<std::collections::BTreeSet<_>>()
        };
        let (keyed, keyless) = (seen(Kind::Keyed), seen(Kind::Keyless));
        let all: std::collections::BTreeSet<_> = Done::ALL.into_iter().collect();
        assert_eq!(keyed.union(&keyless).copied().collect::<std::collections::BTreeSet<_>>(), all);
    }
}
