//! JSON documents that the store keeps without knowing what they say.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;

/// A JSON document as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json(String);

impl Json {
    /// Writes a value down.
    ///
    /// # Errors
    /// [`Error::Document`] when the value has no JSON form, such as a map whose keys are not text.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
        serde_json::to_string(value).map(Self).map_err(Error::Document)
    }

    /// Reads the document as a value.
    ///
    /// # Errors
    /// [`Error::Document`] when the document has another shape: another version wrote it.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(&self.0).map_err(Error::Document)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Text that the store itself wrote.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }
}
