//! What keeps a push from happening twice: one note for each push under way, on this machine.
//!
//! The intent is what a person asked for: these bytes, under these names, by these rules, on this server. Its keys are
//! made of the intent and of a nonce. The nonce is written down before the first request and removed after the last,
//! so that every repetition of the push until then, in this process or in another one, sends the same keys; and the
//! same words said once more, after the end, are a new intent with a new nonce.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use recon_domain::Instant;
use recon_runtime::setting::Setting;
use recon_runtime::{Clock, Environment};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use crate::report;

/// How long the keys of a push are sent: an hour less than servers keep them, which is a day.
const KEYS_SECONDS_MAX: i64 = 23 * 60 * 60;
/// How many notes are looked at for those that are too old.
const NOTES_MAX: usize = 1_000;
/// How notes and keys are made; a change of either is another number.
const VERSION: &str = "recon-push-1";

const STATE_DIR: Setting = Setting {
    name: "RECON_STATE_DIR",
    default: "{data}/push",
    expects: "a folder",
    secret: false,
    about: "where pushes under way are noted",
};

/// What is written down.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Noted {
    version: String,
    nonce: String,
    begun_at_micros: i64,
    /// The rules that the server suggested: a repetition does not ask again, and so sends the same.
    rules: Option<Value>,
    /// What was asked for, for whoever finds the note.
    about: String,
}

/// A push under way.
pub(super) struct Note {
    intent: String,
    path: PathBuf,
    noted: Noted,
}

impl Note {
    /// Finds the note of this intent, or writes one. What it returns is on disk.
    pub(super) fn begin(
        environment: &Environment,
        clock: &Clock,
        intent: &Value,
        about: String,
    ) -> Result<Self> {
        let folder = PathBuf::from(environment.text(&STATE_DIR)?);
        let written = || {
            fs::create_dir_all(&folder)?;
            discard_old(&folder, clock.now());
            let intent = hash(&[VERSION, &intent.to_string()]);
            let path = folder.join(format!("{intent}.json"));
            if let Some(noted) = read(&path) {
                report::say("this push was begun before and did not come to its end: it goes on");
                return Ok(Self { intent, path, noted });
            }
            let noted = Noted {
                version: VERSION.to_owned(),
                nonce: nonce()?,
                begun_at_micros: clock.now().micros(),
                rules: None,
                about,
            };
            let note = Self { intent, path, noted };
            // Of two that begin at once, the second takes the first one's note.
            match prepared(&folder, &note.noted)?.persist_noclobber(&note.path) {
                Ok(_) => {}
                Err(error) => match read(&note.path) {
                    Some(noted) => return Ok(Self { noted, ..note }),
                    None => return Err(error.error.into()),
                },
            }
            File::open(&folder)?.sync_all()?;
            anyhow::Ok(note)
        };
        written().with_context(|| {
            format!(
                "write down the push in {}, so that it can be repeated (RECON_STATE_DIR)",
                folder.display()
            )
        })
    }

    /// The key of a step: always the same for this intent, until it is at its end.
    pub(super) fn key(&self, step: &str) -> String {
        format!("{VERSION}-{step}-{}", hash(&[&self.intent, &self.noted.nonce, step]))
    }

    /// The rules that the server suggested before.
    pub(super) const fn rules(&self) -> Option<&Value> {
        self.noted.rules.as_ref()
    }

    /// Keeps the rules that the server suggested.
    pub(super) fn keep_rules(&mut self, rules: &Value) -> Result<()> {
        self.noted.rules = Some(rules.clone());
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let written = || anyhow::Ok(prepared(folder, &self.noted)?.persist(&self.path)?);
        written().map(drop).with_context(|| format!("write {}", self.path.display()))
    }

    /// Ends the push. A note that is left over ends by itself, with its keys.
    pub(super) fn end(self) {
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            let path = self.path.display();
            report::say(&format!(
                "{path} could not be removed ({error}): the same push within a day would be taken for this one"
            ));
        }
    }
}

/// A note that has everything but its name.
fn prepared(folder: &Path, noted: &Noted) -> Result<NamedTempFile> {
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(&serde_json::to_vec_pretty(noted)?)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// A note that this version understands.
fn read(path: &Path) -> Option<Noted> {
    let noted: Noted = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    (noted.version == VERSION).then_some(noted)
}

/// Discards notes whose keys no server keeps any more.
fn discard_old(folder: &Path, now: Instant) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().take(NOTES_MAX).map(|entry| entry.path()) {
        if path.extension().is_some_and(|ending| ending == "json")
            && let Some(noted) = read(&path)
            && now.micros().saturating_sub(noted.begun_at_micros) > KEYS_SECONDS_MAX.saturating_mul(1_000_000)
        {
            report::say(&format!(
                "a push of the day before did not come to its end, and its keys are forgotten: {}",
                noted.about
            ));
            // Another push may have been faster.
            let _ = fs::remove_file(path);
        }
    }
}

fn nonce() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).context("ask the system for random bytes")?;
    Ok(hex(&bytes))
}

/// The SHA-256 of the parts, each behind its length.
fn hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_string());
        hash.update(":");
        hash.update(part);
    }
    hex(&hash.finalize())
}

/// Lower-case hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
        .collect()
}
