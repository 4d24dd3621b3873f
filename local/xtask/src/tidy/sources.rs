//! Rules on the text of every source file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Lines of a file before its tests.
const LINES_MAX: usize = 450;
/// Where source files lie.
const FOLDERS: [&str; 4] = ["functions", "shared", "local", "tests"];
/// Where a file's unit tests begin.
const TESTS_BEGIN: &str = "#[cfg(test)]\nmod ";
/// What stands for work that is not done. Written in two parts, so that this file does not hold them.
const UNFINISHED: [&str; 4] =
    [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[", "ignore"), concat!("#[", "allow(")];

pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for folder in FOLDERS {
        let mut files = Vec::new();
        collect(&root.join(folder), &mut files)?;
        files.sort_unstable();
        for file in files {
            let text = fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
            let place = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().into_owned();
            complaints.extend(check_file(&place, &text));
        }
    }
    Ok(complaints)
}

/// Rust files below a folder, without what cargo built.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("list {}", folder.display()))?.path();
        if path.is_dir() {
            if !path.ends_with("target") {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

fn check_file(place: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    if place.ends_with("/mod.rs") {
        complaints.push(format!("{place}: name the file after its module"));
    }
    let code = text.find(TESTS_BEGIN).map_or(text, |tests| &text[..tests]);
    let lines = code.lines().count();
    let is_test = place.starts_with("tests/") || place.contains("/tests/") || place.ends_with("/tests.rs");
    if lines > LINES_MAX && !is_test {
        complaints.push(format!("{place} has {lines} lines without its tests, more than {LINES_MAX}"));
    }
    for (number, line) in (1..).zip(text.lines()) {
        for word in UNFINISHED.iter().filter(|word| line.contains(**word)) {
            complaints.push(format!("{place}:{number}: `{word}` is refused"));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(place: &str, text: &str, expected: &[&str]) {
        assert_eq!(check_file(place, text), expected);
    }

    #[test]
    fn unfinished_work_is_refused_with_its_line() {
        for word in UNFINISHED {
            let complaint = format!("shared/x/src/lib.rs:2: `{word}` is refused");
            check("shared/x/src/lib.rs", &format!("fn x() {{\n    {word}\n"), &[&complaint]);
        }
    }

    #[test]
    fn a_long_file_is_refused_and_its_tests_do_not_count() {
        let long = "//\n".repeat(LINES_MAX + 1);
        let complaint = "shared/x/src/lib.rs has 451 lines without its tests, more than 450";
        check("shared/x/src/lib.rs", &long, &[complaint]);
        check("shared/x/src/lib.rs", &format!("{TESTS_BEGIN}tests {{\n{long}}}\n"), &[]);
        check("tests/it/flow.rs", &long, &[]);
    }

    #[test]
    fn a_file_named_mod_is_refused() {
        check(
            "shared/x/src/y/mod.rs",
            "//! Y.\n",
            &["shared/x/src/y/mod.rs: name the file after its module"],
        );
    }
}
