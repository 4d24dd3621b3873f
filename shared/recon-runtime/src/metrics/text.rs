//! What the recorder has no kind for, as the text format of Prometheus has it: counters of fractions, and gauges that are not
//! there while nobody knows their value.

use std::fmt::Write as _;

/// A metric.
pub(super) struct Metric {
    pub(super) name: &'static str,
    /// `counter` or `gauge`.
    pub(super) kind: &'static str,
    /// One line without a backslash.
    pub(super) about: &'static str,
}

impl Metric {
    /// Writes it with its series: the labels of each in braces, or nothing, and its value.
    pub(super) fn render(&self, text: &mut String, series: &[(&str, f64)]) {
        let Self { name, kind, about } = self;
        // A text takes everything that is written to it.
        _ = writeln!(text, "# HELP {name} {about}\n# TYPE {name} {kind}");
        for (labels, value) in series {
            _ = writeln!(text, "{name}{labels} {value}");
        }
        text.push('\n');
    }
}
