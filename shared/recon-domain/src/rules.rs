//! Rule sets: what makes two entries the same.

use regex::Regex;

use crate::spelling::spelling;
use crate::{Calendar, Currency, Decimal, MatchStatus, ReadOptions, Role, RoleId};

/// A checked rule document. Every [`RoleId`] and calendar index in it is in range, and every condition
/// fits the type of its role.
#[derive(Debug, Clone)]
pub struct RuleSet {
    /// The currency where neither a column nor the file's options say one.
    pub default_currency: Option<Currency>,
    /// Options of the left and the right file.
    pub options: [ReadOptions; 2],
    /// The mapped columns, in the order of the document.
    pub roles: Vec<Role>,
    /// Business calendars.
    pub calendars: Vec<Calendar>,
    /// The passes, strictest first.
    pub passes: Vec<Pass>,
}

impl RuleSet {
    /// The most roles, passes and conditions of one kind that a document may have.
    pub const ROLES_MAX: usize = 64;
    /// See [`RuleSet::ROLES_MAX`].
    pub const PASSES_MAX: usize = 32;
    /// See [`RuleSet::ROLES_MAX`].
    pub const CONDITIONS_MAX: usize = 16;

    /// The role of this name.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<RoleId> {
        let index = self.roles.iter().position(|role| role.name == name)?;
        u16::try_from(index).ok().map(RoleId)
    }
}

/// How many entries of each side make a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cardinality {
    /// One with one.
    OneToOne,
    /// One left with several right.
    OneToMany,
    /// Several left with one right.
    ManyToOne,
    /// Several with several.
    ManyToMany,
}
spelling!("cardinality", Cardinality {
    OneToOne => "one_to_one",
    OneToMany => "one_to_many",
    ManyToOne => "many_to_one",
    ManyToMany => "many_to_many",
});

/// How the entries of a group are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Combine {
    /// Groups share the `equal` columns.
    Key,
    /// Groups are found by their sum.
    Search,
}
spelling!("way to combine", Combine { Key => "key", Search => "search" });

/// What a pass does when more than one assignment is equally good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ambiguous {
    /// The match is a suggestion.
    Suggest,
    /// The rows stay open for later passes.
    Forbid,
    /// The match is confirmed and shows the number.
    Allow,
}
spelling!("treatment of ambiguity", Ambiguous { Suggest => "suggest", Forbid => "forbid", Allow => "allow" });

/// How the likeness of two texts is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// By the sets of words.
    TokenSet,
    /// By insertions, deletions and substitutions.
    Edit,
    /// Jaro-Winkler.
    JaroWinkler,
}
spelling!("measure", Measure { TokenSet => "token_set", Edit => "edit", JaroWinkler => "jaro_winkler" });

/// One rule, applied to what is still open.
#[derive(Debug, Clone)]
pub struct Pass {
    /// Its name, unique in the document.
    pub name: String,
    /// How many entries of each side make a match.
    pub cardinality: Cardinality,
    /// How groups are found.
    pub combine: Combine,
    /// The most items `search` looks at in one block.
    pub search_items_max: u32,
    /// Which entries take part at all.
    pub filters: Vec<Filter>,
    /// Roles that must be equal. An empty cell equals nothing.
    pub equal: Vec<RoleId>,
    /// Roles that may differ by a measured amount.
    pub within: Vec<Within>,
    /// Roles whose texts must be alike.
    pub similar: Vec<Similar>,
    /// What to do with ambiguity.
    pub ambiguous: Ambiguous,
    /// The status of an unambiguous match.
    pub outcome: MatchStatus,
}

/// A restriction of one side's entries.
#[derive(Debug, Clone)]
pub struct Filter {
    /// The side whose entries it restricts; `None` is both.
    pub side: Option<crate::Side>,
    /// The role it looks at.
    pub role: RoleId,
    /// What must hold. An empty cell passes `IsNot` only.
    pub test: FilterTest,
}

/// What a [`Filter`] asks for.
#[derive(Debug, Clone)]
pub enum FilterTest {
    /// The text is this one, after the role's normalisation of the cell; numbers and dates as written
    /// canonically.
    Is(String),
    /// The text is not this one.
    IsNot(String),
    /// The number is at least this.
    AtLeast(Decimal),
    /// The number is at most this.
    AtMost(Decimal),
    /// The text holds a match of this pattern.
    Matches(Regex),
}

/// A tolerance on one role.
#[derive(Debug, Clone)]
pub struct Within {
    /// The role: decimal or integer for [`Tolerance::Amount`], date or timestamp for [`Tolerance::Days`].
    pub role: RoleId,
    /// How far right may be from left.
    pub tolerance: Tolerance,
}

/// How far the right value may be from the left one.
#[derive(Debug, Clone)]
pub enum Tolerance {
    /// A number: `left - below <= right <= left + above`.
    Amount {
        /// How far right may be below left.
        below: Allowance,
        /// How far right may be above left.
        above: Allowance,
    },
    /// A date: `left - before <= right <= left + after`.
    Days {
        /// Days that right may be before left.
        before: u16,
        /// Days that right may be after left.
        after: u16,
        /// The index of the calendar whose business days count; `None` counts calendar days.
        calendar: Option<usize>,
    },
}

/// An allowed difference of numbers: the wider of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowance {
    /// In the role's own unit.
    pub absolute: Decimal,
    /// In percent of the left number's absolute value, rounded down.
    pub percent: Decimal,
}

/// A likeness of texts.
#[derive(Debug, Clone)]
pub struct Similar {
    /// The role, a text.
    pub role: RoleId,
    /// The least score, from 0 to 10,000.
    pub at_least: u16,
    /// How the score is measured.
    pub measure: Measure,
}

/// Names one condition of a pass: what a pair can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// The currencies are the same.
    Currency,
    /// `equal`, by its index.
    Equal(u8),
    /// `within`, by its index.
    Within(u8),
    /// `similar`, by its index.
    Similar(u8),
    /// `where`, by its index.
    Filter(u8),
}
