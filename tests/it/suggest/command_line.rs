//! `recon suggest`, and `recon match` where too little can be told.

use recon_testkit::Folder;

use crate::support::{demo_folder, recon, said};

fn demo() -> [String; 2] {
    ["bank.csv", "ledger.csv"].map(|name| demo_folder().join(name).to_str().unwrap().to_owned())
}

fn write(folder: &Folder, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Two files that share nothing.
fn strangers(folder: &Folder) -> [String; 2] {
    let payments = (1..60).map(|n| format!("2026-01-{:02},{n}.37\n", n % 28 + 1)).collect::<String>();
    let plants = (1..60).map(|n| format!("plant {n},{}\n", n * 1_000)).collect::<String>();
    [
        write(folder, "payments.csv", &format!("date,amount\n{payments}")),
        write(folder, "plants.csv", &format!("label,height\n{plants}")),
    ]
}

#[test]
fn a_suggestion_is_printed_for_people_programs_and_as_a_file() {
    let folder = Folder::new().unwrap();
    let [left, right] = demo();
    let print = |format: &str| {
        let output = recon(&folder, &["suggest", &left, &right, "--format", format]).unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let table = print("table");
    for part in ["/columns/amount", "score", "expected by pass", "[[passes]]"] {
        assert!(table.contains(part), "{part}: {table}");
    }
    let json: serde_json::Value = serde_json::from_str(&print("json")).unwrap();
    assert!(json["expected"].as_array().unwrap().len() > 2, "{json}");
    let toml = print("toml");
    assert_eq!(recon_contract::rules::toml_to_json(&toml).unwrap(), json["rules"]);

    let file = folder.path().join("rules.toml");
    let file = file.to_str().unwrap();
    let output = recon(&folder, &["suggest", &left, &right, "--out", file]).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(std::fs::read_to_string(file).unwrap().trim_end(), toml.trim_end());
    let output = recon(&folder, &["match", &left, &right, "--rules", file]).unwrap();
    assert_eq!(output.status.code(), Some(1), "breaks remain: {}", said(&output));
    let output = recon(&folder, &["suggest", &left, &right, "--out", &left]).unwrap();
    assert_eq!(output.status.code(), Some(2), "an input is not overwritten");
}

#[test]
fn where_too_little_can_be_told_it_asks_and_does_not_run() {
    let folder = Folder::new().unwrap();
    let [left, right] = strangers(&folder);
    let out = folder.path().join("out");
    let run = recon(&folder, &["match", &left, &right, "--out", out.to_str().unwrap()]).unwrap();
    assert_eq!(run.status.code(), Some(2), "{}", said(&run));
    for part in ["QUESTION", "--rules", "/columns/"] {
        assert!(said(&run).contains(part), "{part}: {}", said(&run));
    }
    assert!(!out.exists(), "nothing is written");
    let suggested = recon(&folder, &["suggest", &left, &right]).unwrap();
    assert_eq!(suggested.status.code(), Some(2), "{}", said(&suggested));
    assert!(String::from_utf8_lossy(&suggested.stdout).contains("QUESTION"));
}

#[test]
fn a_currency_that_one_file_does_not_say_stops_a_run_until_it_is_answered() {
    let folder = Folder::new().unwrap();
    let lines = |currency: fn(u32) -> &'static str| -> String {
        (1..60).map(|n| format!("2026-01-{:02},{n}.37{}\n", n % 28 + 1, currency(n))).collect()
    };
    let several = lines(|n| if n % 2 == 0 { ",EUR" } else { ",USD" });
    let left = write(&folder, "left.csv", &format!("date,amount,currency\n{several}"));
    let right = write(&folder, "right.csv", &format!("date,amount\n{}", lines(|_| "")));
    let out = folder.path().join("out");
    let run = |more: &[&str]| {
        recon(&folder, &[&["match", &left, &right, "--out", out.to_str().unwrap()], more].concat()).unwrap()
    };
    let refused = run(&[]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    for part in ["QUESTION /columns/currency", "`currency` in [right]", "has to be answered", "--rules"] {
        assert!(said(&refused).replace("\n#", "").contains(part), "{part}: {}", said(&refused));
    }
    assert!(!out.exists(), "nothing is written");

    // What was said is a rule file that lacks only the answer.
    let suggested = recon(&folder, &["suggest", &left, &right, "--format", "toml"]).unwrap();
    assert_eq!(suggested.status.code(), Some(2), "{}", said(&suggested));
    let draft = String::from_utf8(suggested.stdout).unwrap();
    let rules = write(&folder, "rules.toml", &format!("{draft}\n[right]\ncurrency = \"EUR\"\n"));
    let answered = run(&["--rules", &rules, "--format", "json"]);
    assert_eq!(answered.status.code(), Some(1), "{}", said(&answered));
    let summary: serde_json::Value = serde_json::from_slice(&answered.stdout).unwrap();
    assert_eq!(summary["left"]["matched"], 29, "those in euros: {summary}");
}

#[test]
fn lists_of_one_column_are_matched_and_what_is_no_table_is_refused() {
    let folder = Folder::new().unwrap();
    let list = |name: &str, numbers: std::ops::Range<u32>| {
        let lines: String = numbers.map(|n| format!("INV-{:05}\n", n * 37)).collect();
        write(&folder, name, &format!("invoice\n{lines}"))
    };
    let (left, right) = (list("left.csv", 100..160), list("right.csv", 110..170));
    let out = folder.path().join("out");
    let run = recon(&folder, &["match", &left, &right, "--out", out.to_str().unwrap()]).unwrap();
    assert_eq!(run.status.code(), Some(1), "{}", said(&run));
    assert!(said(&run).contains("read as one column"), "{}", said(&run));
    let summary = std::fs::read(out.join("summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
    assert_eq!((&summary["left"]["matched"], &summary["right"]["matched"]), (&50.into(), &50.into()));
    // The rules that were kept read the files in the same way.
    let kept = out.join("rules.toml");
    let again = ["match", &left, &right, "--rules", kept.to_str().unwrap(), "--format", "json"];
    let again = recon(&folder, &again).unwrap();
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&again.stdout).unwrap(), summary);

    let ragged = write(&folder, "ragged.csv", "name, town and more\nAda\nBruno\nClara; Eva\nDirk\nFrank\n");
    let refused = recon(&folder, &["match", &ragged, &right]).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("not a table"), "{}", said(&refused));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let folder = Folder::new().unwrap();
    let [left, _] = demo();
    for command in ["suggest", "match"] {
        let output = recon(&folder, &[command, &left, "nowhere.csv"]).unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("nowhere.csv"), "{}", said(&output));
    }
}
