//! What SCALING.md promises: its tables and its sum, as policies hold them against the manifests.

use anyhow::{Context, Result, bail};

use super::table;
use crate::manifests::limits::{self, Limit};

/// The headings of the tables of steps and of times, and of the section with the sum.
const LADDER: [&str; 2] = ["step", "seconds"];
const TIMES: [&str; 2] = ["who", "limit"];
const BUDGET: &str = "## Connection budget";
const FENCE: &str = "```";

/// All of it.
#[derive(Debug, Clone, Default)]
pub(in crate::manifests) struct Scaling {
    pub(in crate::manifests) limits: Vec<Limit>,
    /// The steps that a pod goes down, each with its seconds.
    pub(in crate::manifests) ladder: Vec<(String, u64)>,
    /// Who waits how many seconds; some rows have several numbers.
    pub(in crate::manifests) times: Vec<(String, Vec<u64>)>,
    /// The lines of the sum of connections, each with single spaces.
    pub(in crate::manifests) budget: Vec<String>,
}

impl Scaling {
    pub(in crate::manifests) fn read(markdown: &str) -> Result<Self> {
        Ok(Self {
            limits: limits::read(markdown)?,
            ladder: table::rows(markdown, &LADDER)?.iter().map(|row| step(row)).collect::<Result<_>>()?,
            times: table::rows(markdown, &TIMES)?.iter().map(|row| time(row)).collect::<Result<_>>()?,
            budget: budget(markdown)?,
        })
    }
}

fn step(row: &[String]) -> Result<(String, u64)> {
    let (name, seconds) = (table::cell(row, 0), table::cell(row, 1));
    let number = seconds.parse().with_context(|| format!("`{seconds}` is no number of seconds: {name}"))?;
    Ok((name.to_owned(), number))
}

fn time(row: &[String]) -> Result<(String, Vec<u64>)> {
    let (who, words) = (table::cell(row, 0), table::cell(row, 1));
    let found = seconds(words);
    if found.is_empty() {
        bail!("`{words}` has no seconds: {who}");
    }
    Ok((who.to_owned(), found))
}

/// The numbers before an `s`, which may end a part of a sentence.
fn seconds(words: &str) -> Vec<u64> {
    let all: Vec<&str> = words.split_whitespace().collect();
    let before = all.windows(2).filter(|pair| pair[1].trim_end_matches([',', ';', '.']) == "s");
    before.filter_map(|pair| pair[0].parse().ok()).collect()
}

/// The first block of code below the section's heading.
fn budget(markdown: &str) -> Result<Vec<String>> {
    let lines = markdown.lines().skip_while(|line| *line != BUDGET);
    let block = lines.skip_while(|line| !line.starts_with(FENCE)).skip(1);
    let block = block.take_while(|line| !line.starts_with(FENCE)).map(single_spaces);
    let lines: Vec<String> = block.collect();
    if lines.is_empty() {
        bail!("no sum stands below `{BUDGET}`");
    }
    Ok(lines)
}

fn single_spaces(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_the_numbers_before_an_s() {
        assert_eq!(seconds("3 s, then 503 with `Retry-After`"), [3]);
        assert_eq!(seconds("30 s; long poll 20 s; 5 times"), [30, 20]);
    }

    #[test]
    fn a_sum_is_the_block_below_its_heading() {
        let text =
            "```\nno\n```\n## Connection budget\n\nWords.\n\n```\na   1 x 4  = 4\n  b\n```\n```\nno\n```\n";
        assert_eq!(budget(text).unwrap(), ["a 1 x 4 = 4", "b"]);
        assert!(budget("## Connection budget\n").unwrap_err().to_string().contains("no sum"));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        assert!(step(&row(["grace", "half a minute"])).unwrap_err().to_string().contains("half a minute"));
        assert!(time(&row(["client", "long"])).unwrap_err().to_string().contains("`long`"));
        assert_eq!(time(&row(["client", "75 s"])).unwrap(), ("client".to_owned(), vec![75]));
    }
}
