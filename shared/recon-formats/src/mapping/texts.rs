//! Texts and currencies.

use recon_domain::{Currency, Role};
use recon_engine::{Interner, TextId, text};

use super::reading;
use crate::TextColumn;
use crate::profile::is_empty;

/// What stands for cells that say nothing.
pub(super) struct Empties<'a> {
    pub(super) null_values: &'a [String],
    pub(super) fallback: Currency,
}

pub(super) fn is_prepared(role: &Role) -> bool {
    role.extract.is_some() || !role.values.is_empty() || !role.normalize.is_empty()
}

/// Texts, each prepared once however often it occurs.
#[derive(Default)]
pub(super) struct Preparer {
    /// By the number of the text as it stands in the file: the prepared one, where it is known.
    known: Vec<Option<TextId>>,
    scratch: String,
}

impl Preparer {
    pub(super) fn push(
        &mut self,
        role: &Role,
        cells: &TextColumn,
        null_values: &[String],
        ids: &mut Vec<TextId>,
        shown: Option<&mut Vec<TextId>>,
        texts: &mut Interner,
    ) {
        let text = |cell: &str, texts: &mut Interner| {
            if is_empty(cell, null_values) { TextId::EMPTY } else { texts.intern(cell) }
        };
        let Some(shown) = shown else {
            ids.extend(cells.iter().map(|cell| text(cell, texts)));
            return;
        };
        for cell in cells.iter() {
            let id = text(cell, texts);
            shown.push(id);
            ids.push(self.prepare(role, cell, id, texts));
        }
    }

    fn prepare(&mut self, role: &Role, cell: &str, id: TextId, texts: &mut Interner) -> TextId {
        if id == TextId::EMPTY {
            return id;
        }
        let index = usize::try_from(id.0).unwrap_or(usize::MAX);
        if let Some(Some(known)) = self.known.get(index) {
            return *known;
        }
        text::prepare(role, cell, &mut self.scratch);
        let prepared = texts.intern(&self.scratch);
        if self.known.len() <= index {
            self.known.resize(texts.len().max(index + 1), None);
        }
        self.known[index] = Some(prepared);
        prepared
    }
}

/// Currencies, of which a file has few: the last cell is remembered.
#[derive(Default)]
pub(super) struct Currencies {
    last: Option<(String, Currency, TextId)>,
    scratch: String,
}

impl Currencies {
    pub(super) fn read(
        &mut self,
        role: &Role,
        cell: &str,
        empties: &Empties<'_>,
        texts: &mut Interner,
    ) -> Result<(Currency, TextId), String> {
        if let Some((last, currency, id)) = &self.last
            && last == cell
        {
            return Ok((*currency, *id));
        }
        self.scratch.clear();
        if !is_empty(cell, empties.null_values) {
            text::prepare(role, cell, &mut self.scratch);
        }
        let named = self.scratch.trim();
        let currency = if named.is_empty() { empties.fallback } else { reading::currency(named)? };
        let id = texts.intern(currency.as_str());
        self.last = Some((cell.to_owned(), currency, id));
        Ok((currency, id))
    }
}
