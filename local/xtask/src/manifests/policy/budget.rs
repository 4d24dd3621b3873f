//! Connections to the database.

use serde_json::Value;

use super::autoscaling::{bounds, scaler};
use super::{Fault, Policy, fault};
use crate::manifests::objects::{Manifests, Object, Pods, number};

pub(super) const POLICIES: &[Policy] = &[Policy {
    name: "connection-budget",
    why: "the first pod over the budget gets no connection, under the load that made it necessary",
    find: connections,
}];

/// Connections that PostgreSQL keeps back: for operators, for replication, for people.
const RESERVED: u64 = 10;
/// What CloudNativePG and PgBouncer do where nothing is said.
const CONNECTIONS_DEFAULT: u64 = 100;
const CLIENTS_DEFAULT: u64 = 100;
const POOL_DEFAULT: u64 = 20;

fn connections(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for cluster in manifests.of("Cluster").filter(|cluster| cluster.group() == "postgresql.cnpg.io") {
        let max = number(&cluster.spec()["postgresql"]["parameters"]["max_connections"])
            .unwrap_or(CONNECTIONS_DEFAULT);
        let room = max.saturating_sub(RESERVED);
        let writers: Vec<_> = poolers(manifests, cluster, "rw").collect();
        if writers.is_empty() {
            let asked = clients(manifests, |_| true);
            faults.extend(over(cluster, "all pods at their most open", asked, "connections", room));
            continue;
        }
        let admitted = writers
            .iter()
            .map(|pooler| instances(pooler) * parameter(pooler, "max_client_conn", CLIENTS_DEFAULT))
            .sum();
        let pooled = clients(manifests, |pods| pods.owner.kind() != "Job");
        faults.extend(over(
            cluster,
            "all pods at their most open",
            pooled,
            "clients of the poolers",
            admitted,
        ));
        // A primary has what the poolers of writers open and what the migration does; a replica what those of readers do.
        let direct = clients(manifests, |pods| pods.owner.kind() == "Job");
        let opened: u64 = writers.iter().map(|pooler| servers(pooler)).sum();
        faults.extend(over(cluster, "poolers and migration open", opened + direct, "connections", room));
        let read = poolers(manifests, cluster, "ro").map(servers).sum();
        faults.extend(over(cluster, "poolers of readers open", read, "connections", room));
    }
    faults
}

fn over(cluster: &Object, who: &str, asked: u64, what: &str, room: u64) -> Option<Fault> {
    (asked > room).then(|| fault(cluster, format!("{who} {asked}, more than {room} {what}")))
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

fn instances(pooler: &Object) -> u64 {
    number(&pooler.spec()["instances"]).unwrap_or(1)
}

fn parameter(pooler: &Object, name: &str, default: u64) -> u64 {
    number(&pooler.spec()["pgbouncer"]["parameters"][name]).unwrap_or(default)
}

/// What all instances of a pooler open to the database at most.
fn servers(pooler: &Object) -> u64 {
    let pool =
        parameter(pooler, "default_pool_size", POOL_DEFAULT) + parameter(pooler, "reserve_pool_size", 0);
    let most = parameter(pooler, "max_db_connections", pool);
    instances(pooler) * most.max(pool)
}

/// What the program's pods open at their most, those of a rollout among them.
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
    let most = scaler(manifests, pods.owner).map_or_else(own, |scaler| bounds(scaler).1);
    let surge = &pods.owner.spec()["strategy"]["rollingUpdate"]["maxSurge"];
    let share = surge.as_str().and_then(|share| share.strip_suffix('%')?.parse::<u64>().ok());
    most + share.map_or_else(|| surge.as_u64().unwrap_or(0), |share| (most * share).div_ceil(100))
}
