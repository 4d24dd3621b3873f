//! `cargo xtask check-truth`: what a run made of a generated pair, held against its truth.

mod results;
mod score;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use crate::truth;
use score::Score;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The truth that the generator wrote.
    #[arg(long)]
    pub(crate) truth: PathBuf,
    /// matches.csv of the run.
    #[arg(long)]
    pub(crate) matches: PathBuf,
    /// breaks.csv of the run.
    #[arg(long)]
    pub(crate) breaks: PathBuf,
    /// The least share of true pairs that must be found, suggestions included.
    #[arg(long, default_value_t = 0.0)]
    pub(crate) recall: f64,
    /// The least share of confirmed pairs that must be true.
    #[arg(long, default_value_t = 0.0)]
    pub(crate) precision: f64,
    /// Every outcome must be the one the truth demands.
    #[arg(long)]
    pub(crate) exact: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let truth = truth::read(&arguments.truth)?;
    let results = results::read(&arguments.matches, &arguments.breaks)?;
    let score = Score::of(&truth, &results);
    println!("{score}");
    let failures = score.below(arguments.recall, arguments.precision, arguments.exact);
    if !failures.is_empty() {
        bail!("{}", failures.join("\n"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const TRUTH: &str = "left,right,done,twin\n\
        1,3,exact,\n\
        2,1,amount_drift,\n\
        3,4,amount_wrong,\n\
        4,,missing_right,\n\
        5,,duplicate_left,1\n\
        ,2,missing_left,\n";
    const MATCHES: &str = "match,pass,status,ambiguity,side,row,text\n\
        1,near,confirmed,0,left,1,\"a, b\"\n\
        1,near,confirmed,0,right,3,a\n\
        2,near,confirmed,0,left,2,a\n\
        2,near,confirmed,0,right,1,a\n";
    const BREAKS: &str = "side,row,kind,text\n\
        left,3,amount_out_of_tolerance,a\n\
        left,4,missing_right,a\n\
        left,5,duplicate,a\n\
        right,2,missing_left,a\n\
        right,4,amount_out_of_tolerance,a\n";

    /// Runs the check over these texts; the error's text where it fails.
    fn check(matches: &str, breaks: &str, recall: f64, precision: f64, exact: bool) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let arguments = Arguments {
            truth: write("truth.csv", TRUTH),
            matches: write("matches.csv", matches),
            breaks: write("breaks.csv", breaks),
            recall,
            precision,
            exact,
        };
        run(&arguments).err().map(|error| format!("{error:#}"))
    }

    #[test]
    fn the_truth_itself_passes() {
        assert_eq!(check(MATCHES, BREAKS, 1.0, 1.0, true), None);
    }

    #[test]
    fn either_copy_of_a_row_may_be_the_one_that_is_matched() {
        let matches = MATCHES.replace("left,1,", "left,5,");
        let breaks = BREAKS.replace("left,5,", "left,1,");
        assert_eq!(check(&matches, &breaks, 1.0, 1.0, true), None);
    }

    #[test]
    fn both_copies_being_duplicates_is_an_error() {
        let matches = MATCHES.lines().filter(|line| !line.starts_with("1,")).collect::<Vec<_>>().join("\n");
        let breaks = format!("{BREAKS}left,1,duplicate,a\nright,3,missing_left,a\n");
        let error = check(&matches, &breaks, 0.0, 0.0, true).unwrap();
        assert!(error.contains("2 of 9 rows"), "{error}");
    }

    #[test]
    fn another_kind_of_break_is_an_error_only_when_exactness_is_asked_for() {
        let breaks = BREAKS.replace("left,4,missing_right", "left,4,reference_differs");
        assert_eq!(check(MATCHES, &breaks, 1.0, 1.0, false), None);
        let error = check(MATCHES, &breaks, 1.0, 1.0, true).unwrap();
        assert!(error.contains("1 of 9 rows"), "{error}");
    }

    #[test]
    fn a_suggestion_counts_for_recall_and_not_for_precision() {
        let matches = MATCHES.replace("2,near,confirmed", "2,near,suggested");
        assert_eq!(check(&matches, BREAKS, 1.0, 1.0, false), None);
        assert!(check(&matches, BREAKS, 1.0, 1.0, true).unwrap().contains("2 of 9 rows"));
    }

    #[test]
    fn a_pair_that_is_not_found_lowers_recall() {
        let matches = MATCHES.lines().filter(|line| !line.starts_with("2,")).collect::<Vec<_>>().join("\n");
        let error = check(&matches, BREAKS, 0.6, 1.0, false).unwrap();
        assert!(error.contains("recall with suggestions 0.5000 is below 0.6000"), "{error}");
        assert_eq!(check(&matches, BREAKS, 0.5, 1.0, false), None);
    }

    #[test]
    fn a_false_pair_lowers_precision() {
        let matches = MATCHES.replace("right,3,", "right,9,").replace("right,1,", "right,3,");
        let error = check(&matches, BREAKS, 0.0, 0.9, false).unwrap();
        assert!(error.contains("precision of the confirmed 0.0000 is below 0.9000"), "{error}");
    }

    #[test]
    fn a_row_that_is_named_twice_or_never_is_an_error() {
        let twice = format!("{BREAKS}left,4,missing_right,a\n");
        assert!(check(MATCHES, &twice, 0.0, 0.0, true).unwrap().contains("left row 4 has two outcomes"));
        let never = BREAKS.replace("left,4,missing_right,a\n", "");
        assert!(check(MATCHES, &never, 0.0, 0.0, true).unwrap().contains("1 of 9 rows"));
    }

    #[test]
    fn a_file_of_another_shape_is_refused_with_words() {
        let error = check("match,side\n", BREAKS, 0.0, 0.0, false).unwrap();
        assert!(error.contains("no column status"), "{error}");
    }
}
