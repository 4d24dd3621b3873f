//! Results whose totals and digest are made to fit what was changed: the conditions of the passes give them away.

use std::fs;
use std::path::{Path, PathBuf};

use recon_testkit::Folder;
use serde_json::Value;

use super::{find, lines, printed, results, set, verify};
use crate::support::{match_into, recon, said};

/// What `recon verify` says that differs.
fn differences(folder: &Folder, out: &Path) -> Vec<String> {
    let verified = verify(folder, out, &["--format", "json"]);
    let report: Value =
        serde_json::from_slice(&verified.stdout).unwrap_or_else(|_| panic!("{}", said(&verified)));
    let first = report["differences"]["first"].as_array().unwrap();
    assert_eq!(report["differences"]["count"], first.len(), "more than are shown");
    assert_eq!(verified.status.code(), Some(i32::from(!first.is_empty())), "{report}");
    first.iter().map(|words| words.as_str().unwrap().to_owned()).collect()
}

/// Puts what was counted again into the summary, as somebody would who wants a change to pass.
fn forge_summary(folder: &Folder, out: &Path) {
    let path = out.join("summary.json");
    let mut summary: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    for difference in differences(folder, out) {
        let Some(rest) = difference.strip_prefix("summary.json") else { continue };
        let (pointer, words) = rest.split_once(" is ").unwrap();
        let (_, counted) = words.split_once(", counted again ").unwrap();
        let ((parent, name), counted) =
            (pointer.rsplit_once('/').unwrap(), serde_json::from_str(counted).unwrap());
        let parent = summary.pointer_mut(parent).unwrap();
        match counted {
            Value::Null => drop(parent.as_object_mut().unwrap().remove(name)),
            counted => parent[name] = counted,
        }
    }
    fs::write(path, summary.to_string()).unwrap();
}

/// The same for the variances of matches.
fn forge_variances(folder: &Folder, out: &Path) {
    let mut lines = lines(&fs::read_to_string(out.join("matches.csv")).unwrap());
    for difference in differences(folder, out) {
        let Some((number, words)) = difference.split_once(": the variance is ") else { continue };
        let (number, measured) =
            (number.strip_prefix("match ").unwrap(), words.split_once("minus left ").unwrap().1);
        let (amount, days) = measured.strip_suffix(" days").unwrap().split_once(" and ").unwrap();
        let of_match = format!("{number},");
        for line in lines.iter_mut().filter(|line| line.starts_with(&of_match)) {
            // They stand last, after cells with quotes.
            let before = line.rsplitn(3, ',').last().unwrap();
            *line = format!("{before},{amount},{days}");
        }
    }
    fs::write(out.join("matches.csv"), lines.join("\n") + "\n").unwrap();
}

/// What is changed, in which file, how, and all that is to be said of it once the totals fit.
type Forgery = (&'static str, &'static str, fn(&mut Vec<String>), &'static [&'static str]);

/// The first match of a pass becomes one of another.
fn move_first(lines: &mut [String], from: &str, to: &str) {
    let line = find(lines, "pass", from);
    [line, line + 1].into_iter().for_each(|line| set(lines, line, "pass", |_| to.to_owned()));
}

/// The right rows of two matches change places, all but the numbers.
fn swap(lines: &mut [String], [first, second]: [usize; 2]) {
    let rest = |line: &String| line.split_once(',').unwrap().1.to_owned();
    let [one, other] = [first, second].map(|number| rest(&lines[2 * number]));
    lines[2 * first] = format!("{first},{other}");
    lines[2 * second] = format!("{second},{one}");
}

/// Changes the first break of a kind.
fn set_in(lines: &mut [String], kind: &str, name: &str, to: &str) {
    let line = find(lines, "kind", kind);
    set(lines, line, name, |_| to.to_owned());
}

const FORGERIES: &[Forgery] = &[
    (
        "two matches that exchange a row",
        "matches.csv",
        |lines| swap(lines, [2, 3]),
        &[
            "matches.csv, line 4, match 2: pass `reference and amount`: reference is `RE202604706` left and \
             `RE202604707` right, equal wants the same in both; amount differs by -2641.30, equal allows no difference",
            "matches.csv, line 6, match 3: pass `reference and amount`: reference is `RE202604707` left and \
             `RE202604706` right, equal wants the same in both; amount differs by 2641.30, equal allows no difference",
        ],
    ),
    (
        "two matches of two currencies that exchange a row",
        "matches.csv",
        |lines| swap(lines, [1, 4]),
        &[
            "line 2, match 1: pass `reference and amount`: the currency is EUR left and CHF right, every pass wants",
            "line 8, match 4: pass `reference and amount`: the currency is CHF left and EUR right, every pass wants",
        ],
    ),
    (
        "a match of a pass that is stricter in amounts",
        "matches.csv",
        |lines| move_first(lines, "card takings less fee", "amount near date"),
        &["line 532, match 266: pass `amount near date`: amount differs by 12.96, within allows 0.02 above"],
    ),
    (
        "a match of a pass that wants a reference",
        "matches.csv",
        |lines| move_first(lines, "amount near date", "reference and amount"),
        &[
            "pass `reference and amount`: reference is empty left and empty right, equal wants the same in both",
        ],
    ),
    (
        "a match of a pass for other rows",
        "matches.csv",
        |lines| move_first(lines, "cash paid in", "card takings less fee"),
        &[
            "pass `card takings less fee`: booking is `Bargeldeinzahlung` left, where wants is `Kartenzahlung` there",
        ],
    ),
    (
        "another measure of what fails",
        "breaks.csv",
        |lines| set(lines, 1, "failed", |_| "equal:amount by 0.02".to_owned()),
        &[
            "breaks.csv, line 2: pass `reference and amount`: left row 17 and right row 20 fail `equal:amount by 0.27`, \
             not `equal:amount by 0.02`",
        ],
    ),
    (
        "another condition that fails",
        "breaks.csv",
        |lines| set_in(lines, "date_out_of_tolerance", "failed", "equal:reference"),
        &[
            "pass `reference and amount`: left row 70 and right row 156 fail `within:date by 15`, not `equal:reference`",
        ],
    ),
    (
        "nothing that fails",
        "breaks.csv",
        |lines| set_in(lines, "reference_differs", "failed", ""),
        &["left row 62 and right row 59 fail `equal:reference`, not nothing"],
    ),
    (
        "another nearest row",
        "breaks.csv",
        |lines| set_in(lines, "reference_differs", "nearest_row", "20"),
        &[
            "line 7: left row 62 and right row 20 are not near each other by any pass; of pass `reference and amount`: \
             reference is `RE202604709` left and `RE202604727` right, equal wants the same in both; amount differs by \
             1996.13, equal allows no difference; date differs by -7 days of `bank`, within allows 3 before",
            "line 7: left row 62 is reference_differs, by no nearest row and no matched row that is like it missing_right",
        ],
    ),
    (
        "no nearest row",
        "breaks.csv",
        |lines| set_in(lines, "reference_differs", "nearest_row", ""),
        &[
            "line 7: left row 62 names no nearest row, and what it fails",
            "line 7: left row 62 is reference_differs, by no nearest row",
        ],
    ),
    (
        "a nearest row of a duplicate",
        "breaks.csv",
        |lines| {
            set_in(lines, "duplicate", "nearest_row", "145");
            set_in(lines, "duplicate", "failed", "equal:amount by -84.66");
        },
        &[
            "line 4: left row 40 and right row 145 are not near each other by any pass; of pass `reference and amount`: ",
            "line 4: left row 40 is a duplicate, which has no nearest row",
        ],
    ),
    (
        "another cause",
        "breaks.csv",
        |lines| set(lines, 1, "cause", |_| "fx_rounding".to_owned()),
        &["breaks.csv, line 2: pass `reference and amount`: left row 17: the cause is fx_rounding, of \
             `equal:amount by 0.27` digits_transposed"],
    ),
    (
        "a cause that is gone",
        "breaks.csv",
        |lines| set(lines, 2, "cause", |_| String::new()),
        &["left row 28: the cause is none, of `equal:amount by 15.00` constant_difference"],
    ),
    (
        "a cause that is none",
        "breaks.csv",
        |lines| set_in(lines, "reference_differs", "cause", "cut_off"),
        &["left row 62: the cause is cut_off, of `equal:reference` none"],
    ),
    (
        "another kind",
        "breaks.csv",
        |lines| set_in(lines, "reference_differs", "kind", "amount_out_of_tolerance"),
        &[
            "line 7: left row 62 is amount_out_of_tolerance, by pass `reference and amount`, of which its nearest fails \
             `equal:reference`, reference_differs",
        ],
    ),
    (
        "a duplicate of nothing",
        "breaks.csv",
        |lines| set_in(lines, "missing_right", "kind", "duplicate"),
        &["is duplicate, by pass `reference and amount`, of which its nearest fails"],
    ),
    (
        "a duplicate that is none any more",
        "breaks.csv",
        |lines| {
            let line = lines.iter().position(|line| line.starts_with("right,27,duplicate,")).unwrap();
            set(lines, line, "kind", |_| "missing_left".to_owned());
        },
        &["right row 27 is missing_left, by the matched row that is like it duplicate"],
    ),
    (
        "an ambiguity that no pass forbids",
        "breaks.csv",
        |lines| set_in(lines, "missing_right", "kind", "ambiguous"),
        &["is ambiguous, by pass `reference and amount`"],
    ),
];

#[test]
fn what_does_not_follow_from_a_pass_is_found_though_the_totals_fit() {
    let folder = Folder::new().unwrap();
    for (case, file, change, words) in FORGERIES {
        let out = results(&folder, "csv");
        let path = out.join(file);
        let mut lines = lines(&fs::read_to_string(&path).unwrap());
        change(&mut lines);
        fs::write(&path, lines.join("\n") + "\n").unwrap();
        forge_variances(&folder, &out);
        forge_summary(&folder, &out);
        let found = differences(&folder, &out);
        assert_eq!(found.len(), words.len(), "{case}: {found:#?}");
        for words in *words {
            assert!(found.iter().any(|found| found.contains(words)), "{case}: no `{words}` in {found:#?}");
        }
        fs::remove_dir_all(&out).unwrap();
    }
}

/// Matches under rules that are stricter than those they were made by.
#[test]
fn each_condition_says_what_it_allows() {
    let folder = Folder::new().unwrap();
    for format in ["csv", "json", "parquet"] {
        let out = results(&folder, format);
        let path = out.join("rules.toml");
        let untouched = fs::read_to_string(&path).unwrap();
        for (from, to, words) in [
            (
                "absolute = \"0.02\"",
                "absolute = \"0\"",
                "pass `amount near date`: amount differs by -0.02, within allows 0 below",
            ),
            (
                "above = \"1%\"",
                "above = \"0.5%\"",
                "pass `card takings less fee`: amount differs by 12.96, within allows 0.5% above",
            ),
            (
                "days_after = 5",
                "days_after = 1",
                "pass `reference and amount`: date differs by 2 days of `bank`, within allows 1 after",
            ),
            ("at_least = 7500", "at_least = 9999", "pass `amount near date`: partner scores "),
            (
                "is = \"Bargeldeinzahlung\"",
                "is = \"Einzahlung\"",
                "booking is `Bargeldeinzahlung` left, where wants is `Einzahlung` there",
            ),
            ("matches = \"^Kasse\"", "matches = \"^Bank\"", "right, where wants matches `^Bank` there"),
            (
                "equal = [\"reference\", \"amount\"]\nwithin = [{ column = \"date\", days_before = 3, days_after = 5, calendar = \"bank\" }]",
                "equal = [\"reference\", \"amount\", \"date\"]",
                "pass `reference and amount`: date differs by 2 days, equal allows no difference",
            ),
            ("equal = [\"amount\"]", "equal = [\"partner\"]", "equal wants the same in both"),
            (
                "equal = [\"amount\"]",
                "ambiguous = \"forbid\"\nequal = [\"amount\"]",
                "pass `cash paid in` forbids ambiguity, and 2 others could take its place",
            ),
        ] {
            assert_eq!(untouched.matches(from).count(), 1, "{from}");
            fs::write(&path, untouched.replace(from, to)).unwrap();
            let verified = verify(&folder, &out, &[]);
            assert_eq!(verified.status.code(), Some(1), "{to}: {}", said(&verified));
            let file = format!("matches.{format}, line ");
            let mut found = printed(&verified).lines().map(str::to_owned).collect::<Vec<_>>();
            found.retain(|line| line.starts_with(&file) && line.contains(words));
            assert!(!found.is_empty(), "{to}: no `{words}` in {}", printed(&verified));
        }
        fs::write(&path, untouched).unwrap();
        assert_eq!(differences(&folder, &out), Vec::<String>::new());
    }
}

/// Files of two matches and a break, with line ends in cells.
fn of_several_lines(folder: &Folder) -> [PathBuf; 3] {
    let rules = "[columns.amount]\nleft = \"a\"\nright = \"a\"\ntype = \"decimal\"\n\
                 [columns.note]\nleft = \"t\"\nright = \"t\"\ntype = \"text\"\n\
                 [[passes]]\nname = \"exact\"\nequal = [\"note\"]\n\
                 within = [{ column = \"amount\", absolute = \"0.05\" }]\n";
    let left = "a,t\n1.00,\"one\nand\n\nmore\"\n2.00,\"two\nand\"\n3.00,three\n4.00,\"four\n\"\n9.00,nine\n";
    let right = "a,t\n1.00,\"one\nand\n\nmore\"\n2.05,\"two\nand\"\n3.00,three\n4.10,\"four\n\"\n9.10,nine\n";
    let files = [("left.csv", left), ("right.csv", right), ("strict.toml", rules)];
    files.map(|(name, text)| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    })
}

#[test]
fn the_line_that_is_named_is_the_one_in_the_file() {
    let folder = Folder::new().unwrap();
    let files = of_several_lines(&folder);
    let [left, right, rules] = [0, 1, 2].map(|at| files[at].as_path());
    let strict = fs::read_to_string(rules)
        .unwrap()
        .replace("within = [{ column = \"amount\", absolute = \"0.05\" }]\n", "");
    // In CSV a row of the first match takes four lines, and one of the first break two.
    for (format, of_match, of_break) in [("csv", 10, 4), ("json", 3, 3), ("parquet", 3, 2)] {
        let out = folder.path().join(format);
        match_into(&folder, [left, right, rules], &out, &["--out-format", format]).unwrap();
        let arguments = [&out, left, right].map(|path| path.to_str().unwrap());
        let told = || recon(&folder, &[&["verify"], &arguments[..]].concat()).unwrap();
        assert_eq!(told().status.code(), Some(0), "{}{}", printed(&told()), said(&told()));
        fs::write(out.join("rules.toml"), strict.replace("equal = [", "equal = [\"amount\", ")).unwrap();
        let printed = printed(&told());
        for words in [
            format!(
                "matches.{format}, line {of_match}, match 2: pass `exact`: amount differs by 0.05, equal allows"
            ),
            format!(
                "breaks.{format}, line {of_break}: pass `exact`: left row 5 and right row 5 fail `equal:amount by 0.10`, not "
            ),
        ] {
            assert!(printed.contains(&words), "no `{words}` in {printed}");
        }
    }
}
