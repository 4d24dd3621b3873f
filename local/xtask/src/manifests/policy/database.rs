//! PostgreSQL by its operator, and what stands before it.

use serde_json::Value;

use super::servers::{POSTGRES, servers};
use super::{Fault, Policy, fault};
use crate::manifests::objects::{Manifests, Object, Pods, list, number, text};
use crate::manifests::selector;

pub(super) const POLICIES: &[Policy] = &[
    Policy {
        name: "database-backed-up",
        why: "without an archived log and a base backup there is nothing to go back to, and nobody notices before",
        find: backed_up,
    },
    Policy {
        name: "database-watched",
        why: "alerts on a database that nobody scrapes stay silent",
        find: watched,
    },
    Policy {
        name: "commit-on-a-standby",
        why: "what only the primary has is lost with it, although its client was told that it is kept",
        find: synchronous,
    },
    Policy {
        name: "pooler-by-transaction",
        why: "a pooler that keeps a connection for each session is no pooler: the first clients take all there are",
        find: by_transaction,
    },
    Policy {
        name: "pooled-address-keeps-nothing",
        why: "a statement that is prepared on one connection is not there on the next, which the pooler hands out",
        find: keeps_nothing,
    },
    Policy {
        name: "migration-past-the-pooler",
        why: "a lock of the session keeps two migrations apart, and a pooler hands the session to others",
        find: past_the_pooler,
    },
];

const GROUP: &str = "postgresql.cnpg.io";
const TRANSACTION: &str = "transaction";
/// The end of an address whose connections keep no prepared statement.
const NO_STATEMENTS: &str = "statement-cache-capacity=0";

/// The operator's objects of a kind.
fn of<'a>(manifests: &'a Manifests, kind: &'a str) -> impl Iterator<Item = &'a Object> {
    manifests.of(kind).filter(|object| object.group() == GROUP)
}

/// A plugin archives the log, and base backups are made by the same one.
fn backed_up(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for cluster in of(manifests, "Cluster") {
        let archives = |plugin: &&Value| {
            let off = plugin["enabled"] == false;
            !off && plugin["isWALArchiver"] == true && plugin["parameters"]["barmanObjectName"].is_string()
        };
        let Some(plugin) = list(&cluster.spec()["plugins"]).find(archives) else {
            faults.push(fault(cluster, "no plugin of it archives its log"));
            continue;
        };
        let backs_up = |backup: &Object| {
            let spec = backup.spec();
            spec["cluster"]["name"] == cluster.name()
                && backup.namespace() == cluster.namespace()
                && spec["suspend"] != true
                && spec["method"] == "plugin"
                && spec["pluginConfiguration"]["name"] == plugin["name"]
        };
        if !manifests.of("ScheduledBackup").any(backs_up) {
            let name = text(&plugin["name"]);
            faults.push(fault(cluster, format!("no ScheduledBackup of it goes by its plugin `{name}`")));
        }
    }
    faults
}

fn watched(manifests: &Manifests) -> Vec<Fault> {
    let is_watched = |pods: &Pods<'_>| {
        manifests.of("PodMonitor").any(|monitor| {
            monitor.namespace() == pods.owner.namespace()
                && selector::meets(&monitor.spec()["selector"], &pods.labels)
        })
    };
    let all = manifests.pods();
    let unwatched = all.iter().filter(|pods| pods.owner.group() == GROUP && !is_watched(pods));
    unwatched.map(|pods| fault(pods.owner, "no PodMonitor is for it")).collect()
}

/// At least one standby has what is acknowledged, and one may be away.
fn synchronous(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for cluster in of(manifests, "Cluster") {
        let said = &cluster.spec()["postgresql"]["synchronous"];
        let standbys = number(&cluster.spec()["instances"]).unwrap_or(1).saturating_sub(1);
        match number(&said["number"]) {
            Some(asked) if ["any", "first"].contains(&text(&said["method"])) && asked >= 1 => {
                if asked >= standbys {
                    let words =
                        format!("a commit waits for {asked} of {standbys} standbys: none may be away");
                    faults.push(fault(cluster, words));
                }
            }
            _ => faults.push(fault(cluster, "a commit waits for no standby: `synchronous` is not set")),
        }
    }
    faults
}

fn by_transaction(manifests: &Manifests) -> Vec<Fault> {
    let mode = |pooler: &&Object| pooler.spec()["pgbouncer"]["poolMode"] != TRANSACTION;
    let others = of(manifests, "Pooler").filter(mode);
    others.map(|pooler| fault(pooler, format!("its poolMode is not {TRANSACTION}"))).collect()
}

/// Whose pods have which addresses of the database, each with whether a pooler answers there.
fn addresses(manifests: &Manifests) -> Vec<(&Object, String, bool)> {
    let mut found = Vec::new();
    for pods in manifests.workloads() {
        let containers = pods.own_containers();
        let given: Vec<_> =
            containers.filter_map(|container| manifests.setting(container, "DATABASE_URL")).collect();
        for address in given {
            let servers = servers(manifests, pods.owner.namespace(), &address, POSTGRES);
            let pooled = servers.iter().any(|(server, _)| server.owner.kind() == "Pooler");
            found.push((pods.owner, address.into_owned(), pooled));
        }
    }
    found
}

fn keeps_nothing(manifests: &Manifests) -> Vec<Fault> {
    let kept = |address: &str| {
        let parameters = address.split_once('?').map_or("", |(_, parameters)| parameters);
        !parameters.split('&').any(|parameter| parameter == NO_STATEMENTS)
    };
    let all = addresses(manifests).into_iter();
    let keeping = all.filter(|(_, address, pooled)| *pooled && kept(address));
    let words = format!("its address leads to a pooler and does not say {NO_STATEMENTS}");
    keeping.map(|(owner, ..)| fault(owner, words.clone())).collect()
}

fn past_the_pooler(manifests: &Manifests) -> Vec<Fault> {
    let all = addresses(manifests).into_iter();
    let through = all.filter(|(owner, _, pooled)| *pooled && owner.kind() == "Job");
    through.map(|(owner, ..)| fault(owner, "its address leads to a pooler")).collect()
}
