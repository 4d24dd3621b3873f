//! What README.md says of the stack, or of the program in it.

use serde_json::{Map, Value};

use super::{is_own, list};

/// Amazon's variables, which the object store's client reads. README.md names them where it tells of buckets.
const AMAZON: &str = "AWS_";

pub(super) fn check(services: &Map<String, Value>, readme: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for (name, service) in services {
        let unknown = unknown_settings(service, readme).into_iter();
        complaints.extend(unknown.map(|setting| format!("{name}: `{setting}` is no setting of the program")));
        let untold = list(service, "/ports").filter_map(Value::as_str).filter(|port| !is_told(port, readme));
        complaints.extend(untold.map(|port| format!("{name}: README.md does not tell of the port `{port}`")));
    }
    complaints
}

/// A variable that the program does not read is a setting that nobody set.
fn unknown_settings<'a>(service: &'a Value, readme: &str) -> Vec<&'a str> {
    let set = service["environment"].as_object().filter(|_| is_own(service));
    let names = set.into_iter().flat_map(Map::keys).map(String::as_str);
    let is_known = |name: &str| match name.starts_with(AMAZON) {
        true => readme.contains(&format!(" {name}=")),
        false => readme.contains(&format!("\n| `{name}` | ")),
    };
    names.filter(|name| !is_known(name)).collect()
}

/// `127.0.0.1:${NAME:-PORT}:INSIDE`: where it is, and how it is moved.
fn is_told(port: &str, readme: &str) -> bool {
    let moved = port.split_once("${").and_then(|(_, rest)| rest.split_once('}')).map(|(inner, _)| inner);
    let Some((name, number)) = moved.and_then(|inner| inner.split_once(":-")) else { return false };
    readme.contains(&format!("`{name}`")) && readme.contains(&format!("http://localhost:{number}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const README: &str = "export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…\n\n\
                          It is at http://localhost:8080; `RECON_PORT` moves it.\n\
                          | variable | default | what |\n| `PUBLIC_URL` | none | the origin |\n";

    #[track_caller]
    fn check(environment: &Value, port: &str, expected: &[&str]) {
        let image = "reconciliation-platform:1.2.3";
        let services = json!({"backend": {"image": image, "environment": environment, "ports": [port]}});
        assert_eq!(super::check(services.as_object().unwrap(), README), expected);
    }

    #[test]
    fn a_variable_that_readme_does_not_name_is_refused() {
        const PORT: &str = "127.0.0.1:${RECON_PORT:-8080}:8080";
        let known = json!({"PUBLIC_URL": "http://a", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"});
        check(&known, PORT, &[]);
        for (name, refused) in [
            ("PUBLIC_URI", "backend: `PUBLIC_URI` is no setting of the program"),
            ("AWS_ACCESS_KEY", "backend: `AWS_ACCESS_KEY` is no setting of the program"),
            ("RECON_PORT", "backend: `RECON_PORT` is no setting of the program"),
        ] {
            check(&json!({name: "a"}), PORT, &[refused]);
        }
    }

    #[test]
    fn a_port_that_readme_tells_otherwise_is_refused() {
        for port in
            ["127.0.0.1:8080:8080", "127.0.0.1:${RECON_PORT:-8090}:8080", "127.0.0.1:${API_PORT:-8080}:8080"]
        {
            let refused = format!("backend: README.md does not tell of the port `{port}`");
            check(&json!({}), port, &[&refused]);
        }
    }
}
