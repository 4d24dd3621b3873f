//! What the pods of a role ask of their nodes, as the base says it.

use std::fs;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::workspace;

/// Of the role's only container.
#[derive(Debug, PartialEq)]
pub(super) struct Requests {
    /// In processors.
    pub(super) cpu: f64,
    /// What is requested is the limit, too.
    pub(super) memory_bytes: u64,
}

/// Where each role's manifest is, and its pods in it.
const MANIFESTS: [(&str, &str, &str); 4] = [
    ("backend", "deployment.yaml", "/spec/template/spec"),
    ("worker", "deployment.yaml", "/spec/template/spec"),
    ("sweeper", "cron-job.yaml", "/spec/jobTemplate/spec/template/spec"),
    ("migrate", "job.yaml", "/spec/template/spec"),
];

impl Requests {
    pub(super) fn of(role: &str) -> Result<Self> {
        let manifest = MANIFESTS.iter().find(|(name, ..)| *name == role);
        let (_, file, pods) = manifest.with_context(|| format!("there is no role {role}"))?;
        let path = workspace::root().join("infra/k8s/base").join(role).join(file);
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let object: Value =
            serde_saphyr::from_str(&text).with_context(|| format!("parse {}", path.display()))?;
        let resources = object.pointer(&format!("{pods}/containers/0/resources"));
        Self::read(resources.unwrap_or(&Value::Null)).with_context(|| path.display().to_string())
    }

    fn read(resources: &Value) -> Result<Self> {
        let text = |pointer: &str| {
            let found = resources.pointer(pointer).and_then(Value::as_str);
            found.with_context(|| format!("resources have no {pointer}"))
        };
        let (requested, limit) = (text("/requests/memory")?, text("/limits/memory")?);
        if requested != limit {
            bail!("memory is requested as {requested} and limited to {limit}");
        }
        Ok(Self { cpu: cpu(text("/requests/cpu")?)?, memory_bytes: memory(limit)? })
    }
}

fn cpu(quantity: &str) -> Result<f64> {
    let (digits, unit) = quantity.strip_suffix('m').map_or((quantity, 1.0), |digits| (digits, 1000.0));
    let number: f64 = digits.parse().with_context(|| format!("read {quantity} as CPU"))?;
    Ok(number / unit)
}

fn memory(quantity: &str) -> Result<u64> {
    let units = [("Ki", 10), ("Mi", 20), ("Gi", 30)];
    let found = units.iter().find_map(|(unit, bits)| Some((quantity.strip_suffix(unit)?, bits)));
    let (digits, bits) = found.with_context(|| format!("{quantity} is in none of Ki, Mi, Gi"))?;
    let number: u64 = digits.parse().with_context(|| format!("read {quantity} as memory"))?;
    Ok(number << bits)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_role_asks_for_something() {
        for (role, ..) in MANIFESTS {
            let requests = Requests::of(role).unwrap();
            assert!(requests.cpu > 0.0 && requests.memory_bytes > 0, "{role}: {requests:?}");
        }
    }

    #[test]
    fn quantities_are_read_with_their_units() {
        assert!((cpu("500m").unwrap() - 0.5).abs() < f64::EPSILON);
        assert!((cpu("2").unwrap() - 2.0).abs() < f64::EPSILON);
        assert_eq!(memory("256Mi").unwrap(), 256 * 1024 * 1024);
        assert!(memory("256").is_err());
    }

    #[test]
    fn a_limit_beside_another_request_is_refused() {
        let resources = json!({"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "2Gi"}});
        let error = Requests::read(&resources).unwrap_err();
        assert_eq!(error.to_string(), "memory is requested as 1Gi and limited to 2Gi");
    }
}
