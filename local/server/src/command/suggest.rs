//! `recon suggest`: rules for two files, with what speaks for them and what is open.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use recon_contract::{RuleSuggestion, rules};
use recon_domain::ReadOptions;
use recon_formats::mapping::Input;
use recon_formats::{Keep, TextReader};

use super::output;
use crate::cli::{SuggestArgs, SuggestFormat};
use crate::files::Rules;
use crate::progress::Bar;
use crate::{files, report};

/// Looks at both files and prints what can be told.
pub(crate) fn run(arguments: &SuggestArgs) -> Result<ExitCode> {
    let inputs = [arguments.left.as_path(), &arguments.right];
    files::must_exist(inputs)?;
    if let Some(out) = &arguments.out {
        output::spare_file(out, &inputs)?;
    }
    let suggestion = look(inputs)?;
    match arguments.format {
        SuggestFormat::Table => report::print(&report::suggestion(&suggestion)),
        SuggestFormat::Json => report::print(&serde_json::to_string_pretty(&suggestion)?),
        SuggestFormat::Toml => report::print(recon_suggest::to_toml(&suggestion).trim_end()),
    }
    if let Some(out) = &arguments.out {
        std::fs::write(out, recon_suggest::to_toml(&suggestion))
            .with_context(|| format!("write {}", out.display()))?;
        report::say(&format!("written to {}", out.display()));
    }
    if suggestion.rules.is_none() {
        bail!("too little can be told for rules: answer the questions in a rule file");
    }
    Ok(ExitCode::SUCCESS)
}

/// Rules for two files that came without; says what was chosen and why on standard error.
///
/// # Errors
/// Also when too little can be told: then the questions and the beginning of a rule file were said before.
pub(super) fn rules_for(inputs: [&Path; 2]) -> Result<Rules> {
    let suggestion = look(inputs)?;
    let toml = recon_suggest::to_toml(&suggestion);
    let Some(document) = suggestion.rules else {
        report::say(&format!("# What can be told, and what is asked:\n{}", toml.trim_end()));
        bail!(
            "no --rules were given, and too little can be told from the files: save the beginning above to a file, \
             answer its questions by columns and at least one [[passes]], and give it with --rules"
        );
    };
    report::say(&format!(
        "# No --rules were given. These were chosen; `recon suggest --out FILE` keeps them for you to change:\n{}",
        toml.trim_end()
    ));
    let name = "the suggested rules".to_owned();
    let set = rules::from_json(&document).map_err(|error| anyhow!("{name}:\n{error}"))?;
    Ok(Rules { name, document, set })
}

fn look([left, right]: [&Path; 2]) -> Result<RuleSuggestion> {
    let _wheel = Bar::wheel("looking at both files".to_owned());
    let open = |path: &Path| {
        TextReader::open(path, &ReadOptions::default(), &Keep::Columns(Vec::new()))
            .with_context(|| path.display().to_string())
    };
    let (mut left, mut right) = (open(left)?, open(right)?);
    let left = Input { source: &mut left, options: ReadOptions::default() };
    let right = Input { source: &mut right, options: ReadOptions::default() };
    Ok(recon_suggest::suggest(left, right, &|| true)?)
}
