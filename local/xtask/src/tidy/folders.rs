//! What each crate's folder must hold.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::dependencies::{Package, is_function};

const README_LINE: &str = "#![doc = include_str!(\"../README.md\")]";
const LINTS: &str = "[lints]\nworkspace = true";
/// The functions that no client calls. Their libraries are their work, not a router.
const NOT_ROUTED: [&str; 3] = ["migrate", "sweeper", "worker"];
const LIB_LINES_MAX: usize = 50;
const HANDLER_LINES_MAX: usize = 150;
const MAIN_LINES_MAX: usize = 12;

pub(super) fn check(root: &Path, packages: &[Package]) -> Result<Vec<String>> {
    let routes = route_table(&root.join("shared/recon-contract/src"))?;
    let mut complaints = Vec::new();
    for package in packages {
        let folder = root.join(&package.folder);
        complaints.extend(check_manifest(package, &read(&folder.join("Cargo.toml"))?));
        if package.folder.starts_with("shared/") {
            complaints.extend(check_readme(package, &folder)?);
        }
        if is_function(package) {
            complaints.extend(check_function(package, &folder)?);
            complaints.extend(check_route(&package.name, &routes));
        }
    }
    Ok(complaints)
}

fn check_manifest(package: &Package, manifest: &str) -> Option<String> {
    let folder = &package.folder;
    (!manifest.contains(LINTS)).then(|| format!("{folder}/Cargo.toml does not take the workspace's lints"))
}

fn check_readme(package: &Package, folder: &Path) -> Result<Option<String>> {
    let name = &package.folder;
    if !folder.join("README.md").is_file() {
        return Ok(Some(format!("{name} has no README.md")));
    }
    let lib = read(&folder.join("src/lib.rs"))?;
    Ok((!lib.contains(README_LINE)).then(|| format!("{name}/src/lib.rs: its README is not its rustdoc")))
}

fn check_function(package: &Package, folder: &Path) -> Result<Vec<String>> {
    let limits = [("lib.rs", LIB_LINES_MAX), ("handler.rs", HANDLER_LINES_MAX), ("main.rs", MAIN_LINES_MAX)];
    let mut complaints = Vec::new();
    for (file, lines_max) in limits {
        let path = folder.join("src").join(file);
        if NOT_ROUTED.contains(&package.name.as_str()) && file != "main.rs" {
            continue;
        }
        let lines = read(&path)?.lines().count();
        if lines > lines_max {
            complaints
                .push(format!("{}/src/{file} has {lines} lines, more than {lines_max}", package.folder));
        }
    }
    Ok(complaints)
}

fn check_route(name: &str, routes: &str) -> Option<String> {
    let named = routes.contains(&format!("\"{name}\""));
    (!NOT_ROUTED.contains(&name) && !named).then(|| format!("{name} is not in recon-contract's route table"))
}

/// The text of the route table: `route.rs` and what lies in `route/`.
fn route_table(contract: &Path) -> Result<String> {
    let mut text = read(&contract.join("route.rs"))?;
    let mut parts: Vec<PathBuf> = Vec::new();
    if let Ok(entries) = fs::read_dir(contract.join("route")) {
        parts.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
    }
    for part in parts {
        text.push_str(&read(&part)?);
    }
    Ok(text)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with these files, as a package of this folder's name.
    fn folder(name: &str, files: &[(&str, &str)]) -> (tempfile::TempDir, Package) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        for (file, text) in files {
            fs::write(folder.path().join(file), text).unwrap();
        }
        (folder, Package { folder: name.to_owned(), ..Package::default() })
    }

    #[test]
    fn a_shared_crate_without_readme_is_refused() {
        let (path, package) = folder("shared/recon-x", &[("src/lib.rs", README_LINE)]);
        let complaint = check_readme(&package, path.path()).unwrap().unwrap();
        assert_eq!(complaint, "shared/recon-x has no README.md");
    }

    #[test]
    fn a_readme_that_is_not_the_rustdoc_is_refused() {
        let (path, package) = folder("shared/recon-x", &[("src/lib.rs", "//! X.\n"), ("README.md", "# X\n")]);
        let complaint = check_readme(&package, path.path()).unwrap().unwrap();
        assert_eq!(complaint, "shared/recon-x/src/lib.rs: its README is not its rustdoc");
    }

    #[test]
    fn a_long_main_is_refused() {
        let long = "//\n".repeat(MAIN_LINES_MAX + 1);
        let files = [("src/lib.rs", "//! X.\n"), ("src/handler.rs", "//! X.\n"), ("src/main.rs", &long)];
        let (path, package) = folder("functions/x", &files);
        let complaints = check_function(&package, path.path()).unwrap();
        assert_eq!(complaints, ["functions/x/src/main.rs has 13 lines, more than 12"]);
    }

    #[test]
    fn the_worker_has_no_handler_and_may_have_a_longer_library() {
        let long = "//\n".repeat(LIB_LINES_MAX + 1);
        let files = [("src/lib.rs", long.as_str()), ("src/main.rs", "//! X.\n")];
        let (path, mut package) = folder("functions/worker", &files);
        assert!(check_function(&package, path.path()).is_err());
        package.name = NOT_ROUTED[0].to_owned();
        assert!(check_function(&package, path.path()).unwrap().is_empty());
    }

    #[test]
    fn a_function_that_no_route_names_is_refused() {
        let routes = "function: \"health\",";
        assert_eq!(check_route("health", routes), None);
        assert!(NOT_ROUTED.iter().all(|name| check_route(name, routes).is_none()));
        assert_eq!(check_route("match", routes).unwrap(), "match is not in recon-contract's route table");
    }

    #[test]
    fn a_manifest_without_the_workspace_lints_is_refused() {
        let package = Package { folder: "shared/recon-x".to_owned(), ..Package::default() };
        assert_eq!(check_manifest(&package, "[package]\n\n[lints]\nworkspace = true\n"), None);
        assert!(check_manifest(&package, "[package]\n").is_some());
    }
}
