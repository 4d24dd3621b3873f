//! The overlays as kustomize renders them, and as they are committed.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{process, workspace};

const OVERLAYS: &str = "infra/k8s/overlays";
const COMPONENTS: &str = "infra/k8s/components";
const RENDERED: &str = "infra/k8s/rendered";
/// Combinations of components that no overlay has. They are checked and not committed.
const VARIANTS: &str = "local/xtask/fixtures/manifests/variants";
/// The namespace, which is applied before everything else.
pub(crate) const NAMESPACE_FILE: &str = "infra/k8s/namespace.yaml";
const HINT: &str = "`cargo xtask manifests --write` renders it again";

/// An overlay and what it renders to.
#[derive(Debug, Clone)]
pub(crate) struct Rendered {
    pub(crate) name: String,
    pub(crate) text: String,
    /// Where it is committed; `None` for a combination that is only checked.
    pub(crate) committed: Option<PathBuf>,
}

/// All overlays, and the combinations that are only checked.
pub(super) fn all(kubectl: &Path) -> Result<Vec<Rendered>> {
    let mut rendered = overlays(kubectl)?;
    for folder in folders(&workspace::root().join(VARIANTS))? {
        rendered.push(Rendered { name: name(&folder), text: kustomize(kubectl, &folder)?, committed: None });
    }
    Ok(rendered)
}

/// All overlays, sorted by name.
pub(crate) fn overlays(kubectl: &Path) -> Result<Vec<Rendered>> {
    let root = workspace::root();
    let mut rendered = Vec::new();
    for folder in folders(&root.join(OVERLAYS))? {
        let name = name(&folder);
        let committed = Some(root.join(RENDERED).join(format!("{name}.yaml")));
        rendered.push(Rendered { text: kustomize(kubectl, &folder)?, name, committed });
    }
    if rendered.is_empty() {
        bail!("{OVERLAYS} holds no overlay");
    }
    Ok(rendered)
}

/// The components that neither an overlay nor a combination has, and so nothing checks.
pub(super) fn unchecked() -> Result<Vec<String>> {
    let root = workspace::root();
    let components = folders(&root.join(COMPONENTS))?;
    let mut text = String::new();
    let overlays = [folders(&root.join(OVERLAYS))?, folders(&root.join(VARIANTS))?].concat();
    for folder in overlays.iter().chain(&components) {
        let file = folder.join("kustomization.yaml");
        text.push_str(&fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?);
    }
    let names = components.iter().map(|folder| name(folder));
    let missing = names.filter(|name| !is_listed(&text, name));
    Ok(missing
        .map(|name| format!("{COMPONENTS}/{name} is in no overlay, and in none of {VARIANTS}"))
        .collect())
}

/// Whether a kustomization lists a component, by a path that ends in its name.
fn is_listed(text: &str, name: &str) -> bool {
    let ending = format!("/{name}");
    text.lines().any(|line| line.trim_start().starts_with("- ") && line.trim_end().ends_with(&ending))
}

/// The folders with a kustomization, sorted.
fn folders(parent: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(parent).with_context(|| format!("list {}", parent.display()))?;
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("list {}", parent.display()))?.path();
        if path.join("kustomization.yaml").is_file() {
            folders.push(path);
        }
    }
    folders.sort_unstable();
    Ok(folders)
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The version of kustomize is that of the pinned kubectl, so that everybody renders the same.
fn kustomize(kubectl: &Path, folder: &Path) -> Result<String> {
    let mut command = Command::new(kubectl);
    command.arg("kustomize").arg(folder).stdin(Stdio::null());
    let output = command.output().with_context(|| format!("start {}", process::line(&command)))?;
    let words = String::from_utf8_lossy(&output.stderr);
    // What kustomize warns about will be an error one day.
    if !output.status.success() || !words.trim().is_empty() {
        bail!("{}: {}", folder.display(), words.trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{}: not text", folder.display()))
}

/// Writes what is committed, and removes what no overlay is behind.
pub(super) fn write(rendered: &[Rendered]) -> Result<()> {
    let folder = workspace::root().join(RENDERED);
    fs::create_dir_all(&folder).with_context(|| format!("create {RENDERED}"))?;
    for entry in fs::read_dir(&folder).with_context(|| format!("list {RENDERED}"))? {
        let path = entry.with_context(|| format!("list {RENDERED}"))?.path();
        if !rendered.iter().any(|overlay| overlay.committed.as_ref() == Some(&path)) {
            fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
        }
    }
    for overlay in rendered {
        if let Some(path) = &overlay.committed {
            fs::write(path, &overlay.text).with_context(|| format!("write {}", path.display()))?;
        }
    }
    Ok(())
}

/// The difference to what is committed, as `diff` shows it.
pub(super) fn compare(overlay: &Rendered) -> Result<Option<String>> {
    let Some(path) = &overlay.committed else { return Ok(None) };
    let found = fs::read_to_string(path).unwrap_or_default();
    if found == overlay.text {
        return Ok(None);
    }
    let place = format!("{RENDERED}/{}.yaml", overlay.name);
    if found.is_empty() {
        return Ok(Some(format!("{place} is not there: {HINT}")));
    }
    let difference = difference(path, &overlay.text)?;
    Ok(Some(format!("{place} is not what {OVERLAYS}/{} renders to: {HINT}\n{difference}", overlay.name)))
}

fn difference(committed: &Path, rendered: &str) -> Result<String> {
    let mut command = Command::new("diff");
    command.args(["-u", "--label", "committed", "--label", "rendered"]).arg(committed).arg("-");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().context("start diff")?;
    let mut input = child.stdin.take().context("diff takes no input")?;
    let text = rendered.to_owned();
    // Beside the reading below, or both ends wait for each other.
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().context("wait for diff")?;
    // It may have ended before it read everything.
    let _ = writer.join();
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_listed_by_a_path_that_ends_in_its_name() {
        let text = "components:\n  - ../../components/ingress-alb\n# ../../components/ingress-nginx\n";
        assert!(is_listed(text, "ingress-alb"));
        assert!(!is_listed(text, "alb") && !is_listed(text, "ingress-nginx"));
    }

    #[test]
    fn a_rendering_that_changed_is_shown_line_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dev.yaml");
        let overlay = |text: &str| Rendered {
            name: "dev".to_owned(),
            text: text.to_owned(),
            committed: Some(path.clone()),
        };
        assert!(compare(&overlay("a: 1\n")).unwrap().unwrap().contains("is not there"));
        fs::write(&path, "a: 1\n").unwrap();
        assert_eq!(compare(&overlay("a: 1\n")).unwrap(), None);
        let words = compare(&overlay("a: 2\n")).unwrap().unwrap();
        assert!(words.contains("\n-a: 1\n+a: 2\n") && words.contains("--write"), "{words}");
        let variant = Rendered { committed: None, ..overlay("a: 3\n") };
        assert_eq!(compare(&variant).unwrap(), None);
    }
}
