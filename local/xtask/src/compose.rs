//! local/compose.yaml: held against its schema and our own rules, run without containers by the suite `compose`, and with them
//! by `cargo xtask compose-test`.

mod containers;
mod files;
mod once;
mod proxy;
mod rules;
mod without;

use std::path::Path;

use anyhow::Result;

use crate::{setup, workspace};

/// The stack.
const COMPOSE: &str = "local/compose.yaml";
/// The proxy's configuration, the same with and without containers.
const NGINX: &str = "local/compose/nginx.conf";
/// What Prometheus asks.
const PROMETHEUS: &str = "local/compose/prometheus.yml";

/// With containers.
pub(crate) fn run() -> Result<()> {
    println!("{}", containers::run()?);
    Ok(())
}

/// Without.
pub(crate) fn suite(_: &Path) -> Result<String> {
    let folder = workspace::target()?.join("suites/compose");
    let checked = files::check()?;
    let nginx = setup::prepare_nginx()?;
    once::run(nginx, &folder.join("once"))?;
    let ran = without::run(nginx, &folder.join("stack"))?;
    Ok(format!("{checked}; {ran}"))
}
