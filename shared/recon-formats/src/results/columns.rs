//! What is shown of a row, and of which kind it is.

use recon_domain::{AMOUNT, CURRENCY};
use recon_engine::Column;
use serde::{Deserialize, Serialize};

use super::Results;

/// The kind of the cells of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Kind {
    /// Numbers with so many digits after the point.
    Number {
        /// Digits after the point.
        scale: u8,
    },
    /// Calendar dates.
    Date,
    /// Points in time.
    Timestamp,
    /// Texts.
    Text,
}

/// A column of results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultColumn {
    /// Its name.
    pub name: String,
    /// What its cells are.
    pub kind: Kind,
    /// Whether it is a role of the rules. Beside an amount stands a currency even where no role says it.
    pub is_role: bool,
}

impl Results<'_> {
    /// What is shown of a row: the roles, and a currency beside an amount.
    #[must_use]
    pub fn columns(&self) -> Vec<ResultColumn> {
        let kind = |role: usize| match self.left.columns.get(role) {
            Some(Column::Number { scale, .. }) => Kind::Number { scale: *scale },
            Some(Column::Day(_)) => Kind::Date,
            Some(Column::Instant(_)) => Kind::Timestamp,
            Some(Column::Text { .. }) | None => Kind::Text,
        };
        let role = |(index, role): (usize, &recon_domain::Role)| ResultColumn {
            name: role.name.clone(),
            kind: kind(index),
            is_role: true,
        };
        let mut columns: Vec<_> = self.rules.roles.iter().enumerate().map(role).collect();
        if self.rules.role(AMOUNT).is_some() && self.rules.role(CURRENCY).is_none() {
            columns.push(ResultColumn { name: CURRENCY.to_owned(), kind: Kind::Text, is_role: false });
        }
        columns
    }
}

/// The names of the roles among these columns. They come first.
pub(super) fn roles(columns: &[ResultColumn]) -> impl Iterator<Item = &str> {
    columns.iter().filter(|column| column.is_role).map(|column| column.name.as_str())
}
