//! The command line around its commands: configuration, health, completions, help, pipes.

use std::io::Read as _;
use std::process::{Command, Output, Stdio};

use recon_testkit::{Folder, Server};
use serde_json::Value;

use crate::program::{Program, until};
use crate::support::{demo_folder, only_on_sqlite, printed, recon, said};

fn with(folder: &Folder, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = folder.command("recon").unwrap();
    command.args(arguments).envs(variables.iter().copied()).output().unwrap()
}

/// The detail of a check that did not succeed, or nothing.
fn failed(document: &Value, name: &str) -> Option<String> {
    let checks = document["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name).unwrap();
    (check["ok"] == false).then(|| check["detail"].as_str().unwrap().to_owned())
}

#[test]
fn config_reaches_for_what_it_names() {
    if only_on_sqlite("it breaks the file") {
        return;
    }
    let folder = Folder::new().unwrap();
    let config = || {
        let output = recon(&folder, &["config", "--format", "json"]).unwrap();
        (output.status.code(), serde_json::from_slice::<Value>(&output.stdout).unwrap())
    };
    let (code, before) = config();
    assert_eq!(code, Some(1), "{before}");
    assert!(failed(&before, "database").unwrap().contains("`recon migrate`"), "{before}");
    assert!(failed(&before, "objects").unwrap().contains("no folder"), "{before}");
    assert!(!folder.path().join("objects").exists(), "looking makes nothing");

    folder.recon(&["migrate"]).unwrap();
    let (code, after) = config();
    assert_eq!(
        (code, failed(&after, "database"), failed(&after, "objects")),
        (Some(0), None, None),
        "{after}"
    );
    let table = recon(&folder, &["config"]).unwrap();
    assert!(printed(&table).contains("serves this build"), "{}", printed(&table));

    // A file where the folder should be, and something else where the database should be.
    std::fs::remove_dir_all(folder.path().join("objects")).unwrap();
    std::fs::write(folder.path().join("objects"), "").unwrap();
    std::fs::write(
        folder.path().join("recon.sqlite"),
        "this is no database, and long enough to be looked at",
    )
    .unwrap();
    let (code, broken) = config();
    assert_eq!(code, Some(1), "{broken}");
    assert!(failed(&broken, "database").is_some() && failed(&broken, "objects").is_some(), "{broken}");

    let unchecked = recon(&folder, &["config", "--no-check", "--format", "json"]).unwrap();
    assert_eq!(unchecked.status.code(), Some(0));
    let unchecked: Value = serde_json::from_slice(&unchecked.stdout).unwrap();
    assert_eq!(unchecked["checks"], Value::Null);
    assert!(unchecked["settings"].as_array().unwrap().iter().any(|setting| setting["name"] == "PORT"));
}

#[test]
fn config_refuses_what_does_not_read_and_shows_no_secret() {
    let folder = Folder::new().unwrap();
    for (name, value) in [
        ("PORT", "eighty"),
        ("BIND_ADDRESS", "here"),
        ("LOG", "recon=loud"),
        ("WORKER_CONCURRENCY", "0"),
        ("RETENTION_DAYS", "soon"),
        ("DATABASE_URL", "mysql://app:hunter2@db/recon"),
        ("DATABASE_URL", "postgres://app:hunter2@db:port/recon"),
        ("OBJECT_URL", "s3://app:hunter2@bucket"),
    ] {
        for format in ["table", "json"] {
            let output = with(&folder, &["config", "--format", format], &[(name, value)]);
            assert_eq!(output.status.code(), Some(2), "{name}: {}", said(&output));
            assert!(said(&output).contains(name), "{name}: {}", said(&output));
            assert!(!printed(&output).contains("hunter2") && !said(&output).contains("hunter2"), "{name}");
        }
    }
}

#[test]
fn config_says_that_a_server_is_not_there_and_shows_no_password() {
    let folder = Folder::new().unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("postgres://app:hunter2@{closed}/recon");
    let output = with(&folder, &["config"], &[("DATABASE_URL", &url)]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(printed(&output).contains("database unavailable"), "{}", printed(&output));
    assert!(!printed(&output).contains("hunter2") && !said(&output).contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthcheck_says_whether_the_server_runs() {
    let folder = Folder::new().unwrap();
    let server = Server::start(&folder).await.unwrap();
    let port = server.port().unwrap().to_string();
    let check = |variables: &[(&str, &str)]| with(&folder, &["healthcheck"], variables);
    // A server that listens everywhere is asked where it surely is; a proxy has no say in that.
    for address in ["127.0.0.1", "0.0.0.0"] {
        let proxy = ("HTTP_PROXY", "http://127.0.0.1:1");
        let healthy = check(&[("PORT", &port), ("BIND_ADDRESS", address), proxy]);
        assert_eq!(healthy.status.code(), Some(0), "{}", said(&healthy));
        assert_eq!(printed(&healthy).lines().count(), 1, "{}", printed(&healthy));
    }
    server.kill().unwrap();
    for (port, words) in
        [(port.as_str(), "does not answer"), ("0", "PORT is 0"), ("eighty", "PORT: expected")]
    {
        let unhealthy = check(&[("PORT", port)]);
        assert_eq!(unhealthy.status.code(), Some(1), "{}", said(&unhealthy));
        assert!(said(&unhealthy).contains(words), "{}", said(&unhealthy));
        assert_eq!(said(&unhealthy).lines().count(), 1, "{}", said(&unhealthy));
    }
    // Something else answers there, and says nothing at all.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let unhealthy = check(&[("PORT", &silent.local_addr().unwrap().port().to_string())]);
    assert_eq!(unhealthy.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthcheck_of_the_admin_port_knows_workers_too() {
    let folder = Folder::new().unwrap();
    folder.recon(&["migrate"]).unwrap();
    let worker = Program::spawn(&folder, folder.command("worker").unwrap(), 0);
    until("a worker that answers", async || worker.admin_ready().await.is_some()).await;
    let check = |port: &str| with(&folder, &["healthcheck", "--admin"], &[("ADMIN_PORT", port)]);
    let port = worker.admin_port().to_string();
    let healthy = check(&port);
    assert_eq!(healthy.status.code(), Some(0), "{}", said(&healthy));
    assert_eq!(printed(&healthy).lines().count(), 1, "{}", printed(&healthy));
    drop(worker);
    for (port, words) in [
        (port.as_str(), "does not answer"),
        ("off", "ADMIN_PORT is `off`"),
        ("0", "ADMIN_PORT is 0"),
        ("many", "ADMIN_PORT: expected"),
    ] {
        let unhealthy = check(port);
        assert_eq!(unhealthy.status.code(), Some(1), "{}", said(&unhealthy));
        assert!(said(&unhealthy).contains(words), "{}", said(&unhealthy));
    }
}

#[test]
fn every_shell_is_completed() {
    let folder = Folder::new().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = folder.recon(&["completions", shell]).unwrap();
        for word in ["push", "healthcheck", "max-breaks"] {
            assert!(script.contains(word), "{shell} knows no {word}");
        }
    }
    let script = folder.recon(&["completions", "bash"]).unwrap();
    let path = folder.path().join("completions.bash");
    std::fs::write(&path, script).unwrap();
    assert!(Command::new("bash").arg("-n").arg(&path).status().unwrap().success(), "bash reads it");
}

#[test]
fn every_command_has_examples_and_names_its_neighbours() {
    let folder = Folder::new().unwrap();
    let commands = folder.recon(&["--help"]).unwrap();
    let listed = commands.lines().skip_while(|line| *line != "Commands:").skip(1);
    let words = listed.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("    "));
    let names: Vec<&str> = words.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() >= 9, "{names:?}");
    for name in names.into_iter().filter(|name| *name != "help") {
        let mut command = vec![name];
        // Some have commands below them, which have the examples.
        let help = folder.recon(&[name, "--help"]).unwrap();
        if let Some(below) = help.split_once("Commands:\n").map(|(_, below)| below) {
            command.extend(below.split_whitespace().next());
        }
        command.push("--help");
        let help = folder.recon(&command).unwrap();
        assert!(help.contains("EXAMPLES\n  "), "{command:?}: {help}");
    }
    let mistyped = recon(&folder, &["matsch"]).unwrap();
    assert_eq!(mistyped.status.code(), Some(2));
    assert!(said(&mistyped).contains("'match'"), "{}", said(&mistyped));
}

#[test]
fn a_file_that_is_not_there_is_told_with_one_that_can_be_meant() {
    let folder = Folder::new().unwrap();
    let demo = demo_folder();
    let file = |name: &str| demo.join(name).to_str().unwrap().to_owned();
    let run = |left: &str, format: &str| {
        let (right, rules) = (file("ledger.csv"), file("rules.toml"));
        recon(&folder, &["match", left, &right, "--rules", &rules, "--format", format]).unwrap()
    };
    let near = run(&file("bnak.csv"), "table");
    assert_eq!(near.status.code(), Some(2));
    assert!(said(&near).contains("no such file; did you mean") && said(&near).contains("bank.csv?"));
    let far = run(&file("something-else.parquet"), "table");
    assert!(said(&far).ends_with("no such file\n"), "{}", said(&far));
    let lost = run("nowhere/bank.csv", "json");
    assert_eq!(lost.status.code(), Some(2));
    let error: Value = serde_json::from_str(&said(&lost)).unwrap();
    assert!(error["error"]["detail"].as_str().unwrap().contains("no folder nowhere"), "{error}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = Folder::new().unwrap();
    let demo = demo_folder();
    let file = |name: &str| demo.join(name).to_str().unwrap().to_owned();
    let (left, right, rules) = (file("bank.csv"), file("ledger.csv"), file("rules.toml"));
    for arguments in [
        vec!["completions", "bash"],
        vec!["--help"],
        vec!["config", "--no-check"],
        vec!["match", &left, &right, "--rules", &rules],
    ] {
        // Both ends that it could speak to are gone before it speaks.
        let mut command = folder.command("recon").unwrap();
        command.args(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        drop(child.stderr.take());
        let status = child.wait().unwrap();
        assert!([Some(0), Some(1)].contains(&status.code()), "{arguments:?}: {status}");
    }
    // Only standard output is gone: nothing is said about that.
    let mut command = folder.command("recon").unwrap();
    let mut child =
        command.args(["completions", "zsh"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut words = String::new();
    child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
    assert_eq!((child.wait().unwrap().code(), words.as_str()), (Some(0), ""));
}
