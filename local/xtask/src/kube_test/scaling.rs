//! Whether autoscalers act on the real workloads.

use std::collections::BTreeSet;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::cluster::Cluster;
use super::{deploy, dry_run};
use crate::manifests::Rendered;

/// How long an autoscaler may take to act: it looks every 15 s, at numbers that are up to a minute old.
const ACT_MAX: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_secs(5);
/// Clients that ask without pause, for [`ACT_MAX`] at most.
const CLIENTS: usize = 16;
/// What a server answers from memory, though not for nothing: it is tens of kilobytes.
const PATH: &str = "/openapi.json";
/// Jobs that the trial pretends, and the pods that a target of 2 a pod makes of them.
const PRETENDED: (u64, u64) = (6, 3);

/// The autoscaler of the backend: first to its minimum, then beyond it under load.
pub(super) fn horizontal(
    cluster: &Cluster,
    overlay: &Rendered,
    namespace: &str,
    known: &BTreeSet<String>,
) -> Result<()> {
    if !known.iter().any(|kind| kind.starts_with("metrics.k8s.io/")) {
        println!("not scaled by CPU: the cluster measures none (metrics-server)");
        return Ok(());
    }
    let scaler = object(overlay, namespace, "HorizontalPodAutoscaler", |scaler| targets(scaler, "backend"))?;
    let min = scaler["spec"]["minReplicas"].as_u64().context("the backend's autoscaler has no minimum")?;
    deploy::apply(cluster, &[scaler])?;
    replicas(cluster, namespace, "backend", min)?;
    let load = Load::start(cluster, namespace)?;
    let beyond = replicas(cluster, namespace, "backend", min + 1);
    let asked = load.stop();
    beyond.with_context(|| format!("after {asked} requests"))?;
    println!("scaled by CPU: backend beyond {min}, by {asked} requests");
    Ok(())
}

/// The autoscaler of the worker: its query is answered, and what it answers is acted upon.
pub(super) fn keda(
    cluster: &Cluster,
    overlay: &Rendered,
    namespace: &str,
    known: &BTreeSet<String>,
) -> Result<()> {
    let mut scaled = object(overlay, namespace, "ScaledObject", |scaler| targets(scaler, "worker"))?;
    let monitor =
        object(overlay, namespace, "PodMonitor", |monitor| monitor["metadata"]["name"] == "worker")?;
    for needed in [&scaled, &monitor] {
        if !known.contains(&dry_run::kind(needed)) {
            println!("not scaled by jobs: the cluster has no {}", dry_run::kind(needed));
            return Ok(());
        }
    }
    let name = scaled.pointer("/spec/advanced/horizontalPodAutoscalerConfig/name").and_then(Value::as_str);
    let name = name.context("the worker's ScaledObject does not name its autoscaler")?.to_owned();
    let query = scaled["spec"]["triggers"][0]["metadata"]["query"].as_str().context("worker has no query")?;
    let moved = query.replace(crate::manifests::NAMESPACE, namespace);
    scaled["spec"]["triggers"][0]["metadata"]["query"] = moved.into();
    // Its autoscaler would be active by this alone, whatever becomes of the query.
    scaled["spec"].as_object_mut().and_then(|spec| spec.remove("fallback"));
    deploy::apply(cluster, &[monitor, scaled.clone()])?;
    until("KEDA does not read the number of jobs", || {
        let found = get(cluster, namespace, &["hpa", &name])?;
        Ok(found.is_some_and(|found| condition(&found, "ScalingActive")))
    })?;
    let (jobs, pods) = PRETENDED;
    scaled["spec"]["triggers"][0]["metadata"]["query"] = format!("vector({jobs})").into();
    deploy::apply(cluster, &[scaled])?;
    replicas(cluster, namespace, "worker", pods)?;
    println!("scaled by jobs: worker to {pods} for {jobs}");
    Ok(())
}

/// One object of an overlay, moved to the trial's namespace.
fn object(overlay: &Rendered, namespace: &str, kind: &str, is_it: impl Fn(&Value) -> bool) -> Result<Value> {
    let objects = dry_run::objects(&overlay.text, namespace)?;
    let found = objects.into_iter().find(|object| object["kind"] == kind && is_it(object));
    found.with_context(|| format!("{} has no such {kind}", overlay.name))
}

fn targets(scaler: &Value, workload: &str) -> bool {
    scaler["spec"]["scaleTargetRef"]["name"] == workload
}

fn get(cluster: &Cluster, namespace: &str, what: &[&str]) -> Result<Option<Value>> {
    cluster.get(&[&[format!("--namespace={namespace}").as_str()], what].concat())
}

/// Whether a condition of an object is true.
fn condition(object: &Value, name: &str) -> bool {
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().any(|one| one["type"] == name && one["status"] == "True")
}

/// Waits until a Deployment has so many ready pods.
fn replicas(cluster: &Cluster, namespace: &str, name: &str, wanted: u64) -> Result<()> {
    until(&format!("{name} does not get {wanted} ready pods"), || {
        let found = get(cluster, namespace, &["deployment", name])?;
        Ok(found.is_some_and(|found| found["status"]["readyReplicas"].as_u64().unwrap_or(0) >= wanted))
    })
}

fn until(complaint: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !holds()? {
        if start.elapsed() > ACT_MAX {
            bail!("{complaint} within {} s", ACT_MAX.as_secs());
        }
        thread::sleep(POLL);
    }
    Ok(())
}

/// Clients of the backend, by way of a port that kubectl forwards.
struct Load {
    forward: Child,
    over: Arc<AtomicBool>,
    clients: Vec<thread::JoinHandle<u64>>,
}

impl Load {
    fn start(cluster: &Cluster, namespace: &str) -> Result<Self> {
        let (forward, port) = cluster.forward(namespace, "service/backend", 80)?;
        let over = Arc::new(AtomicBool::new(false));
        let clients = (0..CLIENTS).map(|_| {
            let over = Arc::clone(&over);
            let url = format!("http://127.0.0.1:{port}{PATH}");
            thread::spawn(move || ask(&url, &over))
        });
        let clients = clients.collect();
        Ok(Self { forward, over, clients })
    }

    /// Ends it; how many requests were answered.
    fn stop(mut self) -> u64 {
        self.over.store(true, Ordering::Relaxed);
        let clients = std::mem::take(&mut self.clients);
        clients.into_iter().filter_map(|client| client.join().ok()).sum()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Gone already is as good.
        let _ = self.forward.kill();
        let _ = self.forward.wait();
    }
}

fn ask(url: &str, over: &AtomicBool) -> u64 {
    let start = Instant::now();
    let mut answered = 0;
    while !over.load(Ordering::Relaxed) && start.elapsed() < ACT_MAX {
        match ureq::get(url).call().and_then(|mut answer| answer.body_mut().read_to_vec()) {
            Ok(_) => answered += 1,
            // The forwarded pod may be one that goes.
            Err(_) => thread::sleep(Duration::from_millis(100)),
        }
    }
    answered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_that_is_not_there_does_not_hold() {
        let object = serde_json::json!({"status": {"conditions": [
            {"type": "ScalingActive", "status": "True"}, {"type": "ScalingLimited", "status": "False"},
        ]}});
        assert!(condition(&object, "ScalingActive"));
        assert!(!condition(&object, "ScalingLimited") && !condition(&object, "AbleToScale"));
        assert!(!condition(&Value::Null, "ScalingActive"));
    }
}
