//! A run's summary on the wire.

use std::collections::BTreeMap;

use recon_domain::{BreakKind, Currency, Decimal};
use serde::{Deserialize, Serialize};

use crate::text;

/// Rows of one side. `rows` = `matched` + `suggested` + `broken`; `rejected` stand beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SideCounts {
    /// Entries.
    pub rows: u64,
    /// Rows of the file that could not become entries.
    pub rejected: u64,
    /// Entries in confirmed matches.
    pub matched: u64,
    /// Entries in suggested matches.
    pub suggested: u64,
    /// Entries that are breaks.
    pub broken: u64,
}

/// Matches of one pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PassCount {
    /// The name of the pass.
    pub pass: String,
    /// Confirmed matches.
    pub confirmed: u64,
    /// Suggested matches.
    pub suggested: u64,
}

/// Sums of one side in one currency, as decimal texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SideAmounts {
    /// Of all entries.
    #[cfg_attr(feature = "openapi", schema(pattern = r"^-?[0-9]+(\.[0-9]+)?$"))]
    pub input: String,
    /// Of entries in confirmed matches.
    #[cfg_attr(feature = "openapi", schema(pattern = r"^-?[0-9]+(\.[0-9]+)?$"))]
    pub matched: String,
    /// Of entries in suggested matches.
    #[cfg_attr(feature = "openapi", schema(pattern = r"^-?[0-9]+(\.[0-9]+)?$"))]
    pub suggested: String,
    /// Of breaks.
    #[cfg_attr(feature = "openapi", schema(pattern = r"^-?[0-9]+(\.[0-9]+)?$"))]
    pub broken: String,
}

/// Sums of both sides in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ControlTotals {
    /// The currency.
    #[serde(with = "text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^[A-Z]{3}$"))]
    pub currency: Currency,
    /// The left side.
    pub left: SideAmounts,
    /// The right side.
    pub right: SideAmounts,
}

/// Matched rows as a share of all rows, with four decimals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MatchRates {
    /// Of the left side.
    pub left: String,
    /// Of the right side.
    pub right: String,
}

/// Where a run stopped looking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Limits {
    /// Blocks with too many candidate pairs, whose entries were left open.
    pub skipped_blocks: u64,
    /// Components too large for an exact assignment.
    pub bounded_components: u64,
    /// How far those may be from the best assignment, summed, in units of the first cost: a whole number,
    /// as a text because it may be larger than a JSON number keeps.
    pub gap: String,
}

/// What a run amounts to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Summary {
    /// Rows of the left side.
    pub left: SideCounts,
    /// Rows of the right side.
    pub right: SideCounts,
    /// Matches by pass, in the order of the passes.
    pub by_pass: Vec<PassCount>,
    /// Rows by kind of break; only kinds that occur.
    #[serde(with = "text::keys")]
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, u64>))]
    pub breaks: BTreeMap<BreakKind, u64>,
    /// Amounts by currency; empty where no amount is mapped.
    pub control_totals: Vec<ControlTotals>,
    /// Matched rows as a share of all rows.
    pub match_rate: MatchRates,
    /// Where the run stopped looking.
    pub limits: Limits,
    /// The digest of the result, `v1:` and 64 hex digits.
    pub digest: String,
}

impl From<&recon_domain::SideCounts> for SideCounts {
    fn from(counts: &recon_domain::SideCounts) -> Self {
        let recon_domain::SideCounts { rows, rejected, matched, suggested, broken } = *counts;
        Self { rows, rejected, matched, suggested, broken }
    }
}

impl SideAmounts {
    fn new(amounts: &recon_domain::SideAmounts, scale: u8) -> Self {
        let text = |units| Decimal::units_text(units, scale);
        let recon_domain::SideAmounts { input, matched, suggested, broken } = *amounts;
        Self { input: text(input), matched: text(matched), suggested: text(suggested), broken: text(broken) }
    }
}

impl From<&recon_domain::Summary> for Summary {
    fn from(summary: &recon_domain::Summary) -> Self {
        let [left, right] = &summary.sides;
        let totals = summary.control_totals.iter().map(|totals| {
            let [left, right] = &totals.sides;
            ControlTotals {
                currency: totals.currency,
                left: SideAmounts::new(left, summary.amount_scale),
                right: SideAmounts::new(right, summary.amount_scale),
            }
        });
        let by_pass = summary.by_pass.iter().map(|count| PassCount {
            pass: count.pass.clone(),
            confirmed: count.confirmed,
            suggested: count.suggested,
        });
        Self {
            left: left.into(),
            right: right.into(),
            by_pass: by_pass.collect(),
            breaks: summary.breaks.iter().copied().collect(),
            control_totals: totals.collect(),
            match_rate: MatchRates {
                left: left.match_rate().to_string(),
                right: right.match_rate().to_string(),
            },
            limits: Limits {
                skipped_blocks: summary.limits.skipped_blocks,
                bounded_components: summary.limits.bounded_components,
                gap: summary.limits.gap.to_string(),
            },
            digest: summary.digest.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_summary_stands_on_the_wire_as_promised_and_reads_back() {
        let left = recon_domain::SideCounts { rows: 3, rejected: 1, matched: 2, suggested: 0, broken: 1 };
        let amounts = recon_domain::SideAmounts { input: 1_234, matched: 1_000, suggested: 0, broken: 234 };
        let summary = recon_domain::Summary {
            sides: [left, recon_domain::SideCounts::default()],
            by_pass: vec![recon_domain::PassCount { pass: "reference".into(), confirmed: 2, suggested: 0 }],
            breaks: vec![(BreakKind::Duplicate, 0), (BreakKind::MissingRight, 1)],
            control_totals: vec![recon_domain::ControlTotals {
                currency: "EUR".parse().unwrap(),
                sides: [amounts, recon_domain::SideAmounts { input: -5, ..Default::default() }],
            }],
            amount_scale: 2,
            limits: recon_domain::Limits { skipped_blocks: 1, bounded_components: 2, gap: i128::MAX },
            digest: "v1:00".into(),
        };
        let wire = Summary::from(&summary);
        let json = serde_json::to_value(&wire).unwrap();
        let expected = json!({
            "left": {"rows": 3, "rejected": 1, "matched": 2, "suggested": 0, "broken": 1},
            "right": {"rows": 0, "rejected": 0, "matched": 0, "suggested": 0, "broken": 0},
            "by_pass": [{"pass": "reference", "confirmed": 2, "suggested": 0}],
            "breaks": {"duplicate": 0, "missing_right": 1},
            "control_totals": [{
                "currency": "EUR",
                "left": {"input": "12.34", "matched": "10.00", "suggested": "0.00", "broken": "2.34"},
                "right": {"input": "-0.05", "matched": "0.00", "suggested": "0.00", "broken": "0.00"},
            }],
            "match_rate": {"left": "0.6666", "right": "0.0000"},
            "limits": {
                "skipped_blocks": 1, "bounded_components": 2, "gap": "170141183460469231731687303715884105727",
            },
            "digest": "v1:00",
        });
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<Summary>(json).unwrap(), wire);
    }
}
