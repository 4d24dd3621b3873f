//! Which objects there are, and what they run.

use std::collections::BTreeSet;

use super::references::at;
use super::{Fault, Policy, fault};
use crate::manifests::objects::{Manifests, Object, text};

pub(super) const POLICIES: &[Policy] = &[
    Policy {
        name: "unique-objects",
        why: "of two objects with one name, the one that is applied last overwrites the other",
        find: unique,
    },
    Policy {
        name: "namespace-restricted",
        why: "only a namespace that enforces `restricted` refuses a pod with more rights than it needs",
        find: namespace_restricted,
    },
    Policy {
        name: "images-pinned",
        why: "a tag that moves deploys what nobody tried, and rolls back to nothing",
        find: images_pinned,
    },
    Policy {
        name: "image-of-this-version",
        why: "a release whose manifests name the version before it deploys nothing new",
        find: image_of_this_version,
    },
    Policy {
        name: "migration-named-by-version",
        why: "a Job's template cannot be changed, so a release whose Job has the old name is refused",
        find: migration_named_by_version,
    },
];

fn unique(manifests: &Manifests) -> Vec<Fault> {
    let mut seen = BTreeSet::new();
    let identity = |object: &Object| {
        [object.group(), object.kind(), object.namespace(), object.name()].map(str::to_owned)
    };
    let again = manifests.objects.iter().filter(|object| !seen.insert(identity(object)));
    again.map(|object| fault(object, "it is there twice")).collect()
}

fn namespace_restricted(manifests: &Manifests) -> Vec<Fault> {
    let enforced = |namespace: &Object| {
        namespace.0["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    };
    let mut faults: Vec<_> = manifests
        .of("Namespace")
        .filter(|namespace| !enforced(namespace))
        .map(|namespace| fault(namespace, "it does not enforce the profile `restricted`"))
        .collect();
    for pods in manifests.pods() {
        if manifests.find("Namespace", pods.owner.namespace()).is_none() {
            let namespace = pods.owner.namespace();
            faults.push(fault(pods.owner, format!("its namespace `{namespace}` is in no manifest")));
        }
    }
    faults
}

fn images_pinned(manifests: &Manifests) -> Vec<Fault> {
    let mut images: Vec<(&Object, &str)> = Vec::new();
    for pods in manifests.workloads() {
        images.extend(pods.containers().map(|container| (pods.owner, text(&container["image"]))));
    }
    // Where operators are told which image to run.
    for object in &manifests.objects {
        let named = OPERATED
            .iter()
            .flat_map(|(kind, place)| if object.kind() == *kind { at(&object.0, place) } else { Vec::new() });
        images.extend(named.map(|image| (object, text(image))));
    }
    let loose = images.into_iter().filter(|(_, image)| !is_pinned(image));
    loose
        .map(|(object, image)| fault(object, format!("image `{image}` has neither version nor digest")))
        .collect()
}

/// Where operators' objects name images.
const OPERATED: [(&str, &str); 4] = [
    ("Cluster", "/spec/imageName"),
    ("Pooler", "/spec/template/spec/containers/*/image"),
    ("RedisCluster", "/spec/kubernetesConfig/image"),
    ("RedisCluster", "/spec/redisExporter/image"),
];

/// A digest, or a tag that begins like a version of several numbers: one number alone moves with each release below it.
fn is_pinned(image: &str) -> bool {
    if image.contains("@sha256:") {
        return true;
    }
    let last = image.rsplit_once('/').map_or(image, |(_, last)| last);
    let tag = last.split_once(':').map_or("", |(_, tag)| tag);
    let tag = tag.strip_prefix('v').unwrap_or(tag);
    let mut numbers = tag.split(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap_or(tag).split('.');
    let is_number = |part: Option<&str>| part.is_some_and(|part| !part.is_empty());
    is_number(numbers.next()) && is_number(numbers.next())
}

/// A digest is what somebody chose, whatever tag stands before it.
fn image_of_this_version(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    let ending = format!(":{}", manifests.known.version);
    for pods in manifests.workloads() {
        let images = pods.own_containers().map(|container| text(&container["image"]));
        for image in images.filter(|image| !image.contains("@sha256:") && !image.ends_with(&ending)) {
            faults.push(fault(
                pods.owner,
                format!("it runs `{image}`, the program is {}", manifests.known.version),
            ));
        }
    }
    faults
}

fn migration_named_by_version(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for pods in manifests.workloads() {
        for container in pods.own_containers().filter(|_| pods.owner.kind() == "Job") {
            let image = text(&container["image"]);
            let tag =
                image.split('@').next().and_then(|name| name.rsplit_once(':')).map_or("", |(_, tag)| tag);
            let tag = if tag.is_empty() { manifests.known.version.as_str() } else { tag };
            let ending = format!("-{}", tag.replace('.', "-"));
            if !pods.owner.name().ends_with(&ending) {
                faults.push(fault(
                    pods.owner,
                    format!("its name does not end in `{ending}`, though it runs `{image}`"),
                ));
            }
        }
    }
    faults
}
