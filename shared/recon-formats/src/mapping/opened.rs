//! One side's source: a look at all rows, then reading them.

use recon_domain::{CURRENCY, ReadOptions, Role, RoleType, RuleSet, Side};
use recon_engine::{Interner, Table};

use super::decide::Plan;
use super::mixture::Witness;
use super::side::SideMapper;
use super::{Error, Input, Rejection, Watch};
use crate::{BatchSource, Keep, Profile, SourceError, TextColumn};

/// A side whose rows are to be read.
pub(super) struct Opened<'a> {
    side: Side,
    source: &'a mut dyn BatchSource,
    pub(super) options: ReadOptions,
    /// The columns that the roles read, each once.
    columns: Vec<String>,
}

pub(super) type Read = (Table, Vec<Rejection>, Interner);

impl<'a> Opened<'a> {
    pub(super) fn new(rules: &RuleSet, side: Side, input: Input<'a>) -> Self {
        let mut columns: Vec<String> = Vec::new();
        for name in rules.roles.iter().flat_map(|role| role.sources[side as usize].columns()) {
            if !columns.iter().any(|column| column == name) {
                columns.push(name.to_owned());
            }
        }
        let options = overlay(input.options, &rules.options[side as usize]);
        Self { side, source: input.source, options, columns }
    }

    fn fail(&self, source: SourceError) -> Error {
        Error::Source { side: self.side, source }
    }

    /// Learns what all rows show.
    pub(super) fn look(&mut self, rules: &RuleSet, watch: Watch<'_>) -> Result<Profile, Error> {
        let header = self.source.header();
        for role in &rules.roles {
            if let Some(column) = role.sources[self.side as usize]
                .columns()
                .find(|name| !header.iter().any(|column| column == name))
            {
                let (role, column) = (role.name.clone(), column.to_owned());
                let read = self.source.dialect().header_hint();
                return Err(Error::NoColumn { side: self.side, role, column, read });
            }
        }
        self.source.keep(&Keep::Columns(self.detected(rules))).map_err(|error| self.fail(error))?;
        let side = self.side;
        let profile = self.source.profile(&|done, total| watch(side, done, total.saturating_mul(2)));
        profile.map_err(|error| self.fail(error))?.ok_or(Error::Cancelled)
    }

    /// The columns of which it matters what all cells show: not those of texts and formats.
    fn detected(&self, rules: &RuleSet) -> Vec<String> {
        let side = self.side as usize;
        let matters = |role: &&Role| match role.kind {
            RoleType::Decimal | RoleType::Integer => true,
            RoleType::Date | RoleType::Timestamp => role.formats[side].is_none(),
            RoleType::Text => role.name == CURRENCY,
        };
        let roles = || rules.roles.iter().filter(matters).flat_map(|role| role.sources[side].columns());
        self.columns.iter().filter(|name| roles().any(|column| column == *name)).cloned().collect()
    }

    /// Turns all rows into entries.
    pub(super) fn read(&mut self, rules: &RuleSet, plan: &Plan, watch: Watch<'_>) -> Result<Read, Error> {
        let mut texts = Interner::new();
        let mut mapper = SideMapper::new(rules, self.side, plan, &self.columns, &self.options);
        self.source.keep(&Keep::Columns(self.columns.clone())).map_err(|error| self.fail(error))?;
        while let Some(batch) = self.source.next_batch().map_err(|error| self.fail(error))? {
            mapper.push(&batch, &mut texts);
            let (done, total) = self.source.position();
            if !watch(self.side, total.saturating_add(done), total.saturating_mul(2)) {
                return Err(Error::Cancelled);
            }
        }
        let (table, rejections) = mapper.finish();
        Ok((table, rejections, texts))
    }

    /// Stops where a column mixes readings; finds the two lines that show it.
    pub(super) fn refuse_mixed(&mut self, plan: &Plan) -> Result<(), Error> {
        let Some(mixture) = &plan.mixture else { return Ok(()) };
        let keep = Keep::Columns(vec![mixture.column.clone()]);
        self.source.keep(&keep).map_err(|error| self.fail(error))?;
        let (mut most, mut other) = (None, None);
        while let Some(batch) = self.source.next_batch().map_err(|error| self.fail(error))? {
            for (cell, line) in batch.columns.iter().flat_map(TextColumn::iter).zip(&batch.lines) {
                let (found, is_most) = match mixture.judge(cell) {
                    Some(reading) if reading == mixture.most => (&mut most, reading),
                    Some(reading) => (&mut other, reading),
                    None => continue,
                };
                found.get_or_insert_with(|| Box::new(Witness::new(cell, *line, is_most)));
            }
            if most.is_some() && other.is_some() {
                break;
            }
        }
        let (Some(most), Some(other)) = (most, other) else { return Ok(()) };
        let (column, what, advice) = (mixture.column.clone(), mixture.what(), mixture.advice());
        Err(Error::Mixed { side: self.side, column, what, most, other, advice })
    }
}

/// The options of the file, completed by those of the rules.
fn overlay(options: ReadOptions, rules: &ReadOptions) -> ReadOptions {
    let mut null_values = options.null_values;
    null_values.extend(rules.null_values.iter().cloned());
    ReadOptions {
        delimiter: options.delimiter.or(rules.delimiter),
        quote: options.quote.or(rules.quote),
        encoding: options.encoding.or_else(|| rules.encoding.clone()),
        header_row: options.header_row.or(rules.header_row),
        decimal_mark: options.decimal_mark.or(rules.decimal_mark),
        thousands_mark: options.thousands_mark.or(rules.thousands_mark),
        date_order: options.date_order.or(rules.date_order),
        currency: options.currency.or(rules.currency),
        sheet: options.sheet.or_else(|| rules.sheet.clone()),
        null_values,
    }
}
