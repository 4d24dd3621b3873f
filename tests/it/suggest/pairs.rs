//! What suggested rules match, against what is known.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use recon_testkit::Folder;

use crate::support::{demo_folder, match_into, recon, said, skipped};

/// What one left row is matched to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Match {
    right: u32,
    confirmed: bool,
}

/// Reconciles two files without rules and returns what it matched and what it said.
fn without_rules(folder: &Folder, files: [&Path; 2], name: &str) -> (HashMap<u32, Match>, String) {
    let out = folder.path().join(name);
    let [left, right] = files.map(|path| path.to_str().unwrap());
    let output = recon(folder, &["match", left, right, "--out", out.to_str().unwrap()]).unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", said(&output));
    (matches(&out), said(&output))
}

/// The matches of a result folder by their left row. They are one to one: a left line, then its right line.
fn matches(out: &Path) -> HashMap<u32, Match> {
    let text = std::fs::read_to_string(out.join("matches.csv")).unwrap();
    // `match,pass,status,ambiguity,side,row,…`: no cell before the row has quotes or line ends.
    let cells = |line: &str| -> Option<(String, bool, u32)> {
        let cells: Vec<&str> = line.splitn(7, ',').collect();
        let side = (*cells.get(4)?).to_owned();
        matches!(side.as_str(), "left" | "right").then_some(())?;
        Some((side, cells[2] == "confirmed", cells[5].parse().ok()?))
    };
    let lines: Vec<_> = text.lines().skip(1).filter_map(cells).collect();
    let pairs = lines.chunks(2).map(|pair| {
        assert_eq!((pair[0].0.as_str(), pair[1].0.as_str()), ("left", "right"));
        (pair[0].2, Match { right: pair[1].2, confirmed: pair[0].1 })
    });
    pairs.collect()
}

#[test]
fn the_demo_is_matched_without_rules_as_by_its_own() {
    let folder = Folder::new().unwrap();
    let [bank, ledger, rules] = ["bank.csv", "ledger.csv", "rules.toml"].map(|name| demo_folder().join(name));
    let with_rules = folder.path().join("with-rules");
    match_into(&folder, [&bank, &ledger, &rules], &with_rules, &[]).unwrap();
    let known = matches(&with_rules);
    let (found, why) = without_rules(&folder, [&bank, &ledger], "without");

    let confirmed = known.iter().filter(|(_, known)| known.confirmed);
    let (same, all) = confirmed.fold((0, 0), |(same, all), (left, known)| {
        (same + usize::from(found.get(left).is_some_and(|found| found == known)), all + 1)
    });
    assert!(all > 300, "{all}");
    assert!(same * 100 >= all * 95, "confirmed {same} of {all}");
    for (left, found) in found.iter().filter(|(_, found)| found.confirmed) {
        let known = known.get(left);
        assert_eq!(Some(found.right), known.map(|known| known.right), "left row {left}");
    }
    // It says what it chose and why, and keeps it.
    for part in ["[columns.amount]", "both names say so", "[[passes]]", "score"] {
        assert!(why.contains(part), "{part}: {why}");
    }
    let kept = std::fs::read_to_string(folder.path().join("without/rules.toml")).unwrap();
    recon_contract::rules::from_toml(&kept).unwrap();
    let again = folder.path().join("again");
    let kept = folder.path().join("without/rules.toml");
    match_into(&folder, [&bank, &ledger, &kept], &again, &[]).unwrap();
    assert_eq!(matches(&again), found, "the rules that were kept give the same");
}

/// Generates a pair of files with its truth.
fn generated(folder: &Folder, kind: &str) -> PathBuf {
    let out = folder.path().join(kind);
    let mut command = folder.command("xtask").unwrap();
    let rows = ["--rows", "3000", "--seed", "11", "--out", out.to_str().unwrap()];
    let status = command.args(["gen", "--kind", kind]).args(rows).status().unwrap();
    assert!(status.success(), "{status}");
    out
}

#[test]
fn generated_pairs_are_matched_as_their_truth_says() {
    let folder = Folder::new().unwrap();
    for kind in ["keyed", "keyless"] {
        let files = generated(&folder, kind);
        let (left, right) = (files.join("left.csv"), files.join("right.csv"));
        let (found, _) = without_rules(&folder, [&left, &right], &format!("{kind}-out"));
        // `left,right,done,twin`: what the generator's own rules are to match.
        let own = folder.path().join(format!("{kind}-own"));
        match_into(&folder, [&left, &right, &files.join("rules.toml")], &own, &[]).unwrap();
        let known = matches(&own);
        let truth = std::fs::read_to_string(files.join("truth.csv")).unwrap();
        let pairs: HashSet<(u32, u32)> = truth.lines().skip(1).filter_map(pair).collect();

        let same = known.iter().filter(|(left, known)| found.get(left) == Some(known)).count();
        assert!(known.len() > 2_500, "{kind} {}", known.len());
        assert!(same * 100 >= known.len() * 95, "{kind}: {same} of {}", known.len());
        // Copies of a row are as good as the row itself.
        let copies = truth.lines().filter(|line| line.contains("duplicate")).count();
        let confirmed = found.iter().filter(|(_, found)| found.confirmed);
        let wrong = confirmed.filter(|(left, found)| !pairs.contains(&(**left, found.right))).count();
        assert!(wrong <= copies, "{kind}: {wrong} confirmed against the truth, {copies} copies");
    }
}

/// The rows of a line of the truth that has both.
fn pair(line: &str) -> Option<(u32, u32)> {
    let mut cells = line.split(',');
    Some((cells.next()?.parse().ok()?, cells.next()?.parse().ok()?))
}

#[test]
fn restaurants_are_matched_by_what_their_columns_share() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/fodors-zagats");
    if !data.is_dir() {
        return skipped("the data is not there, and belongs to others");
    }
    let folder = Folder::new().unwrap();
    let (left, right) = (data.join("fodors.csv"), data.join("zagats.csv"));
    let (found, _) = without_rules(&folder, [&left, &right], "out");
    let ids = |path: &Path| -> Vec<String> {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned()).collect()
    };
    let (left_ids, right_ids) = (ids(&left), ids(&right));
    let known: HashSet<String> = std::fs::read_to_string(data.join("matches_fodors_zagats.csv"))
        .unwrap()
        .lines()
        .skip(1)
        .map(|line| line.trim().to_owned())
        .collect();
    let place = |row: u32| usize::try_from(row).unwrap() - 1;
    let (mut right_pairs, mut wrong_pairs) = (0, 0);
    for (left, found) in found.iter().filter(|(_, found)| found.confirmed) {
        let ids = format!("{},{}", left_ids[place(*left)], right_ids[place(found.right)]);
        let counted = if known.contains(&ids) { &mut right_pairs } else { &mut wrong_pairs };
        *counted += 1;
    }
    assert!(right_pairs >= 100, "found {right_pairs} of 112");
    assert!(wrong_pairs <= 2, "invented {wrong_pairs}");
}
