//! `cargo xtask image`: the image, built without a registry and tried where containers can run.

mod build;
mod engine;
mod probe;
mod trial;

use std::path::Path;

use anyhow::{Result, bail};
use clap::Args;

use self::engine::Engine;
use crate::{bench, process, setup, workspace};

/// The last stage of this file is what the image is; its other stages make what goes into it.
const DOCKERFILE: &str = "infra/images/Dockerfile";
/// What the image is called among those of [`Engine`].
const TAG: &str = concat!("localhost/reconciliation-platform:", env!("CARGO_PKG_VERSION"));

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Build the image, and run nothing in it.
    #[arg(long)]
    no_run: bool,
    /// What the image is tried with from inside. Not for people.
    #[arg(long, hide = true)]
    probe: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.probe {
        return probe::run();
    }
    setup::prepare_build()?;
    process::succeed(&mut bench::build())?;
    println!("{}", made(arguments.no_run)?);
    Ok(())
}

/// The suite: it takes the program that the suite `release` built.
pub(crate) fn suite(_: &Path) -> Result<String> {
    made(false)
}

/// Builds the image, tries it, and says what was done and what was left out.
fn made(no_run: bool) -> Result<String> {
    if !cfg!(target_os = "linux") {
        return Ok("left out: an image holds programs for Linux, and those are built on Linux".to_owned());
    }
    if let Some(missing) = setup::unless_missing(setup::prepare_builder())? {
        return Ok(format!("left out: {missing}"));
    }
    let recon = bench::binary()?;
    if !recon.is_file() {
        bail!("{} is missing: `cargo xtask image` builds it first", recon.display());
    }
    let mut engine = Engine::open(&workspace::target()?.join("image"))?;
    let built = build::image(&engine, &recon)?;
    build::check(&engine)?;
    if no_run {
        return Ok(format!("{built}; not run, as asked"));
    }
    if let Some(missing) = setup::unless_missing(setup::prepare_containers())? {
        return Ok(format!("{built}; NOT RUN: {missing}"));
    }
    match engine.find_way(TAG)? {
        Err(why) => Ok(format!("{built}; NOT RUN, no container starts on this machine: {why}")),
        Ok(way) => trial::run(&engine).map(|tried| format!("{built}; {way}: {tried}")),
    }
}
