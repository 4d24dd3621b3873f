//! What people hand to other programs than kubectl: values of Helm charts, which no overlay renders.

use std::fs;

use serde_json::Value;

use crate::manifests::objects::{list, text};

const VALUES: &str = "infra/k8s/addons/cluster-autoscaler-values.yaml";
/// Which versions of Kubernetes are supported, in words.
const GUIDE: &str = "infra/k8s/README.md";

fn file(place: &str) -> String {
    fs::read_to_string(crate::workspace::root().join(place)).unwrap()
}

/// What is wrong with the values of the cluster-autoscaler's chart, for versions of Kubernetes from and to these minors.
fn faults(values: &Value, (first, last): (u64, u64)) -> Vec<&'static str> {
    let (image, flags) = (&values["image"], &values["extraArgs"]);
    let tags: Vec<_> = list(&values["autoDiscovery"]["tags"]).map(text).collect();
    let cluster = text(&values["autoDiscovery"]["clusterName"]);
    let mut numbers = text(&image["tag"]).strip_prefix('v').unwrap_or_default().split('.');
    let (major, minor) = (numbers.next(), numbers.next().and_then(|minor| minor.parse().ok()));
    let role = text(&values["rbac"]["serviceAccount"]["annotations"]["eks.amazonaws.com/role-arn"]);
    let wanted = [
        (
            text(&image["repository"]).starts_with("registry.k8s.io/"),
            "its registry is frozen, or a stranger's",
        ),
        (
            major == Some("1") && minor.is_some_and(|minor| (first..=last).contains(&minor)),
            "its minor version is of no Kubernetes that is supported",
        ),
        (numbers.next().is_some_and(|patch| patch.parse::<u64>().is_ok()), "its version is not a whole one"),
        (flags["expander"] == "least-waste", "its expander is not least-waste"),
        (flags["skip-nodes-with-local-storage"] == false, "pods with an emptyDir hold their nodes"),
        (flags["scale-down-enabled"] == true, "nothing goes down"),
        (
            flags["scale-down-delay-after-add"] == "10m",
            "it goes down earlier or later than 10 m after it grew",
        ),
        (
            flags["scale-down-unneeded-time"] == "10m",
            "what is not needed goes earlier or later than after 10 m",
        ),
        (
            !cluster.is_empty()
                && tags.contains(&"k8s.io/cluster-autoscaler/enabled")
                && tags.contains(&format!("k8s.io/cluster-autoscaler/{cluster}").as_str()),
            "it discovers node groups by other tags than those of its cluster",
        ),
        (role.starts_with("arn:aws:iam::") && role.contains(":role/"), "it has no role by IRSA"),
    ];
    wanted.into_iter().filter(|(holds, _)| !holds).map(|(_, words)| words).collect()
}

/// The minor versions in `Kubernetes 1.34 to 1.36`.
fn supported(guide: &str) -> (u64, u64) {
    let (_, rest) = guide.split_once("Kubernetes 1.").expect("the guide names versions");
    let (first, rest) = rest.split_once(" to 1.").expect("the guide names two versions");
    let last: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (first.parse().unwrap(), last.parse().unwrap())
}

#[test]
fn the_cluster_autoscaler_is_as_the_guide_says() {
    let kubernetes = supported(&file(GUIDE));
    let values: Value = serde_saphyr::from_str(&file(VALUES)).unwrap();
    assert_eq!(faults(&values, kubernetes), Vec::<&str>::new());
    for (place, wrong, words) in [
        ("/image/repository", Value::from("k8s.gcr.io/autoscaling/cluster-autoscaler"), "registry"),
        ("/image/tag", Value::from("v1.28.2"), "minor version"),
        ("/image/tag", Value::from("v1.36"), "not a whole one"),
        ("/extraArgs/expander", Value::from("random"), "least-waste"),
        ("/extraArgs/skip-nodes-with-local-storage", Value::from(true), "emptyDir"),
        ("/extraArgs/scale-down-enabled", Value::from(false), "nothing goes down"),
        ("/extraArgs/scale-down-delay-after-add", Value::from("1m"), "after it grew"),
        ("/extraArgs/scale-down-unneeded-time", Value::Null, "not needed"),
        ("/autoDiscovery/clusterName", Value::from("another"), "tags"),
        ("/autoDiscovery/tags/0", Value::from("enabled"), "tags"),
        ("/rbac/serviceAccount/annotations", Value::Null, "IRSA"),
    ] {
        let mut values = values.clone();
        *values.pointer_mut(place).unwrap_or_else(|| panic!("{place} is there")) = wrong;
        let found = faults(&values, kubernetes);
        assert!(matches!(found.as_slice(), [one] if one.contains(words)), "{place}: {found:?}");
    }
}
