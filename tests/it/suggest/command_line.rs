//! `recon suggest`, and `recon match` where too little can be told.

use recon_testkit::Folder;

use crate::support::{demo_folder, recon, said};

fn demo() -> [String; 2] {
    ["bank.csv", "ledger.csv"].map(|name| demo_folder().join(name).to_str().unwrap().to_owned())
}

/// Two files that share nothing.
fn strangers(folder: &Folder) -> [String; 2] {
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let payments = (1..60).map(|n| format!("2026-01-{:02},{n}.37\n", n % 28 + 1)).collect::<String>();
    let plants = (1..60).map(|n| format!("plant {n},{}\n", n * 1_000)).collect::<String>();
    [
        write("payments.csv", format!("date,amount\n{payments}")),
        write("plants.csv", format!("label,height\n{plants}")),
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
fn a_file_that_is_not_there_is_named() {
    let folder = Folder::new().unwrap();
    let [left, _] = demo();
    for command in ["suggest", "match"] {
        let output = recon(&folder, &[command, &left, "nowhere.csv"]).unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("nowhere.csv"), "{}", said(&output));
    }
}
