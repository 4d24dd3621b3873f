//! Builds the image of the Dockerfile's last stage, from a program that is there already.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::engine::{Engine, printed};
use super::{DOCKERFILE, TAG};
use crate::workspace;

/// Where the last stage takes its files from.
const FROM_BUILD: &str = "--from=build ";
/// Where machines keep those who vouch for certificates, and where the image does.
const VOUCHERS: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];

/// Builds it, and says how large it is.
pub(super) fn image(engine: &Engine, recon: &Path) -> Result<String> {
    let context = engine.folder().join("context");
    if context.exists() {
        fs::remove_dir_all(&context).with_context(|| format!("empty {}", context.display()))?;
    }
    let libraries = fill(&context, recon)?;
    let stage = engine.folder().join("Dockerfile");
    fs::write(&stage, last_stage(&dockerfile()?)?).with_context(|| format!("write {}", stage.display()))?;
    let mut build = engine.buildah();
    build.args(["build", "--quiet", "--format=docker", "--layers=false", "--tag", TAG, "--file"]);
    printed(build.arg(&stage).arg(&context))?;
    let size = printed(engine.buildah().args(["images", "--format", "{{.Size}}", TAG]))?;
    Ok(format!("{TAG}, {}, {libraries} shared libraries", size.trim()))
}

/// What the Dockerfile's stage `build` ends with: the program, its libraries, certificates, folders. The answer is the
/// number of libraries.
fn fill(context: &Path, recon: &Path) -> Result<usize> {
    let root = context.join("image");
    let temporary = root.join("tmp");
    for folder in [&temporary, &context.join("data")] {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    }
    copy(recon, &root.join("recon"))?;
    let libraries = libraries(&printed(Command::new("ldd").arg(recon))?);
    for library in &libraries {
        copy(library, &inside(&root, library)?)?;
    }
    let vouchers = VOUCHERS.iter().map(Path::new).find(|path| path.is_file());
    let vouchers = vouchers.context("this machine has no certificates: install ca-certificates")?;
    copy(vouchers, &inside(&root, Path::new(VOUCHERS[0]))?)?;
    open(&root)?;
    fs::set_permissions(&temporary, fs::Permissions::from_mode(0o1777))
        .context("let everybody write to /tmp")?;
    Ok(libraries.len())
}

/// The files that `ldd` names: one a line, the loader among them.
fn libraries(lines: &str) -> Vec<PathBuf> {
    let words = lines.lines().filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')));
    words.map(PathBuf::from).collect()
}

fn inside(root: &Path, path: &Path) -> Result<PathBuf> {
    let below = path.strip_prefix("/").with_context(|| format!("{} is not a full path", path.display()))?;
    Ok(root.join(below))
}

/// Lets everybody read and run what is in a folder, whatever the mask of whoever builds here.
fn open(path: &Path) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("open {} to readers", path.display()))?;
    if path.is_dir() {
        for entry in fs::read_dir(path).with_context(|| format!("list {}", path.display()))? {
            open(&entry.with_context(|| format!("list {}", path.display()))?.path())?;
        }
    }
    Ok(())
}

/// A copy of what a path leads to.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let folder = to.parent().context("a file is in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    fs::copy(from, to).with_context(|| format!("copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

fn dockerfile() -> Result<String> {
    fs::read_to_string(workspace::root().join(DOCKERFILE)).with_context(|| format!("read {DOCKERFILE}"))
}

/// The last stage, which takes its files from the context instead of the stage before it.
fn last_stage(dockerfile: &str) -> Result<String> {
    let stage = dockerfile.rfind("\nFROM scratch\n").map(|start| &dockerfile[start + 1..]);
    let stage = stage.filter(|stage| !stage.contains("\nFROM ") && !stage.contains("\nRUN "));
    let stage = stage.with_context(|| format!("{DOCKERFILE} does not end with a stage that only copies"))?;
    Ok(stage.replace(FROM_BUILD, ""))
}

/// Holds the image against what manifests and compose files expect of it.
pub(super) fn check(engine: &Engine) -> Result<()> {
    let told = printed(engine.buildah().args(["inspect", "--type", "image", TAG]))?;
    let image: Value = serde_json::from_str(&told).context("read what buildah tells of the image")?;
    differences(&image["Docker"]["config"])
}

/// The configuration is that of Docker's format, in which it was built.
fn differences(config: &Value) -> Result<()> {
    let variables = ["BIND_ADDRESS=0.0.0.0", "PORT=8080", "ADMIN_PORT=8081", "LOG_FORMAT=json"];
    let set: Vec<&str> = config["Env"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if let Some(missing) = variables.iter().find(|variable| !set.contains(variable)) {
        bail!("the image does not set {missing}, it has {set:?}");
    }
    let version = env!("CARGO_PKG_VERSION");
    for (pointer, wanted) in [
        ("/User", json!("65532:65532")),
        ("/Entrypoint", json!(["/recon"])),
        ("/Cmd", json!(["serve"])),
        ("/StopSignal", json!("SIGTERM")),
        ("/ExposedPorts", json!({"8080/tcp": {}, "8081/tcp": {}})),
        ("/Labels/org.opencontainers.image.title", json!("reconciliation-platform")),
        ("/Labels/org.opencontainers.image.version", json!(version)),
        ("/Labels/org.opencontainers.image.licenses", json!("MIT OR Apache-2.0")),
        ("/Healthcheck/Test", json!(["CMD", "/recon", "healthcheck"])),
    ] {
        let found = config.pointer(pointer).unwrap_or(&Value::Null);
        if *found != wanted {
            bail!("the image has {found} at {pointer}, and should have {wanted}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_stage_needs_nothing_but_the_context() {
        let stage = last_stage(&dockerfile().unwrap()).unwrap();
        assert!(stage.starts_with("FROM scratch\n") && !stage.contains("--from"), "{stage}");
        assert!(stage.contains("\nCOPY --chown=0:0 /image /\n"), "{stage}");
    }

    #[test]
    fn a_last_stage_that_runs_something_is_refused() {
        assert!(last_stage("FROM a AS build\n\nFROM scratch\nCOPY x /\n").is_ok());
        assert!(last_stage("FROM a AS build\n\nFROM scratch\nRUN x\n").is_err());
        assert!(last_stage("FROM a AS build\n\nFROM scratch\nCOPY x /\nFROM b\n").is_err());
    }

    #[test]
    fn the_version_on_the_label_is_the_workspace_s() {
        let label = format!("org.opencontainers.image.version=\"{}\"", env!("CARGO_PKG_VERSION"));
        assert!(dockerfile().unwrap().contains(&label), "{DOCKERFILE} has no {label}");
    }

    #[test]
    fn libraries_are_the_paths_of_ldd() {
        let lines = "\tlinux-vdso.so.1 (0x00007ffd)\n\
                     \tlibgcc_s.so.1 => /lib/x86_64-linux-gnu/libgcc_s.so.1 (0x00007f4c)\n\
                     \t/lib64/ld-linux-x86-64.so.2 (0x00007f4d)\n";
        let found = libraries(lines);
        let wanted = ["/lib/x86_64-linux-gnu/libgcc_s.so.1", "/lib64/ld-linux-x86-64.so.2"];
        assert_eq!(found, wanted.map(PathBuf::from));
    }

    #[test]
    fn an_image_that_runs_as_root_is_refused() {
        let mut config = json!({
            "User": "65532:65532", "Entrypoint": ["/recon"], "Cmd": ["serve"], "StopSignal": "SIGTERM",
            "ExposedPorts": {"8080/tcp": {}, "8081/tcp": {}},
            "Env": ["PATH=/bin", "BIND_ADDRESS=0.0.0.0", "PORT=8080", "ADMIN_PORT=8081", "LOG_FORMAT=json"],
            "Labels": {
                "org.opencontainers.image.title": "reconciliation-platform",
                "org.opencontainers.image.version": env!("CARGO_PKG_VERSION"),
                "org.opencontainers.image.licenses": "MIT OR Apache-2.0",
            },
            "Healthcheck": {"Test": ["CMD", "/recon", "healthcheck"]},
        });
        assert!(differences(&config).is_ok());
        config["User"] = json!("");
        let refused = differences(&config).unwrap_err().to_string();
        assert_eq!(refused, r#"the image has "" at /User, and should have "65532:65532""#);
    }
}
