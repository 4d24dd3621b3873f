//! Tables in Markdown.

use anyhow::{Result, bail};

/// The rows of the table whose columns begin with these headings; backticks are left out.
pub(in crate::manifests) fn rows(markdown: &str, headings: &[&str]) -> Result<Vec<Vec<String>>> {
    let mut rows = markdown.lines().map(cells).skip_while(|cells| !begins_with(cells, headings));
    let named: Vec<_> = headings.iter().map(|heading| format!("`{heading}`")).collect();
    if rows.next().is_none() {
        bail!("no table has the columns {}", named.join(", "));
    }
    let rows: Vec<_> = rows.skip(1).take_while(|cells| !cells.is_empty()).collect();
    if rows.is_empty() {
        bail!("the table of {} has no row", named.join(", "));
    }
    Ok(rows)
}

/// A column of a row; one that is not there is empty.
pub(in crate::manifests) fn cell(row: &[String], column: usize) -> &str {
    row.get(column).map_or("", String::as_str)
}

/// The columns of a line; a line that is no row has none.
fn cells(line: &str) -> Vec<String> {
    let Some(inner) = line.trim().strip_prefix('|') else { return Vec::new() };
    let inner = inner.strip_suffix('|').unwrap_or(inner);
    inner.split('|').map(|cell| cell.trim().replace('`', "")).collect()
}

fn begins_with(cells: &[String], headings: &[&str]) -> bool {
    cells.len() >= headings.len()
        && cells.iter().zip(headings).all(|(cell, word)| cell.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_found_by_its_headings_and_ends_where_it_ends() {
        let markdown = "| a | b |\n| --- | --- |\n| 1 | 2 |\n\n| Step | seconds |\n| --- | --- |\n\
                        | SIGTERM, `WAIT` | 2 |\n\nText | more\n";
        assert_eq!(rows(markdown, &["step", "seconds"]).unwrap(), [["SIGTERM, WAIT", "2"]]);
        let words = |markdown: &str| rows(markdown, &["c", "d"]).unwrap_err().to_string();
        assert_eq!(words(markdown), "no table has the columns `c`, `d`");
        assert_eq!(words("| c | d |\n| --- | --- |\n"), "the table of `c`, `d` has no row");
    }
}
