//! The table of limits in SCALING.md.

use anyhow::{Context, Result, bail};

use super::known::table;

const HEADINGS: [&str; 3] = ["workload", "min", "max"];

/// A row: what scales between which numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) workload: String,
    pub(super) min: u64,
    pub(super) max: u64,
    /// The row's other columns, as one text.
    pub(super) words: String,
}

/// The rows of the table whose columns begin with workload, min and max.
pub(super) fn read(markdown: &str) -> Result<Vec<Limit>> {
    table::rows(markdown, &HEADINGS)?.iter().map(|cells| row(cells)).collect()
}

fn row(cells: &[String]) -> Result<Limit> {
    let line = cells.join(" | ");
    let [workload, min, max, rest @ ..] = cells else {
        bail!("a row has no workload, min and max: {line}");
    };
    let number = |cell: &String| cell.parse().with_context(|| format!("`{cell}` is no number: {line}"));
    Ok(Limit { workload: workload.clone(), min: number(min)?, max: number(max)?, words: rest.join(" | ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_until_the_table_ends() {
        let markdown = "# Scaling\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n| Workload | min | max | scales on |\n\
                        | --- | --- | --- | --- |\n| `backend` | 2 | 20 | CPU 70% |\n| database | 3 | 3 | manual |\n\nText | more\n";
        let limits = read(markdown).unwrap();
        assert_eq!(limits.len(), 2);
        let backend = Limit { workload: "backend".to_owned(), min: 2, max: 20, words: "CPU 70%".to_owned() };
        assert_eq!(limits[0], backend);
    }

    #[test]
    fn a_table_that_cannot_be_read_is_said() {
        let head = "| workload | min | max |\n| --- | --- | --- |\n";
        for (markdown, words) in [
            ("# Scaling\n", "no table has the columns"),
            (head, "has no row"),
            (&format!("{head}| backend | two | 20 |\n"), "`two` is no number"),
            (&format!("{head}| backend |\n"), "a row has no workload"),
        ] {
            assert!(format!("{:#}", read(markdown).unwrap_err()).contains(words), "{markdown}");
        }
    }
}
