//! The course of a trial against a program that stands for kubectl, and writes down what it is asked.

use std::fs;
use std::path::Path;

use super::*;

const OVERLAY: &str = "\
apiVersion: v1
kind: Service
metadata: {name: backend, namespace: reconciliation-platform}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: backend
  namespace: reconciliation-platform
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: worker
  namespace: reconciliation-platform
";
const MANIFEST: &str =
    "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: reconciliation-platform\n  labels: {}\n";

/// A program that stands for kubectl, and the folder in which it writes.
struct Fake {
    folder: tempfile::TempDir,
    cluster: Cluster,
}

impl Fake {
    /// `answers` are arms of a shell's `case` over all arguments; each ends the program.
    fn new(answers: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("answers"), format!("case \"$*\" in\n{answers}\nesac\n")).unwrap();
        // A file of the project: one that was just written can't always be run while other threads start programs.
        let program = workspace::root().join("local/xtask/fixtures/kube_test/kubectl");
        let cluster = Cluster::new(program, folder.path().join("config"));
        Self { folder, cluster }
    }

    fn calls(&self) -> String {
        fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default()
    }

    fn run(&self, arguments: &Arguments) -> Result<()> {
        let rendered = |name: &str| manifests::Rendered {
            name: name.to_owned(),
            text: OVERLAY.to_owned(),
            committed: None,
        };
        try_all(&self.cluster, arguments, &[rendered("dev"), rendered("production-portable")], MANIFEST)
    }
}

fn arguments() -> Arguments {
    Arguments { kubeconfig: None, namespace: None, strict: false, image: None, drain: None }
}

#[test]
fn without_a_cluster_nothing_is_tried_and_nothing_fails() {
    run(&arguments()).unwrap();
    run(&Arguments { kubeconfig: Some(PathBuf::new()), ..arguments() }).unwrap();
    let gone = Arguments { kubeconfig: Some(Path::new("/no/such/file").to_owned()), ..arguments() };
    assert!(run(&gone).unwrap_err().to_string().contains("/no/such/file"));
}

#[test]
fn a_trial_makes_its_namespace_tries_every_object_and_removes_it() {
    let fake = Fake::new("");
    fake.run(&arguments()).unwrap();
    let calls = fake.calls();
    let name = format!("reconciliation-platform-trial-{}", std::process::id());
    assert!(calls.contains("create --filename=- "), "{calls}");
    assert!(
        calls.contains(&format!("\"name\":\"{name}\",\"labels\":{{\"recon.xtask/trial\":\"true\"}}")),
        "{calls}"
    );
    assert_eq!(
        calls.matches("--dry-run=server").count(),
        4,
        "two kinds that are known, in two overlays: {calls}"
    );
    assert!(calls.contains(&format!("\"namespace\":\"{name}\"")), "{calls}");
    assert!(calls.contains(&format!("delete namespace {name}")), "{calls}");
    assert!(!calls.contains("rollout") && !calls.contains("drain"), "{calls}");
}

#[test]
fn a_warning_fails_the_trial_and_the_namespace_is_removed_all_the_same() {
    let fake = Fake::new("apply*) echo 'Warning: would violate PodSecurity' >&2; exit 0 ;;");
    let error = fake.run(&arguments()).unwrap_err().to_string();
    assert!(error.contains("dev: Deployment/backend: Warning: would violate PodSecurity"), "{error}");
    assert!(fake.calls().contains("delete namespace"));
}

#[test]
fn a_refusal_is_told_in_the_server_s_words() {
    let fake = Fake::new("apply*) echo 'Error: unknown field \"spec.replica\"' >&2; exit 1 ;;");
    assert!(fake.run(&arguments()).unwrap_err().to_string().contains("unknown field \"spec.replica\""));
}

#[test]
fn a_kind_that_the_cluster_lacks_is_skipped_and_strictly_a_failure() {
    let fake = Fake::new("");
    fake.run(&arguments()).unwrap();
    let error = fake.run(&Arguments { strict: true, ..arguments() }).unwrap_err().to_string();
    assert_eq!(error, "the cluster does not know ScaledObject/worker, ScaledObject/worker");
}

#[test]
fn a_namespace_that_is_somebody_else_s_is_not_touched() {
    let there = "get*namespace*) echo '{\"metadata\": {\"labels\": {}}}'; exit 0 ;;";
    let fake = Fake::new(there);
    let error = fake.run(&arguments()).unwrap_err().to_string();
    assert!(error.contains("is there and not ours"), "{error}");
    assert!(!fake.calls().contains("apply") && !fake.calls().contains("delete"));
    let named = Arguments { namespace: Some("theirs".to_owned()), ..arguments() };
    fake.run(&named).unwrap();
    assert!(fake.calls().contains("\"namespace\":\"theirs\"") && !fake.calls().contains("delete"));
}

#[test]
fn nothing_is_deployed_into_a_namespace_that_no_trial_made() {
    let fake = Fake::new("get*namespace*) echo '{\"metadata\": {\"labels\": {}}}'; exit 0 ;;");
    let (namespace, image) = (Some("theirs".to_owned()), Some("registry/x:1".to_owned()));
    let error = fake.run(&Arguments { namespace, image, ..arguments() }).unwrap_err().to_string();
    assert!(error.contains("nothing is deployed into namespace `theirs`"), "{error}");
    assert_eq!(fake.calls().matches("apply").count(), fake.calls().matches("--dry-run=server").count());
}

#[test]
fn a_node_is_given_back_also_where_the_drain_failed() {
    let fake = Fake::new("get*node*) echo '{}'; exit 0 ;;\ndrain*) echo 'cannot evict' >&2; exit 1 ;;");
    let error = format!("{:#}", deploy::drain(&fake.cluster, "theirs", "node-1").unwrap_err());
    assert!(error.contains("drain node-1") && error.contains("cannot evict"), "{error}");
    assert!(fake.calls().contains("uncordon node-1"));
    let none = Fake::new("");
    let error = deploy::drain(&none.cluster, "theirs", "node-1").unwrap_err().to_string();
    assert_eq!(error, "the cluster has no node `node-1`");
    assert!(!none.calls().contains("drain node"));
}

#[test]
fn a_cluster_that_does_not_answer_is_said() {
    let fake = Fake::new("get*/version*) echo 'connection refused' >&2; exit 1 ;;");
    let error = format!("{:#}", fake.cluster.version().unwrap_err());
    assert!(error.contains("is the cluster there?") && error.contains("connection refused"), "{error}");
}

/// What is deployed and scaled for real, as small as it can be.
const DEPLOYED: &str = "\
apiVersion: batch/v1
kind: Job
metadata:
  name: migrate-0-1-0
  namespace: reconciliation-platform
spec: {template: {spec: {containers: [{image: 'reconciliation-platform:0.1.0'}]}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: backend-hpa
  namespace: reconciliation-platform
spec: {scaleTargetRef: {name: backend}, minReplicas: 2}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  name: worker
  namespace: reconciliation-platform
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: worker
  namespace: reconciliation-platform
spec:
  scaleTargetRef: {name: worker}
  advanced: {horizontalPodAutoscalerConfig: {name: worker-hpa}}
  fallback: {failureThreshold: 3, replicas: 1}
  triggers: [{metadata: {query: 'sum(recon_jobs{namespace=\"reconciliation-platform\"})'}}]
";

/// Deploys it with these kinds in the cluster, and with autoscalers that have acted already.
fn deployed(kinds: &str) -> (Result<()>, String) {
    let fake = Fake::new(&format!(
        "api-resources*) printf '{kinds}'; exit 0 ;;\n\
         get*deployment*) echo '{{\"status\": {{\"readyReplicas\": 3}}}}'; exit 0 ;;\n\
         get*hpa*) echo '{{\"status\": {{\"conditions\": [{{\"type\": \"ScalingActive\", \"status\": \"True\"}}]}}}}'; exit 0 ;;\n\
         *port-forward*) echo 'Forwarding from 127.0.0.1:1 -> 80'; exec sleep 20 ;;"
    ));
    let rendered = |name: &str| manifests::Rendered {
        name: name.to_owned(),
        text: DEPLOYED.to_owned(),
        committed: None,
    };
    let arguments = Arguments { image: Some("registry/x:1".to_owned()), ..arguments() };
    let outcome =
        try_all(&fake.cluster, &arguments, &[rendered("dev"), rendered("production-portable")], MANIFEST);
    (outcome, fake.calls())
}

#[test]
fn what_is_deployed_is_waited_for_and_a_cluster_without_metrics_scales_nothing() {
    let (outcome, calls) = deployed("jobs batch/v1 true Job\\n");
    outcome.unwrap();
    let order =
        ["\"image\":\"registry/x:1\"", "wait --for=condition=complete", "rollout status", "delete namespace"];
    let places: Vec<_> =
        order.iter().map(|words| calls.find(words).unwrap_or_else(|| panic!("{words}: {calls}"))).collect();
    assert!(places.is_sorted(), "{calls}");
    assert!(calls.contains("deployment/backend") && calls.contains("deployment/worker"), "{calls}");
    assert!(!calls.contains("port-forward") && !calls.contains("vector("), "{calls}");
}

#[test]
fn workloads_are_scaled_where_the_cluster_measures() {
    let (outcome, calls) = deployed(
        "jobs batch/v1 true Job\\npods metrics.k8s.io/v1beta1 true PodMetrics\\n\
         a keda.sh/v1alpha1 true ScaledObject\\nb monitoring.coreos.com/v1 true PodMonitor\\n",
    );
    outcome.unwrap();
    let trial = format!("reconciliation-platform-trial-{}", std::process::id());
    assert!(calls.contains("port-forward service/backend :80"), "{calls}");
    // First the query as it is, for the namespace of the trial; then one that pretends jobs.
    let own =
        calls.find(&format!("recon_jobs{{namespace=\\\"{trial}\\\"}}")).unwrap_or_else(|| panic!("{calls}"));
    assert!(calls[own..].contains("vector(6)"), "{calls}");
    // Without what KEDA would answer instead of a query that fails.
    let applied = calls[..own].rfind('\n').unwrap();
    assert!(calls[..applied].contains("fallback") && !calls[applied..].contains("fallback"), "{calls}");
}
