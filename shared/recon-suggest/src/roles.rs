//! Which columns belong together, and as what.

mod amount;
mod currency;
mod date;
mod reference;
mod words;

use recon_domain::{Currency, DateOrder, Normalize};

use crate::agreement::{LINKS_MIN, Witness, witness};
use crate::columns::{Column, Columns};
use crate::evidence::Findings;
use crate::overlap::{Link, Overlap};
use crate::score::{SCORE_MAX, Score, percent, times};
use currency::Told;

/// Below this lift, rows that share a value agree in nothing else: sharing it means nothing.
const LIFT_MIN: Score = 1_500;
/// What an overlap is worth that nothing else could be compared with.
const UNSEEN: Score = 7_000;
/// The best that something can get which the other columns speak against.
const REFUTED_MAX: Score = 3_000;

/// Where numbers come from on one side, by places in the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Column(usize),
    DebitCredit(usize, usize),
}

impl Source {
    pub(crate) fn places(self) -> Vec<usize> {
        match self {
            Self::Column(place) => vec![place],
            Self::DebitCredit(debit, credit) => vec![debit, credit],
        }
    }
}

/// The role `amount`.
#[derive(Debug, Clone)]
pub(crate) struct Amount {
    pub(crate) sources: [Source; 2],
    /// Columns of debits or credits on each side whose numbers are all zero or less: their signs say what the column
    /// says already.
    pub(crate) negative: [Vec<usize>; 2],
    /// Whether the right side books with the opposite sign.
    pub(crate) negate: bool,
    pub(crate) links: Vec<Link>,
    /// Whether rows with the same amount were seen to agree in something else too, in enough of them to tell.
    pub(crate) witnessed: bool,
}

/// The role `currency`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CurrencyRole {
    pub(crate) places: [Option<usize>; 2],
    /// The currency of the side that has no column.
    pub(crate) default: Option<Currency>,
}

/// The role `date`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Date {
    pub(crate) places: [usize; 2],
    /// The order of a side's dates where the file leaves that open.
    pub(crate) orders: [Option<DateOrder>; 2],
}

/// The role `reference`.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    pub(crate) places: [usize; 2],
    pub(crate) extract: Option<String>,
    pub(crate) normalize: &'static [Normalize],
    pub(crate) links: Vec<Link>,
    /// The share of the smaller side's rows that have a reference which the other side knows.
    pub(crate) covered: Score,
}

/// A text by whose words pairs are told from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    /// The name of the role.
    pub(crate) name: &'static str,
    pub(crate) places: [usize; 2],
    /// The likeness that pairs have and others do not.
    pub(crate) at_least: Score,
}

/// What the columns are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roles {
    pub(crate) amount: Option<Amount>,
    pub(crate) currency: Option<CurrencyRole>,
    /// What is known of the currency where a question has to be answered first.
    pub(crate) open_currency: Option<CurrencyRole>,
    pub(crate) date: Option<Date>,
    /// Whether both sides have dates, but it cannot be told how to compare them.
    pub(crate) undated: bool,
    pub(crate) reference: Option<Reference>,
    pub(crate) words: Option<Words>,
}

/// Finds the roles, each with its evidence; asks where it cannot tell.
pub(crate) fn find(columns: &Columns<'_>, findings: &mut Findings) -> Roles {
    let amount = amount::find(columns, findings);
    let reference = reference::find(columns, amount.as_ref(), findings);
    let mut anchors: Vec<Link> = reference.as_ref().map_or_else(Vec::new, |role| role.links.clone());
    anchors.extend(amount.iter().flat_map(|role| role.links.iter().copied()));
    anchors.sort_unstable();
    anchors.dedup();
    let currency =
        amount.as_ref().map_or(Told::Nothing, |amount| currency::find(columns, amount, &anchors, findings));
    let (currency, open_currency) = match currency {
        Told::Role(role) => (Some(role), None),
        Told::Open(role) => (None, Some(role)),
        Told::Nothing => (None, None),
    };
    let date = date::find(columns, &anchors, findings);
    let words = words::find(columns, &anchors, amount.as_ref(), reference.as_ref(), findings);
    let [left, right] = [0, 1].map(|side| columns.sides[side].iter().any(Column::is_day));
    let undated = date.is_none() && left && right;
    Roles { amount, currency, open_currency, date, undated, reference, words }
}

/// What the values of two columns say: how much they share, and whether rows that share a value agree elsewhere.
#[derive(Debug, Clone)]
struct Values {
    overlap: Overlap,
    witness: Option<Witness>,
}

impl Values {
    fn of(columns: &Columns<'_>, overlap: Overlap, taken: [&[usize]; 2]) -> Self {
        let witness = witness(columns, &overlap.links, taken);
        Self { overlap, witness }
    }

    /// How much speaks for it. Half of the values shared is as good as all: files seldom cover the same.
    fn score(&self) -> Score {
        let strength = self.overlap.share().saturating_mul(2).min(SCORE_MAX);
        times(strength, self.witness.as_ref().map_or(UNSEEN, |witness| witness.lift))
    }

    /// Whether rows that share a value have nothing else in common.
    fn is_refuted(&self) -> bool {
        self.witness.as_ref().is_some_and(|witness| witness.lift < LIFT_MIN)
    }

    /// In words.
    fn text(&self, what: &str) -> String {
        let Overlap { shared, rows, links } = &self.overlap;
        let mut text = format!("{shared} {what} of {rows} rows occur on both sides");
        if let Some(Witness { columns: [left, right], agreement, .. }) = &self.witness {
            text.push_str(&format!(
                "; of {} pairs of rows with one that occurs once on each side, {} also agree in `{left}` and `{right}`, {} would by chance",
                links.len(), percent(agreement.observed), percent(agreement.chance)
            ));
        } else if links.len() < LINKS_MIN {
            text.push_str("; too few to compare anything else");
        }
        text
    }
}

/// The mean of what the names of a left and a right column say.
fn named(left: Score, right: Score) -> Score {
    left / 2 + right / 2
}

/// What names say, in words.
fn names_text(score: Score) -> &'static str {
    match score {
        9_000.. => "both names say so",
        5_000.. => "the names suggest it",
        1.. => "one name suggests it",
        0 => "the names do not say",
    }
}
