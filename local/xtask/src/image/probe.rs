//! What a process in the container may do. This program is put into the container for it, which has no other.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::net::ToSocketAddrs as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// What belongs to the kernel, not to the image.
const KERNEL: [&str; 2] = ["/proc", "/sys"];

/// A name that the container's list of hosts has.
pub(super) const KNOWN_HOST: &str = "database.example";

/// Prints what the process is and where it can write, as JSON.
pub(super) fn run() -> Result<()> {
    let status = fs::read_to_string("/proc/self/status").context("read the own status")?;
    let mut writable = Vec::new();
    look_through(Path::new("/"), &mut writable);
    writable.sort_unstable();
    let own = fs::metadata("/proc/self").context("ask for the own user")?;
    let report = json!({
        "uid": own.uid(),
        "gid": own.gid(),
        "capabilities": field(&status, "CapEff:"),
        "could_gain": field(&status, "CapBnd:"),
        "no_new_privileges": field(&status, "NoNewPrivs:"),
        "known_host": address(KNOWN_HOST),
        "writable": writable,
    });
    println!("{report}");
    Ok(())
}

/// The first address of a host, found as every program finds it.
fn address(host: &str) -> Option<String> {
    (host, 0).to_socket_addrs().ok()?.next().map(|address| address.ip().to_string())
}

/// A line of the status, whose text comes after the name.
fn field(status: &str, name: &str) -> Value {
    status.lines().find_map(|line| line.strip_prefix(name)).map_or(Value::Null, |text| text.trim().into())
}

/// Adds the folders that take a file, and the files that can be changed.
fn look_through(folder: &Path, writable: &mut Vec<String>) {
    if KERNEL.iter().any(|kernel| folder == Path::new(kernel)) {
        return;
    }
    let trial = folder.join(".recon-probe");
    if OpenOptions::new().write(true).create_new(true).open(&trial).is_ok() {
        // What could be made can be removed.
        let _ = fs::remove_file(&trial);
        writable.push(folder.display().to_string());
    }
    // A folder that cannot be read has taken no file either, or it has and stands in the list.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => look_through(&path, writable),
            Ok(kind) if kind.is_file() && can_change(&path) => writable.push(path.display().to_string()),
            _ => {}
        }
    }
}

/// Opens it for writing and leaves it as it is.
fn can_change(file: &Path) -> bool {
    match OpenOptions::new().append(true).open(file) {
        Ok(_) => true,
        // A program that runs could be changed when it does not.
        Err(error) => error.kind() == ErrorKind::ExecutableFileBusy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_files_that_can_be_written_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join("file"), "x").unwrap();
        let mut writable = Vec::new();
        look_through(folder.path(), &mut writable);
        let paths = [folder.path(), &inner, &inner.join("file")].map(|path| path.display().to_string());
        assert_eq!(writable, paths);
        assert_eq!(fs::read(inner.join("file")).unwrap(), b"x");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the trial is gone");
    }

    #[test]
    fn a_host_is_found_by_its_name() {
        assert_eq!(address("127.0.0.1").as_deref(), Some("127.0.0.1"));
        assert_eq!(address("no such host"), None);
    }

    #[test]
    fn the_status_is_read_by_name() {
        let status = "CapEff:\t0000000000000000\nNoNewPrivs:\t1\n";
        assert_eq!(field(status, "CapEff:"), "0000000000000000");
        assert_eq!(field(status, "NoNewPrivs:"), "1");
        assert_eq!(field(status, "Seccomp:"), Value::Null);
    }
}
