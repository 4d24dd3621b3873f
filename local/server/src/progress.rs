//! Progress bars, on a terminal only.

use std::path::Path;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use recon_domain::Side;
use recon_engine::{Phase, Progress};

/// A bar on standard error for one step at a time; silent where that is no terminal.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// A bar of a step that counts entries or passes.
    pub(crate) fn count(label: String) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(12));
        let style = ProgressStyle::with_template("{msg:<28} {bar:32.green} {human_pos:>10} of {human_len}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(label);
        Self(bar)
    }

    /// A bar of a step that counts bytes.
    pub(crate) fn bytes(label: String, total: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(12));
        let template = "{msg:<28} {bar:32.green} {bytes:>10} of {total_bytes} {bytes_per_sec}";
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.set_message(label);
        Self(bar)
    }

    /// How far the step is.
    pub(crate) fn set(&self, done: u64) {
        self.0.set_position(done);
    }

    /// What the step is now, and how far; of an unknown length where `total` is 0.
    pub(crate) fn show(&self, label: &str, done: u64, total: u64) {
        self.0.set_message(label.to_owned());
        self.0.set_length(total);
        self.0.set_position(done);
    }

    /// Whether somebody sees it.
    pub(crate) fn is_seen(&self) -> bool {
        !self.0.is_hidden()
    }

    /// A turning wheel for a step of unknown length.
    pub(crate) fn wheel(label: String) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(12));
        let style = ProgressStyle::with_template("{spinner:.green} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_message(label);
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Bar {
    fn advance(&self, phase: Phase, done: u64, total: u64) -> bool {
        self.0.set_message(match phase {
            Phase::Matching => "matching, passes",
            Phase::Classifying => "classifying, entries",
        });
        self.0.set_length(total);
        self.0.set_position(done);
        true
    }
}

/// Two bars, one for each file that is read.
pub(crate) struct Reading {
    bars: [ProgressBar; 2],
    all: MultiProgress,
}

impl Reading {
    /// Bars labelled with the files' names.
    pub(crate) fn of(left: &Path, right: &Path) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(12));
        let bars = [left, right].map(|path| {
            let bar = all.add(ProgressBar::new(0));
            let style = ProgressStyle::with_template("reading {msg:<20} {bar:32.green} {percent:>3} %");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_message(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
            bar
        });
        Self { bars, all }
    }

    /// How far the file of this side is.
    pub(crate) fn set(&self, side: Side, done: u64, total: u64) {
        let bar = &self.bars[side as usize];
        bar.set_length(total);
        bar.set_position(done);
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.bars.iter().for_each(ProgressBar::finish_and_clear);
        // A terminal that went away needs no clearing.
        let _ = self.all.clear();
    }
}
