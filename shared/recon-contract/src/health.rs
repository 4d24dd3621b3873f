//! What probes are told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::text;
use crate::words::words;

words! { "readiness",
    /// Whether requests can be answered.
    Readiness {
        /// Everything that is needed answers.
        Ready => "ready",
        /// Something that is needed does not answer.
        Degraded => "degraded",
    }
}

/// The process runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    /// Always `ok`: a process that does not run does not answer.
    pub status: String,
    /// The version of the service.
    pub version: String,
}

/// Whether the process should be sent requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Ready {
    /// The whole.
    #[serde(with = "text")]
    pub status: Readiness,
    /// Each thing that is needed: `ok`, or what is wrong with it.
    pub checks: BTreeMap<String, String>,
}

impl Health {
    /// The answer of a process of this version.
    #[must_use]
    pub fn ok(version: impl Into<String>) -> Self {
        Self { status: "ok".into(), version: version.into() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn probes_are_told_what_is_wrong() {
        let checks = BTreeMap::from([("database".to_owned(), "does not answer".to_owned())]);
        let ready = serde_json::to_value(Ready { status: Readiness::Degraded, checks }).unwrap();
        assert_eq!(ready, json!({"status": "degraded", "checks": {"database": "does not answer"}}));
        assert_eq!(
            serde_json::to_value(Health::ok("1.2.3")).unwrap(),
            json!({"status": "ok", "version": "1.2.3"})
        );
    }
}
