//! What an application keeps with a session.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Error;

/// The longest attributes of a session, in bytes of JSON.
pub const ATTRIBUTES_BYTES_MAX: usize = 4_096;

/// Named values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attributes(BTreeMap<String, Value>);

/// Changes of attributes; what a patch doesn't name stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patch(BTreeMap<String, Option<Value>>);

impl Attributes {
    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Names and values in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// These attributes with a patch laid over them.
    ///
    /// # Errors
    /// [`Error::AttributesTooLong`].
    pub fn patched(&self, patch: &Patch) -> Result<Self, Error> {
        let mut patched = self.clone();
        for (name, value) in &patch.0 {
            match value {
                Some(value) => patched.0.insert(name.clone(), value.clone()),
                None => patched.0.remove(name),
            };
        }
        let bytes = patched.to_json().len();
        if bytes > ATTRIBUTES_BYTES_MAX { Err(Error::AttributesTooLong { bytes }) } else { Ok(patched) }
    }

    /// As a JSON object.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::json!(self.0).to_string()
    }

    /// From the JSON object that a store kept.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn from_json(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text).map(Self).map_err(|_| Error::Corrupt { column: "attributes" })
    }
}

impl Patch {
    /// Also sets a value.
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.insert(name.into(), Some(value.into()));
        self
    }

    /// Also removes a name.
    #[must_use]
    pub fn remove(mut self, name: impl Into<String>) -> Self {
        self.0.insert(name.into(), None);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_changes_what_it_names_and_nothing_else() {
        let before = Attributes::default().patched(&Patch::default().set("a", 1).set("b", "x")).unwrap();
        let after = before.patched(&Patch::default().set("b", "y").remove("a").remove("none")).unwrap();
        assert_eq!(after.iter().collect::<Vec<_>>(), [("b", &Value::from("y"))]);
        assert_eq!(before.get("a"), Some(&Value::from(1)));
        assert_eq!(Attributes::from_json(&after.to_json()).unwrap(), after);
    }

    #[test]
    fn attributes_have_a_limit() {
        // The braces, the name, a colon and the quotes take eight bytes.
        let of =
            |length: usize| Attributes::default().patched(&Patch::default().set("a", "x".repeat(length)));
        assert!(of(ATTRIBUTES_BYTES_MAX - 8).is_ok());
        let too_long = of(ATTRIBUTES_BYTES_MAX - 7);
        assert!(
            matches!(too_long, Err(Error::AttributesTooLong { bytes }) if bytes == ATTRIBUTES_BYTES_MAX + 1)
        );
        assert!(matches!(Attributes::from_json("[]"), Err(Error::Corrupt { column: "attributes" })));
    }
}
