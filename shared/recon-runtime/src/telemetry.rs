//! Logs: one line a fact, on standard error.

use std::io::{IsTerminal, Write as _};
use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::setting::{self, Setting};
use crate::{Environment, SettingError};

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LogFormat {
    Auto,
    Json,
    Text,
}

impl LogFormat {
    fn is_json(self) -> bool {
        match self {
            Self::Auto => !std::io::stderr().is_terminal(),
            Self::Json => true,
            Self::Text => false,
        }
    }
}

impl FromStr for LogFormat {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "auto" => Ok(Self::Auto),
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err(()),
        }
    }
}

/// Starts writing logs as `LOG` and `LOG_FORMAT` say. A second call in a process changes nothing.
///
/// # Errors
/// When one of them does not read.
pub fn start(environment: &Environment) -> Result<(), SettingError> {
    let (filter, format) = read(environment)?;
    let started = match format.is_json() {
        true => json(filter).try_init(),
        false => {
            let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
            lines.with_ansi(std::io::stderr().is_terminal()).compact().finish().try_init()
        }
    };
    if started.is_err() {
        tracing::debug!("logs are already being written");
    }
    Ok(())
}

/// Says why the program of this name could not run, as the last line of its log, whatever `LOG` leaves out: a line like the
/// others where they are JSON, else the words alone.
pub fn last_words(environment: &Environment, program: &str, words: &str) {
    // Where the format does not read, that may be what the words are about.
    let format = environment.read(&setting::LOG_FORMAT).unwrap_or(LogFormat::Auto);
    if format.is_json() {
        let errors = json(EnvFilter::new("error"));
        return tracing::subscriber::with_default(errors, || tracing::error!(program, "{words}"));
    }
    // If nobody listens there, the exit code says it.
    _ = writeln!(std::io::stderr(), "{program}: {words}");
}

/// One object a line.
fn json(filter: EnvFilter) -> impl tracing::Subscriber + Send + Sync {
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    lines.json().flatten_event(true).with_current_span(true).with_span_list(false).finish()
}

fn read(environment: &Environment) -> Result<(EnvFilter, LogFormat), SettingError> {
    const LOG: &Setting = &setting::LOG;
    let filter = environment.text(LOG)?;
    let filter = EnvFilter::try_new(&filter).map_err(|_| LOG.invalid(&filter))?;
    Ok((filter, environment.read(&setting::LOG_FORMAT)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_or_format_that_does_not_read_is_refused() {
        assert_eq!(read(&Environment::of([])).unwrap().1, LogFormat::Auto);
        let error = |pair| read(&Environment::of([pair])).unwrap_err().to_string();
        assert!(error(("LOG", "recon=loud")).starts_with("LOG: expected a tracing filter"));
        assert!(error(("LOG_FORMAT", "xml")).starts_with("LOG_FORMAT: expected `text`"));
    }
}
