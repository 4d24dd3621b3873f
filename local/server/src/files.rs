//! The files that a command is given: rules, and the two sides.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use recon_contract::rules;
use recon_domain::{ReadOptions, RuleSet};
use recon_formats::mapping::{self, Input, Mapped, map_both};
use recon_formats::{Keep, TextReader};
use serde_json::Value;

use crate::progress::Reading;

/// How many names of a folder are looked at for one that can be meant.
const NAMES_MAX: usize = 10_000;

/// A rule document, as it was written and as it was understood.
pub(crate) struct Rules {
    /// Where it comes from, in words.
    pub name: String,
    /// The document.
    pub document: Value,
    /// What it means.
    pub set: RuleSet,
}

/// Fails with a name that can be meant, if one of these files is not there.
pub(crate) fn must_exist<'p>(paths: impl IntoIterator<Item = &'p Path>) -> Result<()> {
    let Some(path) = paths.into_iter().find(|path| matches!(path.try_exists(), Ok(false))) else {
        return Ok(());
    };
    let name = path.display();
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        Some(_) | None => Path::new("."),
    };
    if !folder.is_dir() {
        bail!("{name}: there is no folder {}", folder.display());
    }
    match near(path, folder) {
        Some(near) => bail!("{name}: no such file; did you mean {}?", near.display()),
        None => bail!("{name}: no such file"),
    }
}

/// The file of this folder whose name is so few letters away that it can be meant.
fn near(path: &Path, folder: &Path) -> Option<PathBuf> {
    let wanted = path.file_name()?.to_str()?.to_lowercase();
    let entries = std::fs::read_dir(folder).ok()?.flatten().take(NAMES_MAX);
    let files = entries.filter(|entry| entry.path().is_file());
    let names = files.filter_map(|entry| entry.file_name().into_string().ok());
    let edits = names.map(|name| (strsim::osa_distance(&wanted, &name.to_lowercase()), name));
    let (edits, name) = edits.min()?;
    let letters = wanted.chars().count().max(name.chars().count());
    (edits <= (letters / 3).max(1)).then(|| path.with_file_name(name))
}

/// Reads a rule document: JSON where the name ends so, else TOML.
pub(crate) fn read_rules(path: &Path) -> Result<Rules> {
    let name = format!("the rules {}", path.display());
    let text = std::fs::read_to_string(path).with_context(|| format!("read {name}"))?;
    let text = text.trim_start_matches('\u{feff}');
    let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let document = match is_json {
        true => rules::parse_json(text).map_err(|error| anyhow!("{name}, read as JSON:\n{error}"))?,
        false => rules::toml_to_json(text).map_err(|error| anyhow!("{name}:\n{error}"))?,
    };
    let set = rules::from_json(&document).map_err(|error| anyhow!("{name}:\n{error}"))?;
    Ok(Rules { name, document, set })
}

/// Opens both files as far as their headers, and holds the rules against those.
pub(crate) fn open_both(files: [&Path; 2], rules: &Rules) -> Result<[TextReader; 2]> {
    let open = |path: &Path, options: &ReadOptions| {
        // The columns are chosen when it is known that they are there.
        TextReader::open(path, options, &Keep::Columns(Vec::new()))
            .with_context(|| path.display().to_string())
    };
    let [left_options, right_options] = &rules.set.options;
    let (left, right) = (open(files[0], left_options)?, open(files[1], right_options)?);
    rules::check_columns(&rules.set, left.header(), right.header())
        .map_err(|errors| rules::explain_columns(errors, left.dialect(), right.dialect()))
        .map_err(|error| anyhow!("{}:\n{error}", rules.name))?;
    Ok([left, right])
}

/// Reads both files into tables, with a bar for each.
pub(crate) fn read_both(files: [&Path; 2], rules: &Rules, threads: NonZeroUsize) -> Result<Mapped> {
    let [mut left, mut right] = open_both(files, rules)?;
    let bar = Reading::of(files[0], files[1]);
    let watch = |side, done, total| {
        bar.set(side, done, total);
        true
    };
    let input = |source, options: &ReadOptions| Input { source, options: options.clone() };
    let [left_options, right_options] = &rules.set.options;
    let (left, right) = (input(&mut left, left_options), input(&mut right, right_options));
    let mapped = map_both(&rules.set, left, right, threads, &watch);
    drop(bar);
    match mapped {
        Ok(mapped) => Ok(mapped),
        Err(error @ mapping::Error::Source { .. }) => Err(error.into()),
        Err(error) => bail!("{error}"),
    }
}
