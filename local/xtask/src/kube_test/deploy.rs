//! The overlay `dev` for real: it starts, it is scaled, its pods may be drained.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::cluster::Cluster;
use super::dry_run;
use super::scaling;
use crate::manifests::{NAMESPACE, Rendered};

/// How long what is deployed may take to be ready; pulling the images is most of it.
const READY: &str = "--timeout=600s";
/// How long a drain may take: each pod its termination period, one after the other.
const DRAIN: &str = "--timeout=600s";
/// The pods of this project.
const OURS: &str = "app=reconciliation-platform";

/// Deploys it with this image, waits until it is ready, and scales it.
pub(super) fn run(
    cluster: &Cluster,
    overlays: &[Rendered],
    namespace: &str,
    image: &str,
    known: &BTreeSet<String>,
) -> Result<()> {
    let dev = find(overlays, "dev")?;
    let objects = with_image(dry_run::objects(&dev.text, namespace)?, image);
    apply(cluster, &objects)?;
    let migration =
        objects.iter().find(|object| object["kind"] == "Job").context("`dev` has no migration")?;
    let namespaced = format!("--namespace={namespace}");
    let wait = ["wait", "--for=condition=complete", READY, &namespaced, &dry_run::label(migration)];
    cluster.must(&wait, "")?;
    settled(cluster, namespace)?;
    println!("deployed: {image}");
    scaling::horizontal(cluster, find(overlays, "production-portable")?, namespace, known)?;
    scaling::keda(cluster, find(overlays, "production-portable")?, namespace, known)
}

fn find<'a>(overlays: &'a [Rendered], name: &str) -> Result<&'a Rendered> {
    overlays
        .iter()
        .find(|overlay| overlay.name == name)
        .with_context(|| format!("there is no overlay `{name}`"))
}

/// Applies objects as they are.
pub(super) fn apply(cluster: &Cluster, objects: &[Value]) -> Result<()> {
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects});
    cluster.must(&["apply", "--server-side", "--field-manager=trial", "--filename=-"], &list.to_string())?;
    Ok(())
}

/// Waits until each Deployment has the pods that it should have.
fn settled(cluster: &Cluster, namespace: &str) -> Result<()> {
    for name in ["deployment/backend", "deployment/worker"] {
        cluster.must(&["rollout", "status", READY, &format!("--namespace={namespace}"), name], "")?;
    }
    Ok(())
}

/// The program's image in every container that has it.
fn with_image(mut objects: Vec<Value>, image: &str) -> Vec<Value> {
    for object in &mut objects {
        for template in ["/spec/template/spec", "/spec/jobTemplate/spec/template/spec"] {
            let containers =
                object.pointer_mut(&format!("{template}/containers")).and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten() {
                let own = container["image"]
                    .as_str()
                    .is_some_and(|name| name.starts_with(&format!("{NAMESPACE}:")));
                if own {
                    container["image"] = image.into();
                }
            }
        }
    }
    objects
}

/// Evicts our pods from a node, waits until others are ready elsewhere, and gives the node back.
pub(super) fn drain(cluster: &Cluster, namespace: &str, node: &str) -> Result<()> {
    if cluster.get(&["node", node])?.is_none() {
        bail!("the cluster has no node `{node}`");
    }
    let drained = cluster.must(
        &[
            "drain",
            node,
            "--ignore-daemonsets",
            "--delete-emptydir-data",
            DRAIN,
            &format!("--pod-selector={OURS}"),
        ],
        "",
    );
    let ready = drained.and_then(|_| settled(cluster, namespace));
    // Also after a failure: a node that nobody gives back is worse than a failed trial.
    let returned = cluster.must(&["uncordon", node], "");
    ready.and(returned.map(|_| ())).with_context(|| format!("drain {node}"))?;
    println!("drained: {node}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_program_s_image_is_replaced() {
        let spec = |image: &str| serde_json::json!({"spec": {"containers": [{"image": image}]}});
        let objects = vec![
            serde_json::json!({"kind": "Deployment", "spec": {"template": spec("reconciliation-platform:0.1.0")}}),
            serde_json::json!({"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": spec("reconciliation-platform:0.1.0")}}}}),
            serde_json::json!({"kind": "StatefulSet", "spec": {"template": spec("postgres:18")}}),
        ];
        let changed = with_image(objects, "registry/x:1");
        assert_eq!(changed[0].pointer("/spec/template/spec/containers/0/image").unwrap(), "registry/x:1");
        assert_eq!(
            changed[1].pointer("/spec/jobTemplate/spec/template/spec/containers/0/image").unwrap(),
            "registry/x:1"
        );
        assert_eq!(changed[2].pointer("/spec/template/spec/containers/0/image").unwrap(), "postgres:18");
    }
}
