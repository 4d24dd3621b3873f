//! buildah and podman, with storage and configuration of their own under the target folder: what the user has there is
//! not touched.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};

use crate::process;

/// What a container may open at most, where the system allows it.
const OPEN_FILES_MAX: u64 = 65_536;
const PROCESSES_MAX: u64 = 4_096;
/// Where a machine with both kinds of control groups has the second one. crun refuses such machines, and needs only one.
const UNIFIED: &str = "/sys/fs/cgroup/unified";
/// Runs crun where it sees the first kind only.
const ONE_KIND: &str = "#!/bin/sh\n\
    # In a view of the mounts that nobody else has.\n\
    exec unshare --mount --propagation slave sh -c 'umount /sys/fs/cgroup/unified && exec crun \"$@\"' crun \"$@\"\n";

/// Builds images and runs containers.
#[derive(Debug)]
pub(super) struct Engine {
    folder: PathBuf,
    /// What runs containers instead of podman's own choice.
    runtime: Option<PathBuf>,
}

impl Engine {
    /// The one whose files are in this folder. What an earlier one left there goes.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let folder = folder.canonicalize().with_context(|| format!("find {}", folder.display()))?;
        let engine = Self { folder, runtime: None };
        engine.write("containers.conf", &engine.configuration())?;
        engine.write("storage.conf", &engine.storage())?;
        let _containers = engine.podman().args(["rm", "--all", "--force", "--time", "0"]).output();
        let _volumes = engine.podman().args(["volume", "rm", "--all", "--force"]).output();
        let _images = engine.podman().args(["rmi", "--all", "--force"]).output();
        Ok(engine)
    }

    /// Its folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn buildah(&self) -> Command {
        self.command("buildah")
    }

    pub(super) fn podman(&self) -> Command {
        let mut podman = self.command("podman");
        if let Some(runtime) = &self.runtime {
            podman.arg("--runtime").arg(runtime);
        }
        podman
    }

    /// Finds out how containers start here, by starting one. The inner result has the words of a machine where none does.
    pub(super) fn find_way(&mut self, image: &str) -> Result<Result<String, String>> {
        let mut why = match self.starts(image)? {
            Ok(()) => return Ok(Ok(format!("podman {}", self.version()?))),
            Err(why) => why,
        };
        if Path::new(UNIFIED).is_dir() {
            let runtime = self.folder.join("crun-one-kind");
            self.write("crun-one-kind", ONE_KIND)?;
            fs::set_permissions(&runtime, fs::Permissions::from_mode(0o755))
                .context("make crun's wrapper a program")?;
            self.runtime = Some(runtime);
            match self.starts(image)? {
                Ok(()) => return Ok(Ok(format!("podman {}, without {UNIFIED}", self.version()?))),
                Err(other) => why = format!("{why}; without {UNIFIED}: {other}"),
            }
        }
        Ok(Err(why))
    }

    /// Whether a container starts, or what podman says of it.
    fn starts(&self, image: &str) -> Result<Result<(), String>> {
        let mut podman = self.podman();
        podman.args(["run", "--rm", "--network=host", "--no-healthcheck", image, "--version"]);
        let output = podman.output().context("start podman")?;
        let words = String::from_utf8_lossy(&output.stderr);
        Ok(if output.status.success() { Ok(()) } else { Err(words.trim().to_owned()) })
    }

    fn version(&self) -> Result<String> {
        let version = printed(self.podman().args(["version", "--format", "{{.Client.Version}}"]))?;
        Ok(version.trim().to_owned())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("CONTAINERS_CONF", self.folder.join("containers.conf"));
        command.env("CONTAINERS_STORAGE_CONF", self.folder.join("storage.conf"));
        command
    }

    /// Limits that this process may hand on, files instead of a journal, nothing shared with the user's podman.
    fn configuration(&self) -> String {
        let files = limit("Max open files").map_or(OPEN_FILES_MAX, |most| most.min(OPEN_FILES_MAX));
        let processes = limit("Max processes").map_or(PROCESSES_MAX, |most| most.min(PROCESSES_MAX));
        let at = |name: &str| self.folder.join(name).display().to_string();
        format!(
            "[containers]\n\
             default_ulimits = [\"nofile={files}:{files}\", \"nproc={processes}:{processes}\"]\n\
             log_driver = \"k8s-file\"\n\
             [engine]\n\
             cgroup_manager = \"cgroupfs\"\n\
             events_logger = \"none\"\n\
             tmp_dir = \"{}\"\n\
             volume_path = \"{}\"\n",
            at("temporary"),
            at("volumes"),
        )
    }

    /// A driver that works on every file system.
    fn storage(&self) -> String {
        let folder = self.folder.display();
        format!("[storage]\ndriver = \"vfs\"\nrunroot = \"{folder}/run\"\ngraphroot = \"{folder}/storage\"\n")
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))
    }
}

/// The most of something that this process may have, as Linux tells it.
fn limit(name: &str) -> Option<u64> {
    most(&fs::read_to_string("/proc/self/limits").ok()?, name)
}

/// The second number of a line of limits.
fn most(limits: &str, name: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// What a command prints, if it succeeds.
pub(super) fn printed(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("start {}", process::line(command)))?;
    succeeded(command, &output)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Fails with what the command said, unless it succeeded.
pub(super) fn succeeded(command: &Command, output: &Output) -> Result<()> {
    if output.status.success() {
        return Ok(());
    }
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    bail!("{} ended with {}:\n{said}{errors}", process::line(command), output.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_the_most_that_may_be_had() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max processes             96364                unlimited            processes \n\
                      Max open files            1024                 20000                files     \n";
        assert_eq!(most(limits, "Max open files"), Some(20_000));
        assert_eq!(most(limits, "Max processes"), None);
    }

    #[test]
    fn a_command_that_fails_is_told_with_its_words() {
        let error = printed(Command::new("sh").args(["-c", "echo no such luck >&2; exit 3"])).unwrap_err();
        assert!(error.to_string().contains("no such luck"), "{error}");
    }
}
