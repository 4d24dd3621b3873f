//! `cargo xtask tidy`: rules that the compiler does not check, each failure in words.

mod dependencies;
mod folders;
mod sources;

use anyhow::{Result, bail};

use crate::workspace;

pub(crate) fn run() -> Result<()> {
    let root = workspace::root();
    let metadata = workspace::metadata()?;
    let packages = dependencies::packages(&metadata);
    let mut complaints = dependencies::check(&packages);
    complaints.extend(folders::check(&root, &packages)?);
    complaints.extend(sources::check(&root)?);
    if !complaints.is_empty() {
        bail!("complaints, {} of them:\n  {}", complaints.len(), complaints.join("\n  "));
    }
    println!("tidy: nothing to complain about in {} crates", packages.len());
    Ok(())
}
