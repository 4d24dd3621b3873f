//! What the schema of compose files does not ask, and we do.

mod nginx;
mod readme;

use serde_json::{Map, Value};

/// The repository of our own image, which the version follows.
const IMAGE: &str = concat!("reconciliation-platform:", env!("CARGO_PKG_VERSION"));
/// The port that is for Prometheus and health checks only.
const ADMIN_PORT: &str = "8081";
/// Roles that end by themselves, and so have nothing to check.
const ENDING: [&str; 2] = ["migrate", "sweep"];

/// Everything that belongs together.
pub(super) struct Files<'a> {
    pub(super) compose: &'a Value,
    pub(super) prometheus: &'a Value,
    pub(super) nginx: &'a str,
    pub(super) readme: &'a str,
    /// The component of Kubernetes that is the same object store.
    pub(super) object_store: &'a str,
}

/// What breaks a rule, in words.
pub(super) fn check(files: &Files<'_>) -> Vec<String> {
    let none = Map::new();
    let services = files.compose["services"].as_object().unwrap_or(&none);
    let mut complaints = Vec::new();
    for (name, service) in services {
        let said = every(service).into_iter().chain(if is_own(service) { own(service) } else { Vec::new() });
        complaints.extend(said.map(|complaint| format!("{name}: {complaint}")));
    }
    complaints.extend(builders(services));
    complaints.extend(targets(files.prometheus, services));
    complaints.extend(nginx::check(files.nginx, services, files.readme));
    complaints.extend(readme::check(services, files.readme));
    complaints.extend(object_store(services, files.object_store));
    complaints
}

/// What every service keeps to.
fn every(service: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    let image = text(service, "/image");
    let is_pinned = image.rsplit_once(':').is_some_and(|(_, tag)| tag.contains('.'));
    if !is_pinned || image.ends_with(":latest") {
        complaints.push(format!("the image `{image}` is not pinned to a version"));
    }
    for port in list(service, "/ports").map(Value::to_string) {
        if !port.starts_with("\"127.0.0.1:") {
            complaints.push(format!("the port {port} is open to other machines"));
        }
        if port.contains(ADMIN_PORT) {
            complaints.push(format!("the port {port} is for the inside"));
        }
    }
    if service.pointer("/restart").is_none() {
        complaints.push("nothing is said of restarts".to_owned());
    }
    if !has(service, "/security_opt", "no-new-privileges:true") {
        complaints.push("it may gain privileges".to_owned());
    }
    let checks = service.pointer("/healthcheck/test").is_some() || is_own(service);
    if !checks {
        complaints.push("it has no health check".to_owned());
    }
    complaints
}

/// What those of our own image keep to.
fn own(service: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut ask = |kept: bool, complaint: &str| {
        if !kept {
            complaints.push(complaint.to_owned());
        }
    };
    let role = list(service, "/command").next().and_then(Value::as_str).unwrap_or_default();
    let ends = ENDING.contains(&role);
    ask(text(service, "/image") == IMAGE, "the image is of another version");
    ask(service["pull_policy"] == "never", "its image, which no registry has, is asked for");
    ask(service["read_only"] == true, "its files can be changed");
    ask(has(service, "/tmpfs", "/tmp"), "it has no /tmp");
    ask(!service["environment"].is_array(), "its environment is a list, which is not looked through");
    ask(has(service, "/cap_drop", "ALL"), "it keeps capabilities");
    ask(
        (service.pointer("/healthcheck/disable") == Some(&Value::Bool(true))) == ends,
        "its health check is another role's",
    );
    ask(
        role != "work" || has(service, "/healthcheck/test", "--admin"),
        "its health check asks a port where no worker listens",
    );
    ask(waits(service, "postgres", "service_healthy"), "it does not wait for the database");
    ask(waits(service, "object-store", "service_healthy"), "it does not wait for the object store");
    ask(
        role == "migrate" || waits(service, "migrate", "service_completed_successfully"),
        "it does not wait for the migration",
    );
    complaints
}

/// One service builds the image that all of ours have, and it is the one that each of them waits for: builds of several run
/// beside each other, and all but the first fail to give the image its name.
fn builders(services: &Map<String, Value>) -> Option<String> {
    let names = |is_it: fn(&Value) -> bool| -> Vec<&String> {
        services.iter().filter(|(_, service)| is_it(service)).map(|(name, _)| name).collect()
    };
    let found = names(|service| service.get("build").is_some_and(|build| !build.is_null()));
    let wanted = names(|service| is_own(service) && list(service, "/command").any(|word| word == "migrate"));
    let is_one = found == wanted && found.len() == 1;
    (!is_one)
        .then(|| format!("{found:?} are built, and that should be {wanted:?}: two builds of one image fail"))
}

fn waits(service: &Value, other: &str, condition: &str) -> bool {
    service["depends_on"][other]["condition"] == condition
}

/// Prometheus asks every process that serves metrics, and nobody else.
fn targets(prometheus: &Value, services: &Map<String, Value>) -> Vec<String> {
    let configs = list(prometheus, "/scrape_configs").flat_map(|job| list(job, "/static_configs"));
    let mut found: Vec<&str> =
        configs.flat_map(|config| list(config, "/targets")).filter_map(Value::as_str).collect();
    found.sort_unstable();
    let lasting = |service: &Value| {
        is_own(service) && !list(service, "/command").any(|word| ENDING.iter().any(|role| word == role))
    };
    let lasting = services.iter().filter(|(_, service)| lasting(service));
    let mut wanted: Vec<String> = lasting.map(|(name, _)| format!("{name}:{ADMIN_PORT}")).collect();
    wanted.sort_unstable();
    if found == wanted { Vec::new() } else { vec![format!("Prometheus asks {found:?}, and not {wanted:?}")] }
}

/// What is tried on one machine is what runs in a cluster.
fn object_store(services: &Map<String, Value>, component: &str) -> Option<String> {
    let here = services.get("object-store").map_or("none", |service| text(service, "/image"));
    let tag = component.lines().find_map(|line| line.trim().strip_prefix("newTag: ")).unwrap_or("none");
    let is_same = here.rsplit_once(':').is_some_and(|(_, version)| version == tag.trim_matches('"'));
    (!is_same).then(|| format!("the object store is {here}, and that of Kubernetes {tag}"))
}

fn is_own(service: &Value) -> bool {
    text(service, "/image").starts_with("reconciliation-platform:")
}

fn is_serving(service: &Value) -> bool {
    list(service, "/command").any(|word| word == "serve")
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn has(value: &Value, pointer: &str, word: &str) -> bool {
    list(value, pointer).any(|found| found == word)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NGINX: &str = "upstream backend {\nserver backend:8080 resolve;\nkeepalive_timeout 1s;\n}\n\
                         location / { }\n\
                         location ~ ^/v1/datasets/[^/]+/content$ { client_max_body_size 1000; }";
    const README: &str = "http://localhost:8080, which `RECON_PORT` moves\n\
         | `UPLOAD_BYTES_MAX` | `1000` | largest upload |\n| `DRAIN_WAIT_SECONDS` | `2` | seconds |";

    const COMPONENT: &str = "  - name: seaweedfs\n    newTag: \"4.5\"\n";

    fn compose() -> Value {
        let own = json!({
            "image": IMAGE, "restart": "unless-stopped", "read_only": true, "tmpfs": ["/tmp"], "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"], "command": ["serve"], "pull_policy": "never",
            "depends_on": {
                "postgres": {"condition": "service_healthy"},
                "object-store": {"condition": "service_healthy"},
                "migrate": {"condition": "service_completed_successfully"},
            },
        });
        let mut worker = own.clone();
        worker["command"] = json!(["work"]);
        worker["healthcheck"] = json!({"test": ["CMD", "/recon", "healthcheck", "--admin"]});
        let mut migrate = own.clone();
        migrate["command"] = json!(["migrate"]);
        migrate["healthcheck"] = json!({"disable": true});
        migrate["build"] = json!({"context": ".."});
        let nginx = json!({
            "image": "nginx:1.2.3", "restart": "always", "security_opt": ["no-new-privileges:true"],
            "ports": ["127.0.0.1:${RECON_PORT:-8080}:8080"], "healthcheck": {"test": ["CMD", "true"]},
        });
        let mut store = nginx.clone();
        store["image"] = json!("seaweedfs:4.5");
        json!({"services": {"object-store": store, "backend": own, "worker": worker, "migrate": migrate, "nginx": nginx}})
    }

    fn prometheus(targets: &[&str]) -> Value {
        json!({"scrape_configs": [{"static_configs": [{"targets": targets}]}]})
    }

    #[track_caller]
    fn check(compose: &Value, expected: &[&str]) {
        let prometheus = prometheus(&["backend:8081", "worker:8081"]);
        assert_eq!(
            super::check(&Files {
                compose,
                prometheus: &prometheus,
                nginx: NGINX,
                readme: README,
                object_store: COMPONENT
            }),
            expected
        );
    }

    #[track_caller]
    fn check_broken(pointer: &str, broken: Value, complaint: &str) {
        let mut compose = compose();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        compose.pointer_mut(&format!("/services{parent}")).unwrap()[field] = broken;
        check(&compose, &[complaint]);
    }

    #[test]
    fn a_stack_that_keeps_to_the_rules_is_taken() {
        check(&compose(), &[]);
    }

    #[test]
    fn every_rule_is_missed_when_it_is_broken() {
        for (pointer, broken, complaint) in [
            ("/nginx/image", json!("nginx"), "nginx: the image `nginx` is not pinned to a version"),
            (
                "/nginx/image",
                json!("nginx:latest"),
                "nginx: the image `nginx:latest` is not pinned to a version",
            ),
            (
                "/nginx/ports",
                json!(["${RECON_PORT:-8080}:8080"]),
                r#"nginx: the port "${RECON_PORT:-8080}:8080" is open to other machines"#,
            ),
            (
                "/nginx/ports",
                json!(["127.0.0.1:${RECON_PORT:-8080}:8081"]),
                r#"nginx: the port "127.0.0.1:${RECON_PORT:-8080}:8081" is for the inside"#,
            ),
            (
                "/nginx/ports",
                json!(["127.0.0.1:${RECON_PORT:-8090}:8080"]),
                "nginx: README.md does not tell of the port `127.0.0.1:${RECON_PORT:-8090}:8080`",
            ),
            ("/nginx/healthcheck", json!({}), "nginx: it has no health check"),
            ("/nginx/security_opt", json!([]), "nginx: it may gain privileges"),
            (
                "/backend/image",
                json!("reconciliation-platform:0.0.9"),
                "backend: the image is of another version",
            ),
            ("/backend/read_only", json!(false), "backend: its files can be changed"),
            ("/backend/tmpfs", json!([]), "backend: it has no /tmp"),
            ("/backend/cap_drop", json!([]), "backend: it keeps capabilities"),
            ("/backend/healthcheck", json!({"disable": true}), "backend: its health check is another role's"),
            ("/migrate/healthcheck", json!({}), "migrate: its health check is another role's"),
            (
                "/worker/healthcheck",
                json!({}),
                "worker: its health check asks a port where no worker listens",
            ),
            ("/worker/depends_on/postgres", json!({}), "worker: it does not wait for the database"),
            ("/worker/depends_on/object-store", json!({}), "worker: it does not wait for the object store"),
            ("/backend/depends_on/migrate", json!({}), "backend: it does not wait for the migration"),
            (
                "/backend/pull_policy",
                json!("missing"),
                "backend: its image, which no registry has, is asked for",
            ),
            (
                "/backend/build",
                json!({"context": ".."}),
                r#"["backend", "migrate"] are built, and that should be ["migrate"]: two builds of one image fail"#,
            ),
            (
                "/migrate/build",
                Value::Null,
                r#"[] are built, and that should be ["migrate"]: two builds of one image fail"#,
            ),
        ] {
            check_broken(pointer, broken, complaint);
        }
    }

    #[test]
    fn an_environment_is_looked_through() {
        for (environment, complaint) in [
            (json!({"LOGS": "info"}), "backend: `LOGS` is no setting of the program"),
            (json!(["LOGS=info"]), "backend: its environment is a list, which is not looked through"),
            (
                json!({"DRAIN_WAIT_SECONDS": 1}),
                "nginx keeps an idle connection for Some(1s), and backend drains for Some(1s): that is to be longer",
            ),
        ] {
            check_broken("/backend/environment", environment, complaint);
        }
    }

    #[test]
    fn files_that_do_not_fit_together_are_refused() {
        let compose = compose();
        let services = compose["services"].as_object().unwrap();
        assert_eq!(targets(&prometheus(&["backend:8081"]), services).len(), 1);
        let refused = object_store(services, "newTag: \"4.6\"").unwrap();
        assert_eq!(refused, r#"the object store is seaweedfs:4.5, and that of Kubernetes "4.6""#);
    }
}
