//! `cargo xtask demo`: writes the bank statement and the ledger of `local/demo` again.
//!
//! A small maker of machines, Bergmann Gerätebau GmbH, in the spring of 2026: its bank's export of one account and
//! what its bookkeeping knows of the same account. The files are committed; a test compares them with what this
//! command writes.

mod bank;
mod calendar;
mod ledger;
mod mishaps;
mod names;
mod story;
mod twist;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::workspace;

/// The files are a function of this number.
const SEED: u64 = 2026;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The folder for the two files; local/demo when absent.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// What the bank and the ledger know of one thing that happened.
#[derive(Debug, Clone, Default)]
struct Deed {
    bank: Vec<bank::Row>,
    ledger: Vec<ledger::Row>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let folder = arguments.out.clone().unwrap_or_else(|| workspace::root().join("local/demo"));
    let [bank, ledger] = files()?;
    for (name, bytes) in [("bank.csv", bank), ("ledger.csv", ledger)] {
        let path = folder.join(name);
        fs::write(&path, bytes).with_context(|| format!("write {}", path.display()))?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

/// The bytes of the bank's and the ledger's file.
fn files() -> Result<[Vec<u8>; 2]> {
    let deeds = story::tell(SEED);
    let bank = bank::file(deeds.iter().flat_map(|deed| deed.bank.iter().cloned()).collect())?;
    let ledger = ledger::file(deeds.iter().flat_map(|deed| deed.ledger.iter().cloned()).collect());
    Ok([bank, ledger])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committed(name: &str) -> Vec<u8> {
        fs::read(workspace::root().join("local/demo").join(name)).unwrap()
    }

    #[test]
    fn the_committed_files_are_what_the_command_writes() {
        let [bank, ledger] = files().unwrap();
        assert!(bank == committed("bank.csv"), "run `cargo xtask demo`");
        assert!(ledger == committed("ledger.csv"), "run `cargo xtask demo`");
    }

    #[test]
    fn the_bank_file_is_windows_1252_with_semicolons_and_decimal_commas() {
        let bank = committed("bank.csv");
        assert!(std::str::from_utf8(&bank).is_err());
        let has = |bytes: &[u8]| bank.windows(bytes.len()).any(|window| window == bytes);
        assert!(has(b"W\xE4hrung\"\r\n"));
        assert!(has(b"\x80"), "a euro sign tells Windows-1252 from Latin-1");
        assert!(has(b";-4.850,00;"));
    }

    #[test]
    fn the_ledger_is_utf_8_with_some_hundreds_of_rows() {
        let ledger = String::from_utf8(committed("ledger.csv")).unwrap();
        assert!((300..=420).contains(&ledger.lines().count()));
        assert!(ledger.contains(",-4850.00,EUR\n"));
    }

    #[test]
    fn the_rules_say_the_same_in_toml_and_in_json() {
        let toml: toml::Value = toml::from_str(&String::from_utf8(committed("rules.toml")).unwrap()).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&committed("rules.json")).unwrap();
        assert_eq!(serde_json::to_value(toml).unwrap(), json);
    }
}
