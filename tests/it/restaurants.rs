//! Two real restaurant guides with their known pairs, where that public data set is beside the project.

use std::collections::HashSet;
use std::path::Path;

use recon_testkit::Folder;

use crate::support::{match_into, skipped};

const RULES: &str = r#"
[columns]
name = { left = "name", right = "name", type = "text" }
phone = { left = "phone", right = "phone", type = "text", normalize = ["alphanumeric"] }
city = { left = "city", right = "city", type = "text" }
addr = { left = "addr", right = "addr", type = "text" }
[[passes]]
name = "phone"
equal = ["phone"]
similar = [{ column = "name", at_least = 6000, measure = "token_set" }]
"#;

#[test]
fn known_pairs_are_found_and_none_is_invented() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/fodors-zagats");
    if !data.is_dir() {
        return skipped("the data is not there, and belongs to others");
    }
    assert!(RULES.lines().filter(|line| !line.is_empty()).count() <= 15);
    let folder = Folder::new().unwrap();
    let rules = folder.path().join("rules.toml");
    std::fs::write(&rules, RULES).unwrap();
    let out = folder.path().join("out");
    let (left, right) = (data.join("fodors.csv"), data.join("zagats.csv"));
    match_into(&folder, [&left, &right, &rules], &out, &[]).unwrap();

    let ids = |path: &Path| -> Vec<String> {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned()).collect()
    };
    let (left_ids, right_ids) = (ids(&left), ids(&right));
    let known: HashSet<(String, String)> = std::fs::read_to_string(data.join("matches_fodors_zagats.csv"))
        .unwrap()
        .lines()
        .skip(1)
        .map(|line| line.split_once(',').map(|(l, r)| (l.to_owned(), r.trim().to_owned())).unwrap())
        .collect();
    assert_eq!(known.len(), 112);

    // `match,pass,status,ambiguity,side,row,…`: a left line, then its right line.
    let matches = std::fs::read_to_string(out.join("matches.csv")).unwrap();
    let lines: Vec<Vec<&str>> = matches.lines().skip(1).map(|line| line.splitn(7, ',').collect()).collect();
    let mut found = 0;
    for pair in lines.chunks(2) {
        let row = |line: &[&str]| line[5].parse::<usize>().unwrap() - 1;
        assert_eq!((pair[0][4], pair[1][4]), ("left", "right"));
        let ids = (left_ids[row(&pair[0])].clone(), right_ids[row(&pair[1])].clone());
        let true_pair = known.contains(&ids);
        assert!(true_pair || pair[0][2] != "confirmed", "invented: {ids:?}");
        found += usize::from(true_pair);
    }
    assert!(found >= 90, "found {found} of 112");
}
