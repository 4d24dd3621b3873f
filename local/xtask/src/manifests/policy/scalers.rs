//! What KEDA 2.20 takes, of the scalers that this project has a use for.

/// A type of trigger and the keys of its metadata.
pub(super) struct Scaler {
    pub(super) kind: &'static str,
    pub(super) required: &'static [&'static str],
    pub(super) optional: &'static [&'static str],
}

const REDIS_OPTIONAL: &[&str] = &[
    "activationListLength",
    "databaseIndex",
    "enableTLS",
    "tls",
    "unsafeSsl",
    "address",
    "addresses",
    "host",
    "hosts",
    "port",
    "ports",
    "username",
    "password",
    "sentinelUsername",
    "sentinelPassword",
    "sentinelMaster",
];

/// All of them. A type that is not here has to be added with its keys before it can be used.
pub(super) const SCALERS: &[Scaler] = &[
    Scaler { kind: "cpu", required: &["value"], optional: &["containerName"] },
    Scaler { kind: "memory", required: &["value"], optional: &["containerName"] },
    Scaler {
        kind: "prometheus",
        required: &["serverAddress", "query", "threshold"],
        optional: &[
            "queryParameters",
            "activationThreshold",
            "namespace",
            "customHeaders",
            "ignoreNullValues",
            "unsafeSsl",
            "timeout",
            "awsRegion",
            "identityOwner",
        ],
    },
    Scaler {
        kind: "postgresql",
        required: &["query", "targetQueryValue"],
        optional: &[
            "activationTargetQueryValue",
            "connection",
            "host",
            "port",
            "userName",
            "dbName",
            "sslmode",
            "password",
        ],
    },
    Scaler { kind: "redis", required: &["listName", "listLength"], optional: REDIS_OPTIONAL },
    Scaler { kind: "redis-cluster", required: &["listName", "listLength"], optional: REDIS_OPTIONAL },
    Scaler { kind: "cron", required: &["start", "end", "timezone", "desiredReplicas"], optional: &[] },
];

impl Scaler {
    /// Whether it takes a key, also by way of a variable of the target.
    pub(super) fn takes(&self, key: &str) -> bool {
        let plain = key.strip_suffix("FromEnv").unwrap_or(key);
        [key, plain].iter().any(|key| self.required.contains(key) || self.optional.contains(key))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::Value;

    use super::*;

    /// KEDA's own list lies beside the project in some places, and is not part of it.
    #[test]
    fn every_key_is_one_that_keda_has() {
        let list = crate::workspace::root().join("../shared/crds/keda/scalers-schema.json");
        let Ok(text) = fs::read_to_string(&list) else {
            println!("skipped: {} is not there", list.display());
            return;
        };
        let known: Value = serde_json::from_str(&text).unwrap();
        for scaler in SCALERS {
            let found =
                known["scalers"].as_array().unwrap().iter().find(|one| one["type"] == scaler.kind).unwrap();
            for key in scaler.required.iter().chain(scaler.optional) {
                let parameters = found["parameters"].as_array().unwrap();
                assert!(parameters.iter().any(|one| one["name"] == *key), "{}: {key}", scaler.kind);
            }
        }
    }
}
