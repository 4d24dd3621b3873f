//! `recon verify`: agrees with what `recon match` wrote, and with nothing else.

mod conditions;

use std::path::{Path, PathBuf};
use std::process::Output;

use recon_testkit::Folder;
use serde_json::Value;

use crate::support::{demo_folder, match_into, recon, said};

fn demo_files() -> [PathBuf; 3] {
    ["bank.csv", "ledger.csv", "rules.toml"].map(|name| demo_folder().join(name))
}

/// The demo's results in this format.
fn results(folder: &Folder, format: &str) -> PathBuf {
    let out = folder.path().join(format!("as-{format}"));
    let [left, right, rules] = demo_files();
    match_into(folder, [&left, &right, &rules], &out, &["--out-format", format]).unwrap();
    out
}

fn verify(folder: &Folder, out: &Path, arguments: &[&str]) -> Output {
    let [left, right, _] = demo_files();
    let mut all = vec!["verify", out.to_str().unwrap(), left.to_str().unwrap(), right.to_str().unwrap()];
    all.extend(arguments);
    recon(folder, &all).unwrap()
}

/// What it printed on standard output.
fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The lines of a CSV file, header first. The demo has no line ends inside cells.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// The place of a column in a header.
fn place(header: &str, name: &str) -> usize {
    header.split(',').position(|column| column == name).unwrap_or_else(|| panic!("no column {name}"))
}

/// Puts another text into the cell of a line without quotes.
fn set(lines: &mut [String], line: usize, name: &str, change: impl Fn(&str) -> String) {
    let at = place(&lines[0], name);
    let mut cells: Vec<String> = lines[line].split(',').map(str::to_owned).collect();
    cells[at] = change(&cells[at]);
    lines[line] = cells.join(",");
}

/// The number of a line that has this in a column, and no quotes anywhere.
fn find(lines: &[String], name: &str, wanted: &str) -> usize {
    let at = place(&lines[0], name);
    let found = lines.iter().position(|line| !line.contains('"') && line.split(',').nth(at) == Some(wanted));
    found.unwrap_or_else(|| panic!("no line with {wanted} in {name}"))
}

#[test]
fn results_in_every_format_are_what_their_inputs_say() {
    let folder = Folder::new().unwrap();
    for format in ["csv", "json", "parquet"] {
        let verified = verify(&folder, &results(&folder, format), &["--format", "json"]);
        assert_eq!(verified.status.code(), Some(0), "{format}: {}{}", printed(&verified), said(&verified));
        let verified: Value = serde_json::from_slice(&verified.stdout).unwrap();
        assert_eq!(verified["agrees"], true);
        assert!(verified["matches"].as_u64().unwrap() > 100, "{verified}");
        assert!(verified["rejected"].as_u64().unwrap() > 0, "{verified}");
    }
}

/// What is changed, in which file, how, and words that say so.
type Change = (&'static str, &'static str, fn(&mut Vec<String>), &'static [&'static str]);

const CHANGES: &[Change] = &[
    ("an amount", "matches.csv", |lines| set(lines, 1, "amount", |cell| format!("1{cell}")), &["amount is"]),
    (
        "a text",
        "breaks.csv",
        |lines| {
            let line = find(lines, "kind", "missing_right");
            set(lines, line, "reference", |cell| format!("{cell}X"));
        },
        &["reference is", "in the left file"],
    ),
    (
        "a match without one side",
        "matches.csv",
        |lines| drop(lines.remove(1)),
        &["stands in no match and is no break", "each match here is a pair", "summary.json/digest"],
    ),
    (
        "a match that is gone",
        "matches.csv",
        |lines| drop(lines.drain(1..3)),
        &["stands where match 1 belongs", "stands in no match", "summary.json/left/matched"],
    ),
    (
        "a break that is gone",
        "breaks.csv",
        |lines| drop(lines.pop()),
        &["stands in no match and is no break"],
    ),
    (
        "a doubled line",
        "matches.csv",
        |lines| lines.insert(2, lines[1].clone()),
        &["stands in match 1 and once more in match 1"],
    ),
    (
        "a doubled break",
        "breaks.csv",
        |lines| lines.push(lines[1].clone()),
        &["once more among the breaks", "out of order"],
    ),
    (
        "a row of another match",
        "matches.csv",
        |lines| {
            // The right lines of the first two matches change places, all but the numbers.
            let [first, second] = [2, 4].map(|line| lines[line].split_once(',').unwrap().1.to_owned());
            lines[2] = format!("1,{second}");
            lines[4] = format!("2,{first}");
        },
        &["summary.json/digest"],
    ),
    (
        "a variance",
        "matches.csv",
        |lines| [1, 2].into_iter().for_each(|line| set(lines, line, "variance_days", |_| "77".to_owned())),
        &["match 1: the variance is", "77 days"],
    ),
    (
        "a status",
        "matches.csv",
        |lines| [1, 2].into_iter().for_each(|line| set(lines, line, "status", |_| "suggested".to_owned())),
        &["match 1 is suggested"],
    ),
    (
        "a pass",
        "matches.csv",
        |lines| [1, 2].into_iter().for_each(|line| set(lines, line, "pass", |_| "other".to_owned())),
        &["the rules have no pass `other`"],
    ),
    (
        "a kind",
        "breaks.csv",
        |lines| {
            let line = find(lines, "kind", "missing_right");
            set(lines, line, "kind", |_| "duplicate".to_owned());
        },
        &["summary.json/breaks/duplicate", "summary.json/digest"],
    ),
    ("a rejected row", "rejected.csv", |lines| drop(lines.remove(1)), &["stands among no rejected rows"]),
    ("a word", "breaks.csv", |lines| set(lines, 1, "kind", |_| "lost".to_owned()), &["breaks.csv, line 2"]),
];

#[test]
fn whatever_is_changed_is_found_and_named() {
    let folder = Folder::new().unwrap();
    let out = results(&folder, "csv");
    for (case, file, change, words) in CHANGES {
        let path = out.join(file);
        let untouched = std::fs::read_to_string(&path).unwrap();
        let mut lines = lines(&untouched);
        change(&mut lines);
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
        let verified = verify(&folder, &out, &[]);
        assert_eq!(verified.status.code(), Some(1), "{case}: {}{}", printed(&verified), said(&verified));
        for words in *words {
            assert!(printed(&verified).contains(words), "{case}: no `{words}` in {}", printed(&verified));
        }
        std::fs::write(&path, untouched).unwrap();
    }
    assert_eq!(verify(&folder, &out, &[]).status.code(), Some(0), "it was only that");
}

#[test]
fn a_changed_summary_or_input_is_found_and_named() {
    let folder = Folder::new().unwrap();
    let out = results(&folder, "json");
    let path = out.join("summary.json");
    let untouched: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for (pointer, value) in [
        ("/digest", Value::from("v1:00")),
        ("/left/matched", Value::from(1)),
        ("/right/rejected", Value::from(0)),
        ("/by_pass/0/confirmed", Value::from(0)),
        ("/control_totals/0/left/matched", Value::from("0.01")),
        ("/match_rate/right", Value::from("1.0000")),
        ("/breaks/duplicate", Value::Null),
    ] {
        let mut summary = untouched.clone();
        *summary.pointer_mut(pointer).unwrap() = value;
        std::fs::write(&path, summary.to_string()).unwrap();
        let verified = verify(&folder, &out, &[]);
        assert_eq!(verified.status.code(), Some(1), "{pointer}: {}", printed(&verified));
        assert!(printed(&verified).contains(&format!("summary.json{pointer} is")), "{}", printed(&verified));
        assert!(printed(&verified).ends_with("\n1 difference\n"), "{}", printed(&verified));
    }
    std::fs::write(&path, untouched.to_string()).unwrap();

    // The right file in another order of rows: every row number points elsewhere.
    let [left, right, _] = demo_files().map(|path| path.to_str().unwrap().to_owned());
    let text = std::fs::read_to_string(&right).unwrap();
    let mut rows = lines(&text);
    rows[1..].reverse();
    let other = folder.path().join("other.csv");
    std::fs::write(&other, rows.join("\n") + "\n").unwrap();
    let (out, other) = (out.to_str().unwrap(), other.to_str().unwrap());
    let verified = recon(&folder, &["verify", out, &left, other, "--format", "json"]).unwrap();
    assert_eq!(verified.status.code(), Some(1));
    let verified: Value = serde_json::from_slice(&verified.stdout).unwrap();
    let shown = verified["differences"]["first"].as_array().unwrap().len();
    assert!(
        shown < verified["differences"]["count"].as_u64().unwrap().try_into().unwrap(),
        "{shown} are shown"
    );
}

#[test]
fn what_cannot_be_verified_says_why() {
    let folder = Folder::new().unwrap();
    let out = results(&folder, "csv");
    let absent = verify(&folder, &folder.path().join("nowhere"), &[]);
    assert_eq!(absent.status.code(), Some(2));
    assert!(said(&absent).contains("there is no folder"), "{}", said(&absent));

    std::fs::copy(out.join("breaks.csv"), out.join("breaks.json")).unwrap();
    let twice = verify(&folder, &out, &[]);
    assert_eq!(twice.status.code(), Some(2));
    assert!(said(&twice).contains("holds both"), "{}", said(&twice));
    for name in ["breaks.json", "breaks.csv"] {
        std::fs::remove_file(out.join(name)).unwrap();
    }
    let without = verify(&folder, &out, &["--format", "json"]);
    assert_eq!(without.status.code(), Some(2));
    let error: Value = serde_json::from_str(&said(&without)).unwrap();
    assert!(error["error"]["detail"].as_str().unwrap().contains("breaks"), "{error}");
}
