//! Other programs: run, watched, measured.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How often a running program's memory is looked at.
const POLL: Duration = Duration::from_millis(5);

/// What a run took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) status: ExitStatus,
    pub(crate) wall: Duration,
    /// The most memory it held at a time; `None` where the system does not tell.
    pub(crate) memory_bytes_max: Option<u64>,
}

/// A cargo command in the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(crate::workspace::root()).args(arguments);
    command
}

/// Whether a program is there and answers these arguments.
pub(crate) fn is_there(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Runs a command to its end and fails unless it succeeds.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("start {}", line(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", line(command));
    }
    Ok(())
}

/// Runs a command with both outputs going to a file, and measures it.
pub(crate) fn measure(command: &mut Command, log: &Path) -> Result<Usage> {
    let output = File::create(log).with_context(|| format!("create {}", log.display()))?;
    let errors = output.try_clone().context("share the log file")?;
    command.stdin(Stdio::null()).stdout(output).stderr(errors);
    let start = Instant::now();
    let mut child = command.spawn().with_context(|| format!("start {}", line(command)))?;
    let mut memory_bytes_max = None;
    loop {
        memory_bytes_max = memory_high_water(child.id()).or(memory_bytes_max);
        if let Some(status) = child.try_wait().with_context(|| format!("wait for {}", line(command)))? {
            return Ok(Usage { status, wall: start.elapsed(), memory_bytes_max });
        }
        thread::sleep(POLL);
    }
}

/// How long all threads of a process, also those that ended, were on a processor so far, as Linux tells it.
pub(crate) fn cpu(process: u32) -> Option<Duration> {
    on_processors(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

/// User's and system's time, which are the 14th and 15th field, in ticks of a hundredth of a second. The second field may have
/// blanks and brackets in it.
fn on_processors(stat: &str) -> Option<Duration> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks()? + ticks()?) * 10))
}

/// The most memory that a process has held so far, as Linux tells it.
pub(crate) fn memory_high_water(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    high_water(&status)
}

fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// A command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Bytes for people.
pub(crate) fn megabytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "not measured".to_owned(), |bytes| format!("{} MB", bytes / 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_line_of_the_high_water_mark() {
        let status = "Name:\trecon\nVmPeak:\t  900 kB\nVmHWM:\t  123 kB\nVmRSS:\t 7 kB\n";
        assert_eq!(high_water(status), Some(123 * 1024));
        assert_eq!(high_water("Name:\trecon\n"), None);
    }

    #[test]
    fn time_on_processors_is_read_behind_the_name() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 9 9 20 0 4 0 100";
        assert_eq!(on_processors(stat), Some(Duration::from_secs(3)));
        assert_eq!(on_processors("7 (a) S 1"), None);
        assert!(cpu(std::process::id()).is_some());
    }

    #[test]
    fn a_run_is_measured_and_its_words_are_kept() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let usage = measure(Command::new("cargo").arg("--version"), log.path()).unwrap();
        assert!(usage.status.success());
        assert!(fs::read_to_string(log.path()).unwrap().starts_with("cargo "));
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let error = measure(&mut Command::new("no-such-program-here"), log.path()).unwrap_err();
        assert!(error.to_string().contains("no-such-program-here"));
        assert!(!is_there("no-such-program-here", &["--version"]));
    }
}
