//! `recon config`: the effective configuration, and whether what it names can be used.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use recon_runtime::config::{
    AdminConfig, DrainConfig, MigrateConfig, ServerConfig, SweepConfig, WebConfig, WorkerConfig,
};
use recon_runtime::{Effective, Environment, SettingError, store_config};
use recon_store::{Schema, Store, StoreConfig, Tie};
use serde_json::{Value, json};

use crate::cli::{ConfigArgs, Format};
use crate::report;

/// The exit status when something that is named cannot be used.
const NOT_USABLE: u8 = 1;

/// What became of reaching for something.
pub(crate) struct Check {
    /// What was reached for.
    pub name: &'static str,
    /// What was found, or what is in the way and what to do about it.
    pub found: Result<String, String>,
}

/// Prints every setting, then reaches for what they name; fails when a setting does not read.
pub(crate) fn run(arguments: &ConfigArgs) -> Result<ExitCode> {
    let environment = Environment::of_process();
    let settings = environment.effective();
    let wrong = unreadable(&environment, &settings);
    let checks = match (arguments.no_check, wrong.is_empty()) {
        (false, true) => Some(checks(&store_config(&environment)?)?),
        (true, _) | (_, false) => None,
    };
    match arguments.format.format {
        Format::Json => {
            report::print(&serde_json::to_string_pretty(&document(&settings, checks.as_deref()))?)
        }
        Format::Table => {
            report::print(&report::settings(&settings));
            if let Some(checks) = &checks {
                report::print(&format!("\n{}", report::checks(checks)));
            }
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("; "));
    }
    let all_usable = checks.iter().flatten().all(|check| check.found.is_ok());
    Ok(if all_usable { ExitCode::SUCCESS } else { ExitCode::from(NOT_USABLE) })
}

/// What is wrong with settings: each way in which `recon serve` reads them.
fn unreadable(environment: &Environment, settings: &[Effective]) -> Vec<String> {
    let absent = settings.iter().filter_map(|setting| setting.value.as_ref().err().cloned());
    let mut wrong: Vec<String> = absent.collect();
    let read: [Result<(), SettingError>; 9] = [
        store_config(environment).map(drop),
        ServerConfig::read(environment).map(drop),
        AdminConfig::read(environment).map(drop),
        WebConfig::read(environment).map(drop),
        WorkerConfig::read(environment).map(drop),
        DrainConfig::read(environment).map(drop),
        MigrateConfig::read(environment).map(drop),
        SweepConfig::read(environment).map(drop),
        recon_runtime::start_telemetry(environment),
    ];
    for error in read.into_iter().filter_map(Result::err) {
        let words = error.to_string();
        if !wrong.contains(&words) {
            wrong.push(words);
        }
    }
    wrong
}

fn document(settings: &[Effective], checks: Option<&[Check]>) -> Value {
    let setting = |setting: &Effective| {
        json!({
            "name": setting.name,
            "value": setting.value.as_ref().ok(),
            "error": setting.value.as_ref().err(),
            "default": setting.default,
            "given": setting.given,
            "about": setting.about,
        })
    };
    let check = |check: &Check| {
        json!({
            "name": check.name,
            "ok": check.found.is_ok(),
            "detail": check.found.as_ref().unwrap_or_else(|problem| problem),
        })
    };
    json!({
        "settings": settings.iter().map(setting).collect::<Vec<_>>(),
        "checks": checks.map(|checks| checks.iter().map(check).collect::<Vec<_>>()),
    })
}

fn checks(config: &StoreConfig) -> Result<Vec<Check>> {
    let store = Store::open(config);
    super::in_async(async {
        let database = database(&store).await;
        let objects = objects(&store, config).await;
        store.close().await;
        Ok(vec![Check { name: "database", found: database }, Check { name: "objects", found: objects }])
    })
}

async fn database(store: &Store) -> Result<String, String> {
    match store.check().await {
        Ok(schema @ Schema::Compatible { .. }) => Ok(schema.to_string()),
        Ok(Schema::Older { found: 0, .. }) => {
            Err("there is none yet; `recon migrate` makes it, and on SQLite so does `recon serve`".to_owned())
        }
        Ok(schema @ (Schema::Older { .. } | Schema::Newer { .. })) => Err(schema.to_string()),
        Err(error) => Err(format!("{:#}", anyhow::Error::from(error))),
    }
}

async fn objects(store: &Store, config: &StoreConfig) -> Result<String, String> {
    let usable = async {
        let words = match config.objects.folder() {
            Some(folder) => in_folder(store, folder).await?,
            None => in_bucket(store, config).await?,
        };
        // Without a database it is nobody's yet.
        match store.objects_tie().await {
            Ok(tie @ Tie::Foreign) => bail!("{tie}"),
            Ok(tie @ Tie::Loose) => Ok(format!("{words}; {tie}")),
            Ok(Tie::Ours) | Err(_) => Ok(words),
        }
    };
    usable.await.map_err(|error| format!("{error:#}"))
}

async fn in_folder(store: &Store, folder: &Path) -> Result<String> {
    if !folder.exists() {
        bail!("there is no folder {}; `recon migrate` makes that of a new installation", folder.display());
    }
    read(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let written = store.objects().check().await;
    written.with_context(|| format!("nothing can be written to {}", folder.display()))?;
    Ok("the folder can be read and written".to_owned())
}

async fn in_bucket(store: &Store, config: &StoreConfig) -> Result<String> {
    let who = config.object_access.source()?;
    let checked = store.objects().check().await;
    checked.with_context(|| format!("{} cannot be used, as {who} has it", config.objects))?;
    Ok(format!("the bucket can be written to, as {who} has it"))
}

/// Looks at the first name of a folder.
fn read(folder: &Path) -> std::io::Result<()> {
    std::fs::read_dir(folder)?.next().transpose().map(drop)
}
