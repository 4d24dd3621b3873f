//! Connections to the database.

use serde_json::Value;

use super::autoscaling::{bounds, scaler};
use super::{Fault, Policy, documented_fault, fault};
use crate::manifests::objects::{Manifests, Object, Pods, number};

pub(super) const POLICIES: &[Policy] = &[
    Policy {
        name: "connection-budget",
        why: "the first pod over the budget gets no connection, under the load that made it necessary",
        find: connections,
    },
    Policy {
        name: "budget-as-documented",
        why: "by the sum in SCALING.md people tell how far they can go",
        find: documented,
    },
];

/// Connections that PostgreSQL keeps back: for operators, for replication, for people.
const RESERVED: u64 = 10;
/// What CloudNativePG and PgBouncer do where nothing is said.
const CONNECTIONS_DEFAULT: u64 = 100;
const CLIENTS_DEFAULT: u64 = 100;
const POOL_DEFAULT: u64 = 20;
/// What a Deployment, such as that of a pooler, has beside its pods in a rollout where nothing is said.
const SURGE_PERCENT_DEFAULT: u64 = 25;
const OPEN: &str = "all pods at their most, in a rollout, open";

fn connections(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for cluster in manifests.of("Cluster").filter(|cluster| cluster.group() == "postgresql.cnpg.io") {
        let room = connections_max(cluster).saturating_sub(RESERVED);
        // In a rollout at full size, the old pods that still drain keep theirs.
        let pooled = 2 * clients(manifests, |pods| pods.owner.kind() != "Job");
        let direct = clients(manifests, |pods| pods.owner.kind() == "Job");
        let writers: Vec<_> = poolers(manifests, cluster, "rw").collect();
        if writers.is_empty() {
            faults.extend(over(cluster, OPEN, pooled + direct, "connections", room));
            continue;
        }
        // Each pooler alone takes every client: the others may be gone.
        for pooler in &writers {
            let admitted = parameter(pooler, "max_client_conn", CLIENTS_DEFAULT);
            faults.extend(over(pooler, OPEN, pooled, "clients of one instance", admitted));
        }
        // A primary has what the poolers of writers open and what the migration does; a replica what those of readers do.
        let opened: u64 = writers.iter().map(|pooler| servers(pooler)).sum();
        faults.extend(over(cluster, "poolers and migration open", opened + direct, "connections", room));
        let read = poolers(manifests, cluster, "ro").map(servers).sum();
        faults.extend(over(cluster, "poolers of readers open", read, "connections", room));
    }
    faults
}

/// The sum that people read is that of the manifests. One that does not come out is another policy's fault.
fn documented(manifests: &Manifests) -> Vec<Fault> {
    if !connections(manifests).is_empty() {
        return Vec::new();
    }
    let mut faults = Vec::new();
    for cluster in manifests.of("Cluster").filter(|cluster| cluster.group() == "postgresql.cnpg.io") {
        let Some(pooler) = poolers(manifests, cluster, "rw").next() else { continue };
        faults.extend(differences(&manifests.known.scaling.budget, &sum(manifests, cluster, pooler)));
    }
    faults
}

/// Where the sum that people read is another than that of the manifests.
fn differences(said: &[String], found: &[String]) -> Vec<Fault> {
    let nothing = String::from("nothing");
    let lines = 0..said.len().max(found.len());
    let pairs = lines.map(|at| (said.get(at).unwrap_or(&nothing), found.get(at).unwrap_or(&nothing)));
    let different = pairs.filter(|(said, found)| said != found);
    different
        .map(|(said, found)| documented_fault(format!("its sum says `{said}`, the manifests `{found}`")))
        .collect()
}

/// The sum of SCALING.md, made from the manifests. The most of what scales is that of its table of limits, which another
/// policy holds against the autoscalers.
fn sum(manifests: &Manifests, cluster: &Object, pooler: &Object) -> Vec<String> {
    let max = connections_max(cluster);
    let mut clients: Vec<(u64, &str, u64)> = Vec::new();
    let workloads = manifests.workloads();
    for pods in workloads.iter().filter(|pods| pods.is_own() && pods.owner.kind() != "Job") {
        let pool = pods.own_containers().map(|container| pool(manifests, container)).sum();
        let limit = manifests.known.scaling.limits.iter().find(|limit| limit.workload == pods.owner.name());
        let most = limit.map_or_else(|| replicas_max(manifests, pods), |limit| limit.max);
        clients.push((most, pods.owner.name(), pool));
    }
    clients.sort_unstable_by(|one, other| other.cmp(one));
    let opened: u64 = clients.iter().map(|(most, _, pool)| most * pool).sum();
    let parts: Vec<_> = clients.iter().map(|(most, name, pool)| format!("{name} {most} x {pool}")).collect();
    let admitted = parameter(pooler, "max_client_conn", CLIENTS_DEFAULT);
    let (count, beside) = (number(&pooler.spec()["instances"]).unwrap_or(1), instances(pooler));
    let pool = parameter(pooler, "default_pool_size", POOL_DEFAULT);
    let most = parameter(pooler, "max_db_connections", pool);
    let room = max.saturating_sub(RESERVED);
    vec![
        format!("clients {} = {opened} <= {admitted} max_client_conn of each pooler", parts.join(" + ")),
        format!("in a rollout at full size, old pods still draining : {} <= {admitted}", 2 * opened),
        format!(
            "servers {count} poolers x max_db_connections {most} = {} <= {room} max_connections {max} - {RESERVED}",
            count * most
        ),
        format!("in a rollout of the poolers, {beside} of them : {} <= {room}", beside * most),
        format!("{count} poolers x default_pool_size {pool} = {} <= {room}", count * pool),
    ]
}

/// What PostgreSQL admits.
fn connections_max(cluster: &Object) -> u64 {
    let set = &cluster.spec()["postgresql"]["parameters"]["max_connections"];
    number(set).unwrap_or(CONNECTIONS_DEFAULT)
}

fn over(object: &Object, who: &str, asked: u64, what: &str, room: u64) -> Option<Fault> {
    (asked > room).then(|| fault(object, format!("{who} {asked}, more than {room} {what}")))
}

fn poolers<'a>(
    manifests: &'a Manifests,
    cluster: &'a Object,
    kind: &'a str,
) -> impl Iterator<Item = &'a Object> {
    let of = move |pooler: &&Object| {
        pooler.spec()["cluster"]["name"] == cluster.name() && pooler.spec()["type"] == kind
    };
    manifests.of("Pooler").filter(of)
}

/// How many instances there are at most: in a rollout, new ones beside the old.
fn instances(pooler: &Object) -> u64 {
    let instances = number(&pooler.spec()["instances"]).unwrap_or(1);
    let strategy = &pooler.spec()["deploymentStrategy"];
    if strategy["type"] == "Recreate" {
        return instances;
    }
    let surge = &strategy["rollingUpdate"]["maxSurge"];
    let share = surge.as_str().and_then(|share| share.strip_suffix('%')?.parse().ok());
    let beside =
        number(surge).unwrap_or_else(|| (instances * share.unwrap_or(SURGE_PERCENT_DEFAULT)).div_ceil(100));
    instances + beside
}

fn parameter(pooler: &Object, name: &str, default: u64) -> u64 {
    number(&pooler.spec()["pgbouncer"]["parameters"][name]).unwrap_or(default)
}

/// What all instances of a pooler open to the database at most, those of a rollout among them.
fn servers(pooler: &Object) -> u64 {
    let pool =
        parameter(pooler, "default_pool_size", POOL_DEFAULT) + parameter(pooler, "reserve_pool_size", 0);
    let most = parameter(pooler, "max_db_connections", pool);
    instances(pooler) * most.max(pool)
}

/// What the program's pods open at their most.
fn clients(manifests: &Manifests, which: impl Fn(&Pods<'_>) -> bool) -> u64 {
    let workloads = manifests.workloads();
    let chosen = workloads.iter().filter(|pods| which(pods));
    chosen
        .map(|pods| {
            pods.own_containers().map(|container| pool(manifests, container)).sum::<u64>()
                * replicas_max(manifests, pods)
        })
        .sum()
}

/// The setting's own default is 4.
fn pool(manifests: &Manifests, container: &Value) -> u64 {
    manifests.setting(container, "DATABASE_POOL_MAX").and_then(|value| value.parse().ok()).unwrap_or(4)
}

fn replicas_max(manifests: &Manifests, pods: &Pods<'_>) -> u64 {
    let own = || number(&pods.owner.spec()["replicas"]).unwrap_or(1);
    scaler(manifests, pods.owner).map_or_else(own, |scaler| bounds(scaler).1)
}
