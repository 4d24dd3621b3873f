//! Result files. Each appears whole under its name or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use recon_contract::{Summary, rules};
use recon_formats::Rejection;
use recon_formats::results::{Results, write_rejected_csv};
use serde_json::Value;

use crate::cli::OutFormat;

/// Writes every result file into the folder, which is made when it is not there.
pub(crate) fn write(
    folder: &Path,
    format: OutFormat,
    document: &Value,
    results: &Results<'_>,
    rejections: &[Vec<Rejection>; 2],
) -> Result<()> {
    fs::create_dir_all(folder)?;
    match format {
        OutFormat::Csv => {
            whole(folder, "matches.csv", |out| results.write_matches_csv(out))?;
            whole(folder, "breaks.csv", |out| results.write_breaks_csv(out))?;
        }
        OutFormat::Json => {
            whole(folder, "matches.json", |out| results.write_matches_json(out))?;
            whole(folder, "breaks.json", |out| results.write_breaks_json(out))?;
        }
    }
    whole(folder, "rejected.csv", |out| write_rejected_csv(rejections, out))?;
    whole(folder, "rules.toml", |out| out.write_all(rules::to_toml(document).as_bytes()))?;
    let summary = Summary::from(&results.outcome.summary);
    whole(folder, "summary.json", |out| {
        serde_json::to_writer_pretty(&mut *out, &summary)?;
        out.write_all(b"\n")
    })
}

/// Refuses a folder in which a result would take the place of one of these files.
pub(crate) fn spare(folder: &Path, format: OutFormat, inputs: [&Path; 3]) -> Result<()> {
    let ending = match format {
        OutFormat::Csv => "csv",
        OutFormat::Json => "json",
    };
    let results = [
        &format!("matches.{ending}"),
        &format!("breaks.{ending}"),
        "rejected.csv",
        "rules.toml",
        "summary.json",
    ];
    for target in results.map(|name| folder.join(name)) {
        let Ok(target) = target.canonicalize() else { continue };
        if let Some(input) =
            inputs.iter().find(|input| input.canonicalize().is_ok_and(|input| input == target))
        {
            bail!("{} would be overwritten by a result: choose another folder for --out", input.display());
        }
    }
    Ok(())
}

/// Writes beside the name first, so that nobody reads a half, and an older result stays until the new one is there.
fn whole(
    folder: &Path,
    name: &str,
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> Result<()> {
    let (path, part) = (folder.join(name), folder.join(format!("{name}.part")));
    let written = (|| {
        let mut out = BufWriter::new(File::create(&part)?);
        write(&mut out)?;
        out.into_inner().map_err(io::IntoInnerError::into_error)?;
        fs::rename(&part, &path)
    })();
    written.with_context(|| name.to_owned())
}
