//! What the proxy's configuration keeps to, beside the servers that it leads to.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{ADMIN_PORT, is_serving};

/// What nginx does where it is told nothing else.
const KEEPALIVE_DEFAULT: Duration = Duration::from_secs(60);

pub(super) fn check(nginx: &str, services: &Map<String, Value>, readme: &str) -> Vec<String> {
    let mut complaints = upstreams(nginx, services);
    complaints.extend(upload_limit(nginx, readme));
    complaints.extend(idle_connections(nginx, services, readme));
    complaints
}

/// Requests go to every server, at the port that is for clients.
fn upstreams(nginx: &str, services: &Map<String, Value>) -> Vec<String> {
    let servers = services.iter().filter(|(_, service)| is_serving(service)).map(|(name, _)| name);
    let forgotten = servers.filter(|name| !nginx.contains(&format!("server {name}:8080 ")));
    let mut complaints: Vec<String> =
        forgotten.map(|name| format!("nginx sends nothing to {name}")).collect();
    if nginx.contains(ADMIN_PORT) {
        complaints.push(format!("nginx leads to the port {ADMIN_PORT}"));
    }
    complaints
}

/// An upload may be as large as the server's own setting says.
fn upload_limit(nginx: &str, readme: &str) -> Option<String> {
    let wanted = default(readme, "UPLOAD_BYTES_MAX").unwrap_or("not in README.md");
    let uploads = nginx.split("location ").find(|location| location.contains("/content$"));
    let limit =
        uploads.and_then(|location| location.split("client_max_body_size ").nth(1)?.split(';').next());
    (limit != Some(wanted))
        .then(|| format!("nginx takes uploads of {limit:?} bytes, and the server of {wanted}"))
}

/// A connection that idles is closed here while a server that stops still answers: the other way round, a request could be on its
/// way when the server closes it, and nginx repeats no POST.
fn idle_connections(nginx: &str, services: &Map<String, Value>, readme: &str) -> Vec<String> {
    let directive = upstream(nginx).and_then(|lines| value(lines, "keepalive_timeout"));
    let kept = directive.map_or(Some(KEEPALIVE_DEFAULT), duration);
    let servers = services.iter().filter(|(_, service)| is_serving(service));
    let too_long = servers.filter_map(|(name, service)| {
        let wait = drain_wait(service, readme);
        let is_shorter = kept.zip(wait).is_some_and(|(kept, wait)| kept < wait);
        (!is_shorter).then(|| {
            format!("nginx keeps an idle connection for {kept:?}, and {name} drains for {wait:?}: that is to be longer")
        })
    });
    too_long.collect()
}

/// How long a server that stops still answers: what the service sets, else what the program does.
fn drain_wait(service: &Value, readme: &str) -> Option<Duration> {
    const NAME: &str = "DRAIN_WAIT_SECONDS";
    let seconds = match &service["environment"][NAME] {
        Value::Null => default(readme, NAME)?.to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    seconds.parse().ok().map(Duration::from_secs)
}

/// A setting's default, from the table that the program's tests hold against the program.
fn default<'a>(readme: &'a str, name: &str) -> Option<&'a str> {
    let begin = format!("| `{name}` | `");
    let row = readme.lines().find_map(|line| line.strip_prefix(&begin))?;
    row.split('`').next()
}

/// The lines of the group of servers.
fn upstream(nginx: &str) -> Option<&str> {
    nginx.split("upstream ").nth(1)?.split('}').next()
}

/// A directive's value; comments have none.
fn value<'a>(lines: &'a str, directive: &str) -> Option<&'a str> {
    let mut values = lines.lines().filter_map(|line| line.trim().strip_prefix(directive)?.strip_prefix(' '));
    values.next()?.split(';').next().map(str::trim)
}

/// One number with its unit, as nginx writes times; without one it is seconds.
fn duration(text: &str) -> Option<Duration> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: u64 = number.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "" | "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number * 60)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NGINX: &str = include_str!("../../../../compose/nginx.conf");
    const README: &str = include_str!("../../../../../README.md");
    const KEPT: &str = "keepalive_timeout 1s;";

    fn services(drain_wait_seconds: &Value) -> Value {
        let mut servers = json!({"backend-1": {"command": ["serve"]}, "backend-2": {"command": ["serve"]}});
        servers["backend-1"]["environment"] = json!({"DRAIN_WAIT_SECONDS": drain_wait_seconds});
        servers
    }

    #[track_caller]
    fn check(nginx: &str, services: &Value, readme: &str, expected: &[&str]) {
        assert_eq!(super::check(nginx, services.as_object().unwrap(), readme), expected);
    }

    #[test]
    fn the_configuration_keeps_to_the_rules() {
        check(NGINX, &services(&Value::Null), README, &[]);
    }

    #[test]
    fn a_server_that_gets_nothing_and_the_admin_port_are_refused() {
        let nginx = NGINX.replace("server backend-2:8080", "server backend-1:8081");
        let expected = ["nginx sends nothing to backend-2", "nginx leads to the port 8081"];
        check(&nginx, &services(&Value::Null), README, &expected);
    }

    #[test]
    fn another_limit_of_uploads_is_refused() {
        let nginx = NGINX.replace("1073741824", "999");
        let refused = r#"nginx takes uploads of Some("999") bytes, and the server of 1073741824"#;
        check(&nginx, &services(&Value::Null), README, &[refused]);
        let readme = README.replace("| `UPLOAD_BYTES_MAX` |", "| `OTHER` |");
        let refused =
            r#"nginx takes uploads of Some("1073741824") bytes, and the server of not in README.md"#;
        check(NGINX, &services(&Value::Null), &readme, &[refused]);
    }

    #[test]
    fn a_connection_that_a_draining_server_may_close_first_is_refused() {
        assert_eq!(NGINX.matches(KEPT).count(), 1);
        let refused = |server: &str, kept: &str, wait: &str| {
            format!(
                "nginx keeps an idle connection for {kept}, and {server} drains for {wait}: that is to be longer"
            )
        };
        let both = |kept: &str| ["backend-1", "backend-2"].map(|server| refused(server, kept, "Some(2s)"));
        let none = services(&Value::Null);
        for (broken, kept) in [
            ("keepalive_timeout 2s;", "Some(2s)"),
            ("keepalive_timeout 3;", "Some(3s)"),
            ("keepalive_timeout 1m;", "Some(60s)"),
            ("keepalive_timeout 1m30s;", "None"),
            // What nginx does by itself. That the server's clients are kept for 75 s is another matter.
            ("", "Some(60s)"),
            ("# keepalive_timeout 1s;", "Some(60s)"),
        ] {
            check(&NGINX.replace(KEPT, broken), &none, README, &both(kept).each_ref().map(String::as_str));
        }
        check(&NGINX.replace(KEPT, "keepalive_timeout 1999ms;"), &none, README, &[]);
        let said = refused("backend-1", "Some(1s)", "Some(1s)");
        check(NGINX, &services(&json!(1)), README, &[&said]);
        check(NGINX, &services(&json!("1")), README, &[&said]);
        let readme = README.replace("| `DRAIN_WAIT_SECONDS` | `2` |", "| `DRAIN_WAIT_SECONDS` | `1` |");
        let expected = ["backend-1", "backend-2"].map(|server| refused(server, "Some(1s)", "Some(1s)"));
        check(NGINX, &none, &readme, &expected.each_ref().map(String::as_str));
    }
}
