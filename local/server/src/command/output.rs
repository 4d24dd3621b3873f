//! Result files. Each appears whole under its name or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use recon_contract::{ResultFormat, ResultPart, Summary, rules};
use recon_domain::Side;
use recon_formats::Rejection;
use recon_formats::rejections_parquet::Rejected;
use recon_formats::results::{RejectedWriter, Results};
use serde_json::Value;

/// Writes every result file into the folder, which is made when it is not there.
pub(crate) fn write(
    folder: &Path,
    format: ResultFormat,
    document: &Value,
    results: &Results<'_>,
    rejections: &[Vec<Rejection>; 2],
) -> Result<()> {
    fs::create_dir_all(folder)?;
    whole(folder, &name(ResultPart::Matches, format), |out| match format {
        ResultFormat::Csv => Ok(results.write_matches_csv(out)?),
        ResultFormat::Json => Ok(results.write_matches_json(out)?),
        ResultFormat::Parquet => Ok(results.write_matches_parquet(out)?),
    })?;
    whole(folder, &name(ResultPart::Breaks, format), |out| match format {
        ResultFormat::Csv => Ok(results.write_breaks_csv(out)?),
        ResultFormat::Json => Ok(results.write_breaks_json(out)?),
        ResultFormat::Parquet => Ok(results.write_breaks_parquet(out)?),
    })?;
    whole(folder, &name(ResultPart::Rejections, format), |out| {
        let mut writer = RejectedWriter::new(format, out)?;
        for (side, rejections) in [Side::Left, Side::Right].into_iter().zip(rejections) {
            for rejection in rejections {
                writer.write(&Rejected::of_run(side, rejection.clone()))?;
            }
        }
        Ok(writer.finish()?)
    })?;
    whole(folder, "rules.toml", |out| Ok(out.write_all(rules::to_toml(document).as_bytes())?))?;
    summary(folder, &Summary::from(&results.outcome.summary))
}

/// Writes `summary.json`.
pub(crate) fn summary(folder: &Path, summary: &Summary) -> Result<()> {
    whole(folder, "summary.json", |out| {
        serde_json::to_writer_pretty(&mut *out, summary)?;
        Ok(out.write_all(b"\n")?)
    })
}

/// Removes what an earlier run left in another format, so that nobody takes it for this run's. Inputs stay.
pub(crate) fn remove_stale(folder: &Path, format: ResultFormat, inputs: &[&Path]) -> Result<()> {
    let others = ResultFormat::ALL.iter().filter(|other| **other != format);
    let stale = others.flat_map(|other| ResultPart::ALL.iter().map(|part| name(*part, *other)));
    for path in stale.map(|name| folder.join(name)).filter(|path| input_at(path, inputs).is_none()) {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("remove {} of an earlier run", path.display()));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Refuses a folder in which a result would take the place of one of these files.
pub(crate) fn spare(folder: &Path, format: ResultFormat, inputs: &[&Path]) -> Result<()> {
    let results = ResultPart::ALL.iter().map(|part| name(*part, format));
    let results = results.chain(["rules.toml".to_owned(), "summary.json".to_owned()]);
    match results.map(|name| folder.join(name)).find_map(|target| input_at(&target, inputs)) {
        Some(input) => {
            bail!("{} would be overwritten by a result: choose another folder for --out", input.display())
        }
        None => Ok(()),
    }
}

/// Refuses a file that is one of the inputs.
pub(crate) fn spare_file(file: &Path, inputs: &[&Path]) -> Result<()> {
    match input_at(file, inputs) {
        Some(input) => bail!("{} would be overwritten: choose another file for --out", input.display()),
        None => Ok(()),
    }
}

/// The input that is this file.
fn input_at<'p>(file: &Path, inputs: &[&'p Path]) -> Option<&'p Path> {
    let file = file.canonicalize().ok()?;
    inputs.iter().copied().find(|input| input.canonicalize().is_ok_and(|input| input == file))
}

/// The name of a result file.
pub(crate) fn name(part: ResultPart, format: ResultFormat) -> String {
    format!("{}.{format}", part.file_stem())
}

/// Writes beside the name first, so that nobody reads a half, and an older result stays until the new one is there.
pub(crate) fn whole(
    folder: &Path,
    name: &str,
    write: impl FnOnce(&mut (dyn Write + Send)) -> Result<()>,
) -> Result<()> {
    let (path, part) = (folder.join(name), folder.join(format!("{name}.part")));
    let written = (|| -> Result<()> {
        let mut out = BufWriter::new(File::create(&part)?);
        write(&mut out)?;
        out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(fs::rename(&part, &path)?)
    })();
    written.with_context(|| name.to_owned())
}
