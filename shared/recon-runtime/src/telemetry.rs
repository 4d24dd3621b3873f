//! Logs: one line a fact, on standard error.

use std::io::IsTerminal;
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
    let terminal = std::io::stderr().is_terminal();
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(terminal);
    let json = match format {
        LogFormat::Auto => !terminal,
        LogFormat::Json => true,
        LogFormat::Text => false,
    };
    let started = if json {
        lines.json().flatten_event(true).with_current_span(true).with_span_list(false).finish().try_init()
    } else {
        lines.compact().finish().try_init()
    };
    if started.is_err() {
        tracing::debug!("logs are already being written");
    }
    Ok(())
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
