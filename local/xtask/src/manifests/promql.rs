//! The names in a PromQL expression. Grammar is promtool's business (see the validators); this finds what a parser takes on
//! trust: whether anybody exports what is asked for.

use std::collections::BTreeSet;

/// What an expression asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// The metrics, each with the labels that its braces name.
    pub(super) series: Vec<Series>,
    /// What is called like a function.
    pub(super) functions: BTreeSet<String>,
}

/// One selector.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Series {
    /// Empty where the braces name none.
    pub(super) metric: String,
    pub(super) labels: BTreeSet<String>,
}

#[derive(Debug, PartialEq, Eq, Clone)]
enum Token {
    Word(String),
    Text(String),
    Mark(char),
}

/// Words after which a list of labels stands in parentheses.
const GROUPING: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
/// Words that are neither metrics nor functions.
const KEYWORDS: [&str; 10] = ["and", "or", "unless", "bool", "offset", "atan2", "inf", "nan", "start", "end"];

/// Reads an expression; the error says what is wrong with its marks.
pub(super) fn read(expression: &str) -> Result<Asked, String> {
    let tokens = tokens(expression)?;
    balanced(&tokens)?;
    let mut asked = Asked::default();
    let mut at = 0;
    while at < tokens.len() {
        at = match &tokens[at] {
            Token::Word(word) if GROUPING.contains(&lower(word).as_str()) => after_group(&tokens, at + 1),
            Token::Word(word) if KEYWORDS.contains(&lower(word).as_str()) => at + 1,
            Token::Word(word) => named(&tokens, at, word, &mut asked),
            Token::Mark('{') => braces(&tokens, at, String::new(), &mut asked),
            Token::Mark('[') => beyond(&tokens, at, ']'),
            Token::Mark(_) | Token::Text(_) => at + 1,
        };
    }
    Ok(asked)
}

fn lower(word: &str) -> String {
    word.to_ascii_lowercase()
}

/// A word is a function before a parenthesis (an aggregation also before its grouping), and a metric elsewhere.
fn named(tokens: &[Token], at: usize, word: &str, asked: &mut Asked) -> usize {
    let groups =
        |token: &Token| matches!(token, Token::Word(next) if GROUPING.contains(&lower(next).as_str()));
    match tokens.get(at + 1) {
        Some(Token::Mark('(')) => {
            asked.functions.insert(word.to_owned());
            at + 1
        }
        Some(Token::Mark('{')) => braces(tokens, at + 1, word.to_owned(), asked),
        Some(next) if groups(next) && is_before_call(tokens, at + 1) => {
            asked.functions.insert(word.to_owned());
            at + 1
        }
        _ => {
            asked.series.push(Series { metric: word.to_owned(), labels: BTreeSet::new() });
            at + 1
        }
    }
}

/// Whether a grouping is that of an aggregation (`sum by (a) (…)`) rather than of an operator (`a / on (b) c`).
fn is_before_call(tokens: &[Token], at: usize) -> bool {
    let aggregates =
        matches!(&tokens[at], Token::Word(word) if ["by", "without"].contains(&lower(word).as_str()));
    aggregates && tokens.get(after_group(tokens, at + 1)) == Some(&Token::Mark('('))
}

fn after_group(tokens: &[Token], at: usize) -> usize {
    if tokens.get(at) == Some(&Token::Mark('(')) { beyond(tokens, at, ')') } else { at }
}

/// The labels between braces: a word before an operator. A text alone, or that of `__name__`, is the metric.
fn braces(tokens: &[Token], at: usize, metric: String, asked: &mut Asked) -> usize {
    let end = beyond(tokens, at, '}');
    let mut series = Series { metric, labels: BTreeSet::new() };
    for (index, token) in tokens[at..end].iter().enumerate() {
        let before = &tokens[at + index.saturating_sub(1)];
        match token {
            Token::Word(label) if label == "__name__" => {
                if let Some(Token::Text(name)) =
                    tokens[at + index..end].iter().find(|t| matches!(t, Token::Text(_)))
                {
                    series.metric.clone_from(name);
                }
            }
            Token::Word(label) => drop(series.labels.insert(label.clone())),
            Token::Text(name) if matches!(before, Token::Mark('{' | ',')) => series.metric.clone_from(name),
            Token::Text(_) | Token::Mark(_) => {}
        }
    }
    asked.series.push(series);
    end
}

/// The place after the next mark of this kind.
fn beyond(tokens: &[Token], at: usize, mark: char) -> usize {
    let found = tokens[at..].iter().position(|token| *token == Token::Mark(mark));
    found.map_or(tokens.len(), |distance| at + distance + 1)
}

fn balanced(tokens: &[Token]) -> Result<(), String> {
    let mut open = Vec::new();
    for token in tokens {
        let Token::Mark(mark) = token else { continue };
        match mark {
            '(' => open.push(')'),
            '{' => open.push('}'),
            '[' => open.push(']'),
            ')' | '}' | ']' if open.pop() != Some(*mark) => return Err(format!("`{mark}` closes nothing")),
            _ => {}
        }
    }
    if tokens.is_empty() {
        return Err("it is empty".to_owned());
    }
    open.pop().map_or(Ok(()), |mark| Err(format!("`{mark}` is missing at the end")))
}

fn tokens(expression: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '"' | '\'' | '`' => {
                let (text, length) = quoted(rest, first)?;
                tokens.push(Token::Text(text));
                length
            }
            '0'..='9' => rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(rest.len()),
            _ if is_word(first) => {
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..length].to_owned()));
                length
            }
            _ => {
                tokens.push(Token::Mark(first));
                first.len_utf8()
            }
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

/// A text with its quotes away, and the length that it had with them.
fn quoted(rest: &str, quote: char) -> Result<(String, usize), String> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => return Ok((text, at + 1)),
            '\\' if quote != '`' => text.extend(chars.next().map(|(_, c)| c)),
            _ => text.push(c),
        }
    }
    Err(format!("the text that begins with {quote} does not end"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expression: &str, series: &[(&str, &[&str])], functions: &[&str]) {
        let asked = read(expression).unwrap();
        let found: Vec<(String, Vec<String>)> =
            asked.series.into_iter().map(|one| (one.metric, one.labels.into_iter().collect())).collect();
        let expected: Vec<(String, Vec<String>)> = series
            .iter()
            .map(|(metric, labels)| ((*metric).to_owned(), labels.iter().map(|l| (*l).to_owned()).collect()))
            .collect();
        assert_eq!(found, expected, "{expression}");
        assert_eq!(asked.functions.into_iter().collect::<Vec<_>>(), functions, "{expression}");
    }

    #[test]
    fn metrics_are_found_with_their_labels() {
        check("up", &[("up", &[])], &[]);
        check(
            "sum by (route, le) (rate(http_requests_total{route!~\"a|b\",status='5xx'}[5m])) > 1e3",
            &[("http_requests_total", &["route", "status"])],
            &["rate", "sum"],
        );
        check("max(a) by (x) / on (y) group_left (z) b", &[("a", &[]), ("b", &[])], &["max"]);
        check("sum(a) / ignoring(x) sum without (y) (b)", &[("a", &[]), ("b", &[])], &["sum"]);
        check(
            "a:b:rate5m offset 5m and absent(c[5m:1m]) or vector(0)",
            &[("a:b:rate5m", &[]), ("c", &[])],
            &["absent", "vector"],
        );
        check("{__name__=\"a\",b=\"c\"}", &[("a", &["b"])], &[]);
        check("{\"a\",b=\"c\"}", &[("a", &["b"])], &[]);
        check("a > bool 0x1F # b\n unless Inf", &[("a", &[])], &[]);
        check("a{b=\"}\\\"\"}", &[("a", &["b"])], &[]);
        check(
            "histogram_quantile(0.95, sum by (le) (a)) != NaN",
            &[("a", &[])],
            &["histogram_quantile", "sum"],
        );
    }

    #[test]
    fn what_does_not_close_is_said() {
        for (expression, words) in [
            ("sum(a", "`)` is missing at the end"),
            ("sum(a))", "`)` closes nothing"),
            ("a{b=\"c\"", "`}` is missing at the end"),
            ("a[5m)", "`)` closes nothing"),
            ("a{b=\"c}", "the text that begins with \" does not end"),
            ("  ", "it is empty"),
        ] {
            assert_eq!(read(expression).unwrap_err(), words, "{expression}");
        }
    }
}
