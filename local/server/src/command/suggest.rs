//! `recon suggest`: rules for two files, with what speaks for them and what is open.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use recon_contract::{Evidence, RuleSuggestion, rules};
use recon_domain::ReadOptions;
use recon_formats::mapping::Input;
use recon_formats::{Keep, TextReader, text_reader};
use recon_suggest::CONFIDENCE_MIN;
use serde_json::{Value, json};

use super::output;
use crate::cli::{SuggestArgs, SuggestFormat};
use crate::files::Rules;
use crate::progress::Bar;
use crate::{files, report};

/// What a list of one column is read with: tabs would have divided its lines.
const LIST_DELIMITER: u8 = b'\t';
/// What a name has in it that is the header of more than one column.
const OTHER_DELIMITERS: [char; 3] = [',', ';', '|'];

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
        bail!("{}: answer the questions in a rule file", why_not(&suggestion));
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
    let why_not = why_not(&suggestion);
    let Some(document) = suggestion.rules else {
        report::say(&format!("# What can be told, and what is asked:\n{}", toml.trim_end()));
        bail!(
            "no --rules were given, and {why_not}: save the beginning above to a file, answer its questions there so that \
             it has columns and at least one [[passes]], and give it with --rules"
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

/// Why there are no rules: all of them are there but for an answer, or there are none to begin with.
fn why_not(suggestion: &RuleSuggestion) -> &'static str {
    let has_passes = suggestion.draft.as_ref().is_some_and(|draft| draft.get("passes").is_some());
    if has_passes && !suggestion.questions.is_empty() {
        "what is asked has to be answered before anything is matched"
    } else {
        "too little can be told from the files"
    }
}

fn look([left, right]: [&Path; 2]) -> Result<RuleSuggestion> {
    let _wheel = Bar::wheel("looking at both files".to_owned());
    let (mut left, mut right) = (open(left)?, open(right)?);
    let lists = [&left, &right].map(|opened| opened.options.delimiter);
    let [left, right] = [&mut left, &mut right]
        .map(|opened| Input { source: &mut opened.source, options: opened.options.clone() });
    let mut suggestion = recon_suggest::suggest(left, right, &|| true)?;
    for (side, delimiter) in ["left", "right"].into_iter().zip(lists) {
        if let Some(delimiter) = delimiter {
            note_list(&mut suggestion, side, delimiter);
        }
    }
    Ok(suggestion)
}

/// A file with the options that it was opened with.
struct Opened {
    source: TextReader,
    options: ReadOptions,
}

/// Opens a file. Where nothing divides its lines and its header is one plain name, it is a list of one column.
fn open(path: &Path) -> Result<Opened> {
    let with = |options: ReadOptions| -> Result<Opened, text_reader::Error> {
        let source = TextReader::open(path, &options, &Keep::Columns(Vec::new()))?;
        Ok(Opened { source, options })
    };
    let opened = with(ReadOptions::default()).or_else(|error| {
        let text_reader::Error::Shape(text_reader::ShapeError::NoDelimiter) = error else {
            return Err(error);
        };
        let list = with(ReadOptions { delimiter: Some(LIST_DELIMITER), ..ReadOptions::default() });
        let is_list = |list: &Opened| match list.source.header() {
            [only] => !only.contains(OTHER_DELIMITERS),
            _ => false,
        };
        list.ok().filter(is_list).ok_or(error)
    });
    opened.with_context(|| path.display().to_string())
}

/// Keeps in the rules how a list is read, since nothing in the file tells it.
fn note_list(suggestion: &mut RuleSuggestion, side: &str, delimiter: u8) {
    let documents = suggestion.rules.iter_mut().chain(suggestion.draft.iter_mut());
    for document in documents.filter_map(Value::as_object_mut) {
        let options = document.entry(side).or_insert_with(|| json!({}));
        options["delimiter"] = json!(char::from(delimiter).to_string());
    }
    suggestion.evidence.push(Evidence {
        subject: format!("/{side}/delimiter"),
        text: "nothing divides the lines: the file is read as one column".to_owned(),
        score: CONFIDENCE_MIN,
    });
}
