//! What a push is to do, before it does anything.

use std::path::Path;

use anyhow::Result;
use recon_contract::{NAME_BYTES_MAX, options};
use recon_domain::{ReadOptions, Side};
use serde_json::{Value, json};

use super::content::Content;
use crate::cli::PushArgs;
use crate::files;

/// What a push is to do.
pub(super) struct Plan<'a> {
    /// The name of the reconciliation.
    pub name: String,
    /// The two files.
    pub sides: [Input<'a>; 2],
    /// The rules as they were written. `None` asks the server for some.
    pub document: Option<Value>,
}

/// A file that becomes a dataset.
pub(super) struct Input<'a> {
    /// Its side.
    pub side: Side,
    /// Its bytes.
    pub content: Content<'a>,
    /// The request that announces it.
    pub announcement: Value,
}

impl<'a> Plan<'a> {
    /// Reads the rules, holds them against both files, and hashes those. What cannot run is refused here, before
    /// anything is sent.
    pub(super) fn read(arguments: &'a PushArgs) -> Result<Self> {
        let paths = [arguments.left.as_path(), &arguments.right];
        files::must_exist(paths.into_iter().chain(arguments.rules.as_deref()))?;
        let rules = arguments.rules.as_deref().map(files::read_rules).transpose()?;
        let options = match &rules {
            Some(rules) => {
                files::open_both(paths, rules)?;
                rules.set.options.each_ref().map(options::to_json)
            }
            None => [(); 2].map(|()| options::to_json(&ReadOptions::default())),
        };
        let [left, right] = options;
        let sides = [input(Side::Left, paths[0], &left)?, input(Side::Right, paths[1], &right)?];
        let name = match &arguments.name {
            Some(name) => name.clone(),
            None => fitting(&format!("{} and {}", sides[0].content.name(), sides[1].content.name())),
        };
        Ok(Self { name, sides, document: rules.map(|rules| rules.document) })
    }

    /// The rules without what they say about the files, which goes with the datasets.
    pub(super) fn rules(&self) -> Option<Value> {
        let mut rules = self.document.clone()?;
        if let Value::Object(fields) = &mut rules {
            fields.retain(|name, _| name != "left" && name != "right");
        }
        Some(rules)
    }

    /// All that makes this push another one than any other, on this server.
    pub(super) fn intent(&self, server: &str) -> Value {
        let side =
            |input: &Input<'_>| json!({ "announcement": input.announcement, "sha256": input.content.sha256 });
        let [left, right] = &self.sides;
        json!({
            "server": server,
            "name": self.name,
            "left": side(left),
            "right": side(right),
            "rules": self.document,
        })
    }

    /// The push in words.
    pub(super) fn about(&self, server: &str) -> String {
        let [left, right] = self.sides.each_ref().map(|input| input.content.path.display());
        format!("{left} and {right} to {server}, as `{}`", self.name)
    }
}

fn input<'p>(side: Side, path: &'p Path, options: &Value) -> Result<Input<'p>> {
    let content = Content::of(path)?;
    let announcement = json!({ "name": fitting(&content.name()), "format": "auto", "options": options });
    Ok(Input { side, content, announcement })
}

/// A name that the server takes: without control characters, and not too long.
fn fitting(name: &str) -> String {
    let visible: String = name.chars().filter(|character| !character.is_control()).collect();
    visible[..visible.floor_char_boundary(NAME_BYTES_MAX)].to_owned()
}
