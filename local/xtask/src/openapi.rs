//! `cargo xtask openapi`: writes the OpenAPI document and the page that shows it, or checks that they are what the
//! code says.

mod html;
mod markdown;
mod operations;
mod page;
mod schemas;

use std::fs;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{process, workspace};

/// Where the document and the page are kept, from the root.
const DOCUMENT: &str = "shared/recon-contract/openapi.json";
const PAGE: &str = "functions/openapi/src/docs.html";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Writes nothing; fails when a file is not what the code says.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let document = document()?;
    let page = page::page(&serde_json::from_str(&document).context("parse the document")?);
    for (name, made) in [(DOCUMENT, document), (PAGE, page)] {
        let path = workspace::root().join(name);
        let kept = fs::read_to_string(&path).unwrap_or_default();
        match (kept == made, arguments.check) {
            (true, _) => println!("{name} is up to date"),
            (false, true) => {
                bail!("{name} is out of date: run `cargo xtask openapi` and commit what it writes")
            }
            (false, false) => {
                fs::write(&path, made).with_context(|| format!("write {}", path.display()))?;
                println!("wrote {name}");
            }
        }
    }
    Ok(())
}

/// What `recon-contract` says. Another process makes it, so that this one is built without what it takes.
fn document() -> Result<String> {
    let arguments =
        ["run", "--quiet", "--package", "recon-contract", "--features", "openapi", "--example", "openapi"];
    let mut command = process::cargo(&arguments);
    let output = command.stderr(std::process::Stdio::inherit()).output().context("run cargo")?;
    if !output.status.success() {
        bail!("{} ended with {}", process::line(&command), output.status);
    }
    String::from_utf8(output.stdout).context("read the document")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn committed() -> Value {
        let text = fs::read_to_string(workspace::root().join(DOCUMENT)).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn the_committed_page_shows_the_committed_document() {
        let kept = fs::read_to_string(workspace::root().join(PAGE)).unwrap();
        assert!(kept == page::page(&committed()), "{PAGE} is out of date: run `cargo xtask openapi`");
    }

    #[test]
    fn the_page_shows_every_operation_and_loads_nothing() {
        let document = committed();
        let page = page::page(&document);
        for (path, methods) in document["paths"].as_object().unwrap() {
            assert!(page.contains(&format!(">{path}<")), "{path}");
            for operation in methods.as_object().unwrap().values() {
                let id = operation["operationId"].as_str().unwrap();
                assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
            }
        }
        // Neither addresses of others, nor what the page's own policy refuses.
        for refused in
            ["http://", "https://", " src=", "url(", "@import", "<link", " style=", " onclick=", " oninput="]
        {
            let found = page.find(refused).map(|at| page[at..].chars().take(40).collect::<String>());
            assert_eq!(found, None, "{refused}");
        }
    }

    #[test]
    fn every_link_of_the_page_leads_somewhere() {
        let document = committed();
        let page = page::page(&document);
        for link in page.split("href=\"#").skip(1) {
            let target = link.split('"').next().unwrap();
            assert!(page.contains(&format!("id=\"{target}\"")), "#{target}");
        }
    }
}
