//! The rule document: columns from roles, and passes.

use recon_domain::Normalize;
use serde_json::{Map, Value, json};

use crate::measure::WORKING;
use crate::read::AS_WORDS;
use crate::roles::{Roles, Source};
use crate::sample::Sample;

/// A pass to be.
#[derive(Debug, Clone, Default)]
pub(crate) struct PassDraft {
    pub(crate) name: String,
    pub(crate) filters: Vec<Value>,
    pub(crate) equal: Vec<&'static str>,
    pub(crate) within: Vec<Value>,
    pub(crate) similar: Vec<Value>,
    /// Whether ambiguous rows stay open, as in a pass that only measures.
    pub(crate) forbids: bool,
    /// Whether a person decides about every match.
    pub(crate) suggests: bool,
    /// Why it is there.
    pub(crate) why: String,
}

impl PassDraft {
    fn to_json(&self) -> Value {
        let mut pass = Map::new();
        pass.insert("name".to_owned(), json!(self.name));
        for (key, list) in [
            ("where", self.filters.clone()),
            ("equal", self.equal.iter().map(|role| json!(role)).collect()),
            ("within", self.within.clone()),
            ("similar", self.similar.clone()),
        ] {
            if !list.is_empty() {
                pass.insert(key.to_owned(), Value::Array(list));
            }
        }
        if self.forbids {
            pass.insert("ambiguous".to_owned(), json!("forbid"));
        }
        if self.suggests {
            pass.insert("outcome".to_owned(), json!("suggest"));
        }
        Value::Object(pass)
    }
}

/// The document of these roles and passes.
pub(crate) fn document(samples: &[Sample; 2], roles: &Roles, passes: &[PassDraft]) -> Value {
    let mut document = Map::new();
    if let Some(default) = roles.currency.as_ref().and_then(|currency| currency.default) {
        document.insert("default_currency".to_owned(), json!(default.as_str()));
    }
    let orders = roles.date.as_ref().map_or([None; 2], |date| date.orders);
    for (side, order) in ["left", "right"].into_iter().zip(orders) {
        if let Some(order) = order {
            document.insert(side.to_owned(), json!({ "date_order": order.as_str() }));
        }
    }
    document.insert("columns".to_owned(), Value::Object(columns(samples, roles)));
    let names_calendar = |pass: &PassDraft| pass.within.iter().any(|within| within.get("calendar").is_some());
    if passes.iter().any(names_calendar) {
        document.insert("calendars".to_owned(), json!({ WORKING: { "weekend": ["sat", "sun"] } }));
    }
    if !passes.is_empty() {
        let passes = passes.iter().map(PassDraft::to_json).collect();
        document.insert("passes".to_owned(), Value::Array(passes));
    }
    Value::Object(document)
}

fn columns(samples: &[Sample; 2], roles: &Roles) -> Map<String, Value> {
    let mut columns = Map::new();
    let name = |side: usize, place: usize| json!(samples[side].header[place]);
    let pair = |places: [usize; 2], kind: &str| {
        let mut column = Map::new();
        column.insert("left".to_owned(), name(0, places[0]));
        column.insert("right".to_owned(), name(1, places[1]));
        column.insert("type".to_owned(), json!(kind));
        column
    };
    if let Some(amount) = &roles.amount {
        let mut column = Map::new();
        for (number, side) in ["left", "right"].into_iter().enumerate() {
            match amount.sources[number] {
                Source::Column(place) => {
                    column.insert(side.to_owned(), name(number, place));
                }
                Source::DebitCredit(debit, credit) => {
                    column.insert(format!("{side}_debit"), name(number, debit));
                    column.insert(format!("{side}_credit"), name(number, credit));
                }
            }
        }
        column.insert("type".to_owned(), json!("decimal"));
        if amount.negate {
            column.insert("negate".to_owned(), json!("right"));
        }
        columns.insert("amount".to_owned(), Value::Object(column));
    }
    // Without a column on either side there is only the default.
    if let Some(currency) = roles.currency.as_ref().filter(|currency| currency.places != [None; 2]) {
        let mut column = Map::new();
        for (number, side) in ["left", "right"].into_iter().enumerate() {
            if let Some(place) = currency.places[number] {
                column.insert(side.to_owned(), name(number, place));
            }
        }
        column.insert("type".to_owned(), json!("text"));
        columns.insert("currency".to_owned(), Value::Object(column));
    }
    if let Some(date) = &roles.date {
        columns.insert("date".to_owned(), Value::Object(pair(date.places, "date")));
    }
    if let Some(reference) = &roles.reference {
        let mut column = pair(reference.places, "text");
        if let Some(pattern) = &reference.extract {
            column.insert("extract".to_owned(), json!(pattern));
        }
        column.insert("normalize".to_owned(), steps(reference.normalize));
        columns.insert("reference".to_owned(), Value::Object(column));
    }
    if let Some(words) = &roles.words {
        let mut column = pair(words.places, "text");
        column.insert("normalize".to_owned(), steps(AS_WORDS));
        columns.insert(words.name.to_owned(), Value::Object(column));
    }
    columns
}

fn steps(normalize: &[Normalize]) -> Value {
    normalize.iter().map(|step| json!(step.as_str())).collect()
}
