//! What building and testing need from the machine: found, or installed where that is one command.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::process;

/// Finds what `up` and `test` need to build the server.
pub(crate) fn prepare_build() -> Result<()> {
    need("cc", "gcc libc6-dev", "a C compiler, which builds SQLite")
}

/// Finds or installs everything the suites use.
pub(crate) fn prepare() -> Result<()> {
    prepare_build()?;
    need("curl", "curl", "curl, which the README's session uses")?;
    prepare_services()?;
    component("fmt", "rustfmt")?;
    component("clippy", "clippy")
}

/// Finds the servers that tests start for themselves.
fn prepare_services() -> Result<()> {
    // Its server's programs are not on the path of Debian, its client's is.
    if !has_postgres() {
        need("initdb", "postgresql", "PostgreSQL, which tests start for themselves")
            .or_else(|missing| if has_postgres() { Ok(()) } else { Err(missing) })?;
    }
    // It is where only root's path leads.
    if !process::is_there("/usr/sbin/pgbouncer", &["--version"]) {
        need("pgbouncer", "pgbouncer", "PgBouncer, which tests start for themselves")?;
    }
    prepare_nginx()?;
    need("redis-server", "redis-server", "Redis, which tests start for themselves")
}

/// Whether PostgreSQL's programs are on the path or where packages put them.
fn has_postgres() -> bool {
    let packaged = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    process::is_there("initdb", &["--version"])
        || packaged.into_iter().any(|version| version.path().join("bin/initdb").is_file())
}

/// Finds what programs from the Python package index need.
pub(crate) fn prepare_python() -> Result<()> {
    need("python3", "python3 python3-venv", "Python, for programs that the suites use")?;
    if !process::is_there("python3", &["-c", "import ensurepip"]) && can_install() {
        let mut install = Command::new("apt-get");
        process::succeed(install.args(["install", "--yes", "--no-install-recommends", "python3-venv"]))?;
    }
    if process::is_there("python3", &["-c", "import ensurepip"]) {
        return Ok(());
    }
    bail!("Python's `venv` is missing. On Debian or Ubuntu: sudo apt-get install python3-venv")
}

/// Finds what builds images.
pub(crate) fn prepare_builder() -> Result<()> {
    need("buildah", "buildah crun", "buildah, which builds the image")
}

/// Finds what runs containers.
pub(crate) fn prepare_containers() -> Result<()> {
    need("podman", "podman crun", "podman, which tries the image")
}

/// What may be missing where it can't be installed, and then has these words. Where it can, its absence is a failure.
pub(crate) fn unless_missing(found: Result<()>) -> Result<Option<String>> {
    judge(found, can_install())
}

fn judge(found: Result<()>, can_install: bool) -> Result<Option<String>> {
    match found {
        Ok(()) => Ok(None),
        Err(missing) if can_install => Err(missing),
        Err(missing) => Ok(Some(format!("{missing:#}"))),
    }
}

/// Where packages put nginx, which is not on the path of every user.
const NGINX: [&str; 2] = ["nginx", "/usr/sbin/nginx"];

/// Finds the proxy of local/compose.yaml, which its suite runs by itself.
pub(crate) fn prepare_nginx() -> Result<&'static str> {
    let found = || NGINX.into_iter().find(|program| process::is_there(program, &["-v"]));
    if found().is_none() && can_install() {
        install("nginx")?;
    }
    found().with_context(|| advice("nginx", "nginx", "the proxy of local/compose.yaml"))
}

/// Finds Prometheus' own tool, which knows whether a query is one.
pub(crate) fn prepare_promtool() -> Result<()> {
    need("promtool", "prometheus", "promtool, which checks queries and tries alerts")
}

/// Finds what fuzzing needs beside.
pub(crate) fn prepare_fuzz() -> Result<()> {
    need("c++", "g++", "a C++ compiler, which builds the fuzzer")
}

/// A program that a Debian package brings.
fn need(program: &str, packages: &str, what: &str) -> Result<()> {
    if process::is_there(program, &["--version"]) {
        return Ok(());
    }
    if can_install() {
        install(packages)?;
    }
    if process::is_there(program, &["--version"]) {
        return Ok(());
    }
    bail!("{}", advice(program, packages, what))
}

/// Installs packages of Debian.
fn install(packages: &str) -> Result<()> {
    println!("installing {packages}");
    let mut update = Command::new("apt-get");
    process::succeed(update.args(["update", "--quiet"]))?;
    let mut install = Command::new("apt-get");
    install.args(["install", "--yes", "--no-install-recommends"]).args(packages.split(' '));
    process::succeed(&mut install)
}

fn advice(program: &str, packages: &str, what: &str) -> String {
    format!(
        "`{program}` is missing: {what}.\n\
         On Debian or Ubuntu: sudo apt-get install {packages}\n\
         On Fedora:           sudo dnf install {}\n\
         On macOS:            xcode-select --install",
        if program == "cc" { "gcc" } else { packages }
    )
}

/// Debian's package tool, as root.
fn can_install() -> bool {
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    root && process::is_there("apt-get", &["--version"])
}

/// A part of the Rust toolchain.
fn component(subcommand: &str, name: &str) -> Result<()> {
    let is_there = || process::is_there("cargo", &[subcommand, "--version"]);
    if is_there() {
        return Ok(());
    }
    if process::is_there("rustup", &["--version"]) {
        println!("installing {name}");
        process::succeed(Command::new("rustup").args(["component", "add", name]))?;
    }
    if is_there() {
        return Ok(());
    }
    bail!("`cargo {subcommand}` is missing. With rustup: rustup component add {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_be_installed_may_be_missing() {
        let missing = || Err(anyhow::anyhow!("`buildah` is missing"));
        assert_eq!(judge(Ok(()), false).unwrap(), None);
        assert_eq!(judge(missing(), false).unwrap().unwrap(), "`buildah` is missing");
        assert_eq!(judge(missing(), true).unwrap_err().to_string(), "`buildah` is missing");
    }

    #[test]
    fn what_is_missing_is_said_with_the_command_that_brings_it() {
        let words = advice("cc", "gcc libc6-dev", "a C compiler, which builds SQLite");
        assert!(words.starts_with("`cc` is missing: a C compiler, which builds SQLite."));
        assert!(words.contains("apt-get install gcc libc6-dev"));
        assert!(words.contains("xcode-select --install"));
    }
}
