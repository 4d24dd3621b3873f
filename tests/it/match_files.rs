//! `recon match` on the demo and on bad input.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use recon_testkit::Folder;

use crate::support::{assert_conserved, demo_file, demo_folder, match_into, recon, said};

fn demo_files() -> [PathBuf; 3] {
    ["bank.csv", "ledger.csv", "rules.toml"].map(|name| demo_folder().join(name))
}

fn as_paths(files: &[PathBuf; 3]) -> [&Path; 3] {
    [&files[0], &files[1], &files[2]]
}

/// The lines of a file from its header on, and what stands before.
fn split_at_header(bytes: &[u8], header: &str) -> (Vec<u8>, Vec<Vec<u8>>) {
    let lines: Vec<Vec<u8>> = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let at = lines
        .iter()
        .position(|line| String::from_utf8_lossy(line).starts_with(header))
        .unwrap_or_else(|| panic!("no line starts with {header}"));
    (lines[..=at].concat(), lines[at + 1..].to_vec())
}

#[test]
fn demo_is_explained_and_conserved() {
    let folder = Folder::new().unwrap();
    let out = folder.path().join("out");
    let files = demo_files();
    let (code, summary) = match_into(&folder, as_paths(&files), &out, &[]).unwrap();
    assert_eq!(code, Some(1), "breaks remain");
    assert_conserved(&summary);
    for side in ["left", "right"] {
        assert!(summary[side]["matched"].as_u64().unwrap() > 100, "{side} {}", summary[side]);
        assert!(summary[side]["broken"].as_u64().unwrap() > 0, "{side}");
    }
    assert!(summary["left"]["rejected"].as_u64().unwrap() > 0, "the demo has bad rows");
    for name in ["matches.csv", "breaks.csv", "rules.toml"] {
        assert!(out.join(name).is_file(), "{name}");
    }
    // Every entry stands in exactly one line of one of the two files.
    let lines = |name: &str| std::fs::read_to_string(out.join(name)).unwrap().lines().count() - 1;
    let rows = ["left", "right"].map(|side| summary[side]["rows"].as_u64().unwrap()).iter().sum::<u64>();
    assert_eq!(u64::try_from(lines("matches.csv") + lines("breaks.csv")).unwrap(), rows);
}

#[test]
fn any_number_of_threads_writes_the_same_bytes() {
    let folder = Folder::new().unwrap();
    let files = demo_files();
    let read = |threads: &str, format: &str| {
        let out = folder.path().join(format!("out-{threads}-{format}"));
        let arguments = ["--threads", threads, "--out-format", format];
        match_into(&folder, as_paths(&files), &out, &arguments).unwrap();
        let names = [format!("matches.{format}"), format!("breaks.{format}"), "summary.json".into()];
        names.map(|name| std::fs::read(out.join(&name)).unwrap())
    };
    assert_eq!(read("1", "csv"), read("2", "csv"));
    assert_eq!(read("1", "json"), read("3", "json"));
}

#[test]
fn digest_ignores_row_order_and_notices_a_changed_amount() {
    let folder = Folder::new().unwrap();
    let files = demo_files();
    let digest = |ledger: &Path, name: &str| {
        let out = folder.path().join(name);
        let (_, summary) = match_into(&folder, [&files[0], ledger, &files[2]], &out, &[]).unwrap();
        summary["digest"].as_str().unwrap().to_owned()
    };
    let undisturbed = digest(&files[1], "undisturbed");

    let ledger = demo_file("ledger.csv");
    let header = String::from_utf8_lossy(&ledger).lines().next().unwrap().to_owned();
    let (head, mut lines) = split_at_header(&ledger, &header);
    lines.reverse();
    let shuffled = folder.path().join("shuffled.csv");
    std::fs::write(&shuffled, [head.clone(), lines.concat()].concat()).unwrap();
    assert_eq!(digest(&shuffled, "shuffled"), undisturbed);

    // Change the amount of the first row that is matched.
    lines.reverse();
    let matches = std::fs::read_to_string(folder.path().join("undisturbed/matches.csv")).unwrap();
    let columns: Vec<&str> = matches.lines().next().unwrap().split(',').collect();
    let at = |name: &str| columns.iter().position(|column| *column == name).unwrap();
    let matched = matches
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>())
        .find(|cells| cells[at("side")] == "right" && cells[at("status")] == "confirmed")
        .unwrap();
    let row: usize = matched[at("row")].parse().unwrap();
    let line = String::from_utf8(lines[row - 1].clone()).unwrap();
    let old = line.split(',').find(|cell| cell.contains('.') && cell.parse::<f64>().is_ok()).unwrap();
    let (whole, cents) = old.split_once('.').unwrap();
    let new = format!("{whole}.{}", if cents == "01" { "02" } else { "01" });
    lines[row - 1] = line.replacen(old, &new, 1).into_bytes();
    let changed = folder.path().join("changed.csv");
    std::fs::write(&changed, [head, lines.concat()].concat()).unwrap();
    assert_ne!(digest(&changed, "changed"), undisturbed);
}

#[test]
fn max_breaks_decides_the_exit_status() {
    let folder = Folder::new().unwrap();
    let files = demo_files();
    let run = |most: &str| {
        let out = folder.path().join(most);
        match_into(&folder, as_paths(&files), &out, &["--max-breaks", most]).unwrap().0
    };
    assert_eq!((run("100000"), run("1")), (Some(0), Some(1)));
}

#[test]
fn what_cannot_run_says_what_and_where() {
    let folder = Folder::new().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = write("good.csv", b"id,amount,booked\n1,2.50,2026-01-05\n2,3.50,2026-01-06\n");
    let empty = write("empty.csv", b"");
    let binary = write("binary.csv", &[0_u8, 159, 146, 150, 0, 1, 2, 255, 0, 0]);
    let rules = "[columns.amount]\nleft = \"amount\"\nright = \"amount\"\ntype = \"decimal\"\n\
                 [[passes]]\nname = \"exact\"\nequal = [\"amount\"]\n";
    let cases = [
        ("no such file", "missing.csv", rules.to_owned(), "missing.csv"),
        ("empty file", &empty, rules.to_owned(), "empty"),
        ("no table", &binary, rules.to_owned(), "not a table"),
        ("toml syntax", &good, "[columns\n".to_owned(), "line 1"),
        (
            "unknown column",
            &good,
            rules.replace("left = \"amount\"", "left = \"amuont\""),
            "/columns/amount/left",
        ),
        ("its nearest name", &good, rules.replace("left = \"amount\"", "left = \"amuont\""), "`amount`"),
        ("unknown role", &good, rules.replace("[\"amount\"]", "[\"amuont\"]"), "/passes/0/equal/0"),
        ("unknown key", &good, format!("{rules}colour = 1\n"), "/passes/0/colour"),
    ];
    for (name, left, rules, expected) in cases {
        let rules = write("rules.toml", rules.as_bytes());
        let output = recon(&folder, &["match", left, &good, "--rules", &rules]).unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}: {}", said(&output));
        assert!(said(&output).contains(expected), "{name}: {}", said(&output));
        assert!(!said(&output).contains("panicked"), "{name}: {}", said(&output));
    }
}

#[test]
fn json_on_standard_output_is_the_summary() {
    let folder = Folder::new().unwrap();
    let files = demo_files().map(|path| path.to_str().unwrap().to_owned());
    let [left, right, rules] = &files;
    let output = recon(&folder, &["match", left, right, "--rules", rules, "--format", "json"]).unwrap();
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_conserved(&summary);
}

#[test]
fn rejected_rows_and_inputs_are_not_passed_over() {
    let folder = Folder::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = write("good.csv", "id,amount\n1,2.50\n2,3.50\n");
    let bad = write("bad.csv", "id,amount\n1,2.50\n2,3.50\n3,none\n");
    let rules = "[columns.amount]\nleft = \"amount\"\nright = \"amount\"\ntype = \"decimal\"\n\
                 [[passes]]\nname = \"exact\"\nequal = [\"amount\"]\n";
    let rules = write("rules.toml", rules);
    let run = |left: &str, more: &[&str]| {
        let mut arguments = vec!["match", left, &good, "--rules", &rules];
        arguments.extend(more);
        recon(&folder, &arguments).unwrap()
    };
    assert_eq!(run(&good, &[]).status.code(), Some(0));
    let rejected = run(&bad, &["--format", "json"]);
    assert_eq!(rejected.status.code(), Some(1), "a rejected row is not matched");
    assert!(said(&rejected).contains("line 4"), "{}", said(&rejected));
    assert_eq!(run(&bad, &["--max-breaks", "1"]).status.code(), Some(0));

    let overwriting = run(&good, &["--out", folder.path().to_str().unwrap()]);
    assert_eq!(overwriting.status.code(), Some(2), "the rules would be overwritten");
    assert!(said(&overwriting).contains("rules.toml"), "{}", said(&overwriting));
}

#[test]
fn a_folder_holds_one_run_and_keeps_inputs() {
    let folder = Folder::new().unwrap();
    let files = demo_files();
    let out = folder.path().join("out");
    let names = || {
        let files = std::fs::read_dir(&out).unwrap();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect::<BTreeSet<_>>()
    };
    for format in ["csv", "json", "parquet", "csv"] {
        match_into(&folder, as_paths(&files), &out, &["--out-format", format]).unwrap();
        let mut expected: BTreeSet<_> =
            ["matches", "breaks", "rejected"].map(|name| format!("{name}.{format}")).into();
        expected.extend(["rules.toml".to_owned(), "summary.json".to_owned()]);
        assert_eq!(names(), expected, "after a run as {format}");
    }
    // An input may bear the name of a result of another format.
    let input = out.join("breaks.json");
    std::fs::copy(&files[1], &input).unwrap();
    std::fs::write(out.join("notes.txt"), "mine").unwrap();
    match_into(&folder, [&files[0], &input, &files[2]], &out, &["--out-format", "parquet"]).unwrap();
    assert_eq!(std::fs::read(&input).unwrap(), demo_file("ledger.csv"));
    assert!(names().contains("notes.txt") && !names().contains("matches.csv"));
}
