//! Rendered manifests, as policies look at them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::known::Known;
use super::{secrets, selector};

/// What one overlay renders to, and what is known of the program that it deploys.
pub(super) struct Manifests {
    pub(super) objects: Vec<Object>,
    pub(super) known: Known,
}

/// One object of the API.
#[derive(Debug, Clone)]
pub(super) struct Object(pub(super) Value);

/// Pods that an object brings about, whether from a template of its own or by an operator.
pub(super) struct Pods<'a> {
    pub(super) owner: &'a Object,
    pub(super) labels: BTreeMap<String, String>,
    /// The pods' own specification; `None` where an operator writes it.
    pub(super) spec: Option<&'a Value>,
}

/// The kinds with a template of pods, and where in them it is.
const TEMPLATES: [(&str, &str); 6] = [
    ("Deployment", "/spec/template"),
    ("StatefulSet", "/spec/template"),
    ("DaemonSet", "/spec/template"),
    ("Job", "/spec/template"),
    ("CronJob", "/spec/jobTemplate/spec/template"),
    ("Pod", ""),
];

/// The ports of pods that CloudNativePG makes: of which kind's, by which name, which number.
const OPERATED_PORTS: [(&str, &str, u64); 2] = [("Cluster", "metrics", 9187), ("Pooler", "metrics", 9127)];

/// The objects of a file in YAML; empty documents are none.
pub(super) fn read(text: &str) -> Result<Vec<Object>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).context("parse YAML")?;
    for document in &documents {
        if document["kind"].as_str().is_none() || document["metadata"]["name"].as_str().is_none() {
            bail!("a document has no `kind` or no `metadata.name`: {document}");
        }
    }
    Ok(documents.into_iter().map(Object).collect())
}

impl Manifests {
    /// The objects of a kind.
    pub(super) fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Object> + Clone {
        self.objects.iter().filter(move |object| object.kind() == kind)
    }

    /// The objects of a kind and name, in whatever namespace.
    pub(super) fn find(&self, kind: &str, name: &str) -> Option<&Object> {
        self.objects.iter().find(|object| object.kind() == kind && object.name() == name)
    }

    /// Everything that runs with a template in these manifests.
    pub(super) fn workloads(&self) -> Vec<Pods<'_>> {
        self.objects.iter().filter_map(Pods::from_template).collect()
    }

    /// Everything that runs, also what operators make of their objects.
    pub(super) fn pods(&self) -> Vec<Pods<'_>> {
        let mut pods = self.workloads();
        pods.extend(self.objects.iter().filter_map(Pods::from_operator));
        pods
    }

    /// What a selector meets in the namespace of the object that has it.
    pub(super) fn selected(&self, by: &Object, selector: &Value) -> Vec<Pods<'_>> {
        let mut pods = self.pods();
        pods.retain(|pods| {
            pods.owner.namespace() == by.namespace() && selector::meets(selector, &pods.labels)
        });
        pods
    }

    /// The value of a setting that a container has in its own `env`, or takes from a ConfigMap or a Secret. `None` also
    /// where it comes from an object that these manifests don't have.
    pub(super) fn setting<'a>(&'a self, container: &'a Value, name: &str) -> Option<Cow<'a, str>> {
        if let Some(own) = list(&container["env"]).find(|variable| variable["name"] == name) {
            let from = &own["valueFrom"];
            return own["value"].as_str().map(Cow::from).or_else(|| {
                self.kept("ConfigMap", &from["configMapKeyRef"], text(&from["configMapKeyRef"]["key"]))
                    .or_else(|| {
                        self.kept("Secret", &from["secretKeyRef"], text(&from["secretKeyRef"]["key"]))
                    })
            });
        }
        list(&container["envFrom"]).rev().find_map(|from| {
            self.kept("ConfigMap", &from["configMapRef"], name)
                .or_else(|| self.kept("Secret", &from["secretRef"], name))
        })
    }

    /// A value of the ConfigMap or Secret that a reference names, as text.
    fn kept<'a>(&'a self, kind: &'a str, reference: &Value, key: &str) -> Option<Cow<'a, str>> {
        let object = &self.find(kind, reference["name"].as_str()?)?.0;
        let data = object["data"][key].as_str();
        if kind == "ConfigMap" {
            return data.map(Cow::from);
        }
        object["stringData"][key].as_str().map(Cow::from).or_else(|| secrets::decode(data?).map(Cow::from))
    }
}

impl Object {
    pub(super) fn kind(&self) -> &str {
        text(&self.0["kind"])
    }

    pub(super) fn name(&self) -> &str {
        text(&self.0["metadata"]["name"])
    }

    /// Empty where the object names none.
    pub(super) fn namespace(&self) -> &str {
        text(&self.0["metadata"]["namespace"])
    }

    pub(super) fn group(&self) -> &str {
        text(&self.0["apiVersion"]).rsplit_once('/').map_or("", |(group, _)| group)
    }

    pub(super) fn spec(&self) -> &Value {
        &self.0["spec"]
    }

    pub(super) fn annotation(&self, name: &str) -> Option<&str> {
        self.0["metadata"]["annotations"][name].as_str()
    }

    /// As people name it.
    pub(super) fn label(&self) -> String {
        format!("{}/{}", self.kind(), self.name())
    }
}

impl<'a> Pods<'a> {
    fn from_template(owner: &'a Object) -> Option<Self> {
        let place = TEMPLATES.iter().find(|(kind, _)| *kind == owner.kind())?.1;
        let template = owner.0.pointer(place)?;
        let labels = labels(&template["metadata"]["labels"]);
        Some(Self { owner, labels, spec: Some(&template["spec"]) })
    }

    /// The labels that CloudNativePG and cert-manager give to the pods that they make, and those that they are asked to give.
    fn from_operator(owner: &'a Object) -> Option<Self> {
        let name = owner.name();
        let cluster = text(&owner.spec()["cluster"]["name"]);
        let pairs = match (owner.group(), owner.kind()) {
            ("postgresql.cnpg.io", "Cluster") => {
                vec![("cnpg.io/cluster", name), ("cnpg.io/podRole", "instance")]
            }
            ("postgresql.cnpg.io", "Pooler") => vec![
                ("cnpg.io/cluster", cluster),
                ("cnpg.io/poolerName", name),
                ("cnpg.io/podRole", "pooler"),
            ],
            ("cert-manager.io", "Issuer" | "ClusterIssuer") if owner.spec()["acme"].is_object() => {
                vec![("acme.cert-manager.io/http01-solver", "true")]
            }
            _ => return None,
        };
        let mut all: BTreeMap<_, _> =
            pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        for place in ["/spec/inheritedMetadata/labels", "/spec/template/metadata/labels"] {
            all.extend(labels(owner.0.pointer(place).unwrap_or(&Value::Null)));
        }
        Some(Self { owner, labels: all, spec: None })
    }

    /// Init containers first, as they run.
    pub(super) fn containers(&self) -> impl Iterator<Item = &'a Value> {
        let spec = self.spec.unwrap_or(&Value::Null);
        list(&spec["initContainers"]).chain(list(&spec["containers"]))
    }

    /// The containers of the program that this project is.
    pub(super) fn own_containers(&self) -> impl Iterator<Item = &'a Value> {
        self.containers().filter(|container| is_own(text(&container["image"])))
    }

    /// Whether it runs the program.
    pub(super) fn is_own(&self) -> bool {
        self.own_containers().next().is_some()
    }

    pub(super) fn container(&self, name: &str) -> Option<&'a Value> {
        self.containers().find(|container| container["name"] == name)
    }

    /// The number of a port of these pods that is given by name or number.
    pub(super) fn port(&self, port: &Value) -> Option<u64> {
        port.as_u64().or_else(|| {
            let mut ports = self.containers().flat_map(|container| list(&container["ports"]));
            let own = ports.find(|known| known["name"] == *port);
            own.map_or_else(|| self.operated_port(port), |own| own["containerPort"].as_u64())
        })
    }

    /// A port of pods whose specification an operator writes.
    fn operated_port(&self, port: &Value) -> Option<u64> {
        let of = OPERATED_PORTS.iter().filter(|_| self.owner.group() == "postgresql.cnpg.io");
        let mut of = of.filter(|(kind, ..)| *kind == self.owner.kind());
        of.find(|(_, name, _)| port == name).map(|(.., number)| *number)
    }
}

/// Whether an image is the program's, wherever it is kept.
fn is_own(image: &str) -> bool {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    let last = name.rsplit_once('/').map_or(name, |(_, last)| last);
    last.split(':').next() == Some("reconciliation-platform")
}

/// A map of texts.
pub(super) fn labels(map: &Value) -> BTreeMap<String, String> {
    let pairs = map.as_object().into_iter().flatten();
    pairs.map(|(key, value)| (key.clone(), text(value).to_owned())).collect()
}

/// The text that a value is, or none.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The elements of a list; what is not there has none.
pub(super) fn list(value: &Value) -> std::slice::Iter<'_, Value> {
    value.as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

/// A whole number, also one that stands in quotes.
pub(super) fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_without_a_name_is_refused_and_an_empty_one_is_none() {
        let objects = read("---\n---\nkind: Service\nmetadata:\n  name: backend\n").unwrap();
        assert_eq!(objects.len(), 1);
        assert_eq!(objects[0].label(), "Service/backend");
        assert!(read("kind: Service\n").unwrap_err().to_string().contains("metadata.name"));
        assert!(read("kind: [").is_err());
        assert!(read("kind: A\nkind: B\nmetadata: {name: a}\n").is_err(), "a key twice is a mistake");
    }

    #[test]
    fn the_program_s_image_is_known_wherever_it_is_kept() {
        for image in ["reconciliation-platform:0.1.0", "registry:5000/a/reconciliation-platform@sha256:0"] {
            assert!(is_own(image), "{image}");
        }
        assert!(!is_own("reconciliation-platform-proxy:1"));
    }
}
