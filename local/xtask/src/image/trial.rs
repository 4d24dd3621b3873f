//! What the image does in containers: read-only, without capabilities, as nobody in particular.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::TAG;
use super::engine::{Engine, printed, succeeded};
use super::probe::KNOWN_HOST;
use crate::readme_session::{self, Account};
use crate::workspace;

/// As production runs it: nothing to write to but `/tmp` and the volume.
const RESTRICTED: [&str; 7] = [
    "--read-only",
    "--read-only-tmpfs=false",
    "--tmpfs=/tmp",
    "--user=65532:65532",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    // The image's own, when it is asked for: who would start it by itself is not on every machine.
    "--health-interval=disable",
];
/// Where a server keeps everything when it is alone.
const ALONE: [&str; 3] = [
    "--volume=data:/data",
    "--env=DATABASE_URL=sqlite:///data/recon.db",
    "--env=OBJECT_URL=file:///data/objects",
];
/// What is writable beside the image: memory that the engine gives every container.
const OF_THE_ENGINE: [&str; 2] = ["/dev/mqueue", "/dev/shm"];
/// The other roles beside a server that has stopped, on its volume: how each ends, and what it says.
const ROLES: [Role; 3] = [
    Role { name: "migrate", code: 0, says: "nothing to do" },
    Role { name: "sweep", code: 0, says: "nothing to sweep" },
    // It is refused, which only the program itself does.
    Role { name: "work", code: 2, says: "on a SQLite file `recon serve` is the worker" },
];
const EMAIL: &str = "demo@example.com";
/// How long a server may take until it is healthy.
const START_MAX: Duration = Duration::from_secs(30);
/// How long it may take to stop with nothing to do: what it waits for others, and a little.
const STOP_MAX: Duration = Duration::from_secs(15);
/// When podman kills what does not stop.
const KILL_AFTER_SECONDS: &str = "45";
const POLL: Duration = Duration::from_millis(200);

/// Tries everything, and says in words what was tried.
pub(super) fn run(engine: &Engine) -> Result<String> {
    confinement(engine).context("what a process in the container may do")?;
    defaults(engine).context("the server as the image sets it up")?;
    let stopped = session(engine).context("the session of README.md in the image")?;
    for role in &ROLES {
        role.run(engine).with_context(|| format!("`{}` on the volume of that session", role.name))?;
    }
    Ok(format!(
        "read-only, no capabilities, healthy, the README's session; SIGTERM ended it in {:.1} s; \
         migrate and sweep on its volume, work refused there",
        stopped.as_secs_f64()
    ))
}

/// Also where somebody forgets that the root is to be read-only.
fn confinement(engine: &Engine) -> Result<()> {
    probe(engine, "--read-only=true")?;
    probe(engine, "--read-only=false")
}

fn probe(engine: &Engine, root: &str) -> Result<()> {
    let own = copy_of_this_program()?;
    let mut podman = engine.podman();
    podman.args(["run", "--rm", "--network=none"]).args(RESTRICTED).args(ALONE).arg(root);
    podman.arg(format!("--add-host={KNOWN_HOST}:127.0.0.1"));
    podman.arg(format!("--volume={}:/probe:ro", own.display()));
    podman.args(["--entrypoint=/probe", TAG, "image", "--probe"]);
    let report: Value = serde_json::from_str(&printed(&mut podman)?).context("read what the probe says")?;
    confined(&report).context(root.to_owned())
}

/// The build of everything may have replaced this program's file since it started; what runs is still there.
fn copy_of_this_program() -> Result<PathBuf> {
    let copy = workspace::target()?.join("image/probe");
    fs::copy("/proc/self/exe", &copy).with_context(|| format!("copy this program to {}", copy.display()))?;
    Ok(copy)
}

fn confined(report: &Value) -> Result<()> {
    const NONE: &str = "0000000000000000";
    for (field, wanted) in [
        ("uid", Value::from(65532)),
        ("gid", Value::from(65532)),
        ("capabilities", NONE.into()),
        ("could_gain", NONE.into()),
        ("no_new_privileges", "1".into()),
        // The C library finds other hosts by name with what is in the image.
        ("known_host", "127.0.0.1".into()),
    ] {
        if report[field] != wanted {
            bail!("{field} is {}, and should be {wanted}", report[field]);
        }
    }
    let found = report["writable"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let writable: Vec<&str> = found.filter(|place| !OF_THE_ENGINE.contains(place)).collect();
    if writable != ["/data", "/tmp"] {
        bail!("writable are {writable:?}, and only /data and /tmp should be");
    }
    Ok(())
}

/// The health check asks where the server listens when nobody sets a port, and notices when nobody is there.
fn defaults(engine: &Engine) -> Result<()> {
    let mut run = engine.podman();
    run.args(["run", "--detach", "--name=defaults", "--network=none"]).args(RESTRICTED).args(ALONE).arg(TAG);
    let container = Container::start(engine, "defaults", &mut run)?;
    let elsewhere = ["exec", "--env=PORT=1", "defaults", "/recon", "healthcheck"];
    let asked = engine.podman().args(elsewhere).output().context("start podman")?;
    if asked.status.success() {
        bail!("the health check is content with a port where nobody listens");
    }
    container.stop().map(drop)
}

/// The answer is how long the server took to stop.
fn session(engine: &Engine) -> Result<Duration> {
    let port = free_port()?;
    let mut run = engine.podman();
    run.args(["run", "--detach", "--name=session", "--network=host"]).args(RESTRICTED).args(ALONE);
    // The host's network, so only its own processes are to reach it.
    run.arg("--env=BIND_ADDRESS=127.0.0.1").arg(format!("--env=PORT={port}"));
    run.args(["--env=ADMIN_PORT=0", TAG, "serve"]);
    let container = Container::start(engine, "session", &mut run)?;
    let add = ["user", "add", EMAIL, "--role", "admin", "--workspace", "Demo", "--format", "json"];
    let added = printed(engine.podman().args(["exec", "session", "/recon"]).args(add))?;
    let added: Value = serde_json::from_str(&added).context("read the answer of `recon user add`")?;
    let password = added["password"].as_str().context("`recon user add` told no password")?;
    let account = Account {
        url: format!("http://127.0.0.1:{port}"),
        email: EMAIL.to_owned(),
        password: password.to_owned(),
    };
    if let Err(error) = readme_session::run(&account) {
        bail!("{error:#}\nits log:\n{}", container.log());
    }
    container.stop()
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").context("find a free port")?.local_addr()?.port())
}

/// What the image does when it is given this argument.
struct Role {
    name: &'static str,
    code: i32,
    says: &'static str,
}

impl Role {
    /// Runs it to its end.
    fn run(&self, engine: &Engine) -> Result<()> {
        let mut podman = engine.podman();
        podman.args(["run", "--rm", "--network=none"]).args(RESTRICTED).args(ALONE).args([TAG, self.name]);
        let output = podman.output().context("start podman")?;
        self.ended(output.status.code(), &String::from_utf8_lossy(&[output.stdout, output.stderr].concat()))
    }

    fn ended(&self, code: Option<i32>, words: &str) -> Result<()> {
        if code != Some(self.code) || !words.contains(self.says) {
            bail!("it ended with {code:?}, and should with {}, saying `{}`:\n{words}", self.code, self.says);
        }
        Ok(())
    }
}

/// A running container, removed with this value.
struct Container<'a> {
    engine: &'a Engine,
    name: &'static str,
}

impl<'a> Container<'a> {
    /// Starts it and waits until its own health check passes.
    fn start(engine: &'a Engine, name: &'static str, run: &mut Command) -> Result<Self> {
        let container = Self { engine, name };
        printed(run)?;
        let start = Instant::now();
        loop {
            let mut check = engine.podman();
            let output = check.args(["healthcheck", "run", name]).output().context("start podman")?;
            match succeeded(&check, &output) {
                Ok(()) => return Ok(container),
                Err(error) if start.elapsed() > START_MAX => {
                    bail!("not healthy after {} s: {error:#}\n{}", START_MAX.as_secs(), container.log())
                }
                Err(_) => thread::sleep(POLL),
            }
        }
    }

    /// Sends SIGTERM, and fails unless the process ends by itself, in order and in time.
    fn stop(self) -> Result<Duration> {
        let start = Instant::now();
        printed(self.engine.podman().args(["stop", "--time", KILL_AFTER_SECONDS, self.name]))?;
        let took = start.elapsed();
        let code = ["inspect", "--format", "{{.State.ExitCode}}", self.name];
        let code = printed(self.engine.podman().args(code))?;
        if code.trim() != "0" {
            bail!("SIGTERM ended it with {}:\n{}", code.trim(), self.log());
        }
        if took > STOP_MAX {
            bail!("SIGTERM ended it only after {:.1} s:\n{}", took.as_secs_f64(), self.log());
        }
        Ok(took)
    }

    fn log(&self) -> String {
        let output = self.engine.podman().args(["logs", self.name]).output();
        output.map_or_else(
            |error| error.to_string(),
            |output| String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
        )
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        // One that could not be removed goes when the engine is opened the next time.
        let _ = self.engine.podman().args(["rm", "--force", "--time", "0", self.name]).output();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_role_that_ends_otherwise_is_refused() {
        let [migrate, _, work] = ROLES;
        assert!(migrate.ended(Some(0), "the schema is at version 17, nothing to do").is_ok());
        for (role, code, words) in [
            (&migrate, Some(0), "the schema went from version 0 to 17"),
            (&migrate, Some(2), "nothing to do"),
            (&migrate, None, "nothing to do"),
            // podman's own code, for a program that it could not start.
            (&work, Some(127), "no such file"),
            (&work, Some(2), "DATABASE_URL: expected a URL"),
            (&work, Some(0), work.says),
        ] {
            let refused = role.ended(code, words).unwrap_err().to_string();
            assert!(refused.contains(words) && refused.contains(role.says), "{refused}");
        }
    }

    #[test]
    fn a_container_with_more_than_it_needs_is_refused() {
        let none = "0000000000000000";
        let report = json!({
            "uid": 65532, "gid": 65532, "capabilities": none, "could_gain": none, "no_new_privileges": "1",
            "known_host": "127.0.0.1",
            "writable": ["/data", "/dev/shm", "/tmp"],
        });
        assert!(confined(&report).is_ok());
        for (field, more, refused) in [
            ("uid", json!(0), "uid is 0, and should be 65532"),
            ("could_gain", json!("00000000a80425fb"), "could_gain is"),
            ("no_new_privileges", json!("0"), "no_new_privileges is"),
            ("known_host", Value::Null, "known_host is null"),
            ("writable", json!(["/", "/data", "/tmp"]), r#"writable are ["/", "/data", "/tmp"]"#),
        ] {
            let mut other = report.clone();
            other[field] = more;
            let words = confined(&other).unwrap_err().to_string();
            assert!(words.starts_with(refused), "{words}");
        }
    }
}
