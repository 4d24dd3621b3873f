//! As much of Markdown as the document's descriptions use: headings, paragraphs, lists, tables, code, bold.

use super::html::{self, escaped};

/// A description as HTML.
pub(super) fn html(text: &str) -> String {
    text.split("\n\n").map(str::trim).filter(|block| !block.is_empty()).map(block).collect()
}

fn block(block: &str) -> String {
    if let Some(heading) = block.strip_prefix("## ") {
        return format!("<h2>{}</h2>\n", line(heading));
    }
    if block.starts_with("- ") {
        // A line that does not begin an item goes on with the one before.
        let items: String = format!("\n{block}")
            .split("\n- ")
            .skip(1)
            .map(|item| format!("<li>{}</li>\n", line(item)))
            .collect();
        return format!("<ul>\n{items}</ul>\n");
    }
    if block.starts_with('|') {
        return table(block);
    }
    format!("<p>{}</p>\n", line(block))
}

fn table(block: &str) -> String {
    let mut rows = block.lines().map(|row| row.trim_matches('|').split('|').map(|cell| line(cell.trim())));
    let headings: Vec<String> = rows.next().map(Iterator::collect).unwrap_or_default();
    let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
    // The second row only draws the line under the first.
    html::table(&headings, &rows.skip(1).map(Iterator::collect).collect::<Vec<_>>())
}

/// Text with code and bold in it.
pub(super) fn line(text: &str) -> String {
    let mut out = String::new();
    for (index, part) in text.replace('\n', " ").split('`').enumerate() {
        if index % 2 == 1 {
            out.push_str(&html::code(part));
            continue;
        }
        out.push_str(&escaped(part));
    }
    let parts = out.split("**").enumerate();
    parts
        .map(
            |(index, part)| if index % 2 == 1 { format!("<strong>{part}</strong>") } else { part.to_owned() },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_become_html() {
        for (text, expected) in [
            ("a `<b>` & **c**", "<p>a <code>&lt;b&gt;</code> &amp; <strong>c</strong></p>\n"),
            ("**409 `x`**: y", "<p><strong>409 <code>x</code></strong>: y</p>\n"),
            ("## A\n\nb\nc", "<h2>A</h2>\n<p>b c</p>\n"),
            ("- a\n  b\n- c", "<ul>\n<li>a   b</li>\n<li>c</li>\n</ul>\n"),
        ] {
            assert_eq!(html(text), expected, "{text}");
        }
        let table = html("| a | b |\n| --- | --- |\n| 1 | `2` |");
        assert!(
            table.contains("<th>a</th><th>b</th>") && table.contains("<td>1</td><td><code>2</code></td>")
        );
        assert!(!table.contains("---"));
    }
}
