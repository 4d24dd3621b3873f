//! The one reader of the process's environment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::str::FromStr;

use crate::setting::{self, Setting};

/// The environment as it stood when the process started.
///
/// An empty variable counts as one that is not set. A setting that may hold a secret can also come from the file
/// that `NAME_FILE` names, as container platforms mount them.
#[derive(Clone)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    /// The names of those whose values are no text.
    not_text: BTreeSet<String>,
}

/// A setting that cannot be used. Says which variable it is and what belongs there.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// The value does not read as what it must be.
    #[error("{name}: expected {expects}, got `{given}`")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// What belongs there.
        expects: &'static str,
        /// What stands there, without secrets.
        given: String,
    },
    /// The value is no text.
    #[error("{name}: expected {expects}, got bytes that are not UTF-8")]
    NotText {
        /// The variable.
        name: &'static str,
        /// What belongs there.
        expects: &'static str,
    },
    /// Both the variable and its `_FILE` form are set.
    #[error("{name} and {name}_FILE are both set; keep one")]
    SetTwice {
        /// The variable.
        name: &'static str,
    },
    /// The file that holds the value cannot be read.
    #[error("{name}_FILE: cannot read {}", .path.display())]
    Unreadable {
        /// The variable.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The default lies in the user's data folder, and nothing says where that is.
    #[error("{name}: is not set, and neither is HOME, in which its default lies")]
    NoDataFolder {
        /// The variable.
        name: &'static str,
    },
    /// The store cannot be opened from what its variables say.
    #[error(transparent)]
    Store(#[from] recon_store::ConfigError),
}

/// A setting as it is in effect, for people to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The variable.
    pub name: &'static str,
    /// The value in effect, passwords hidden; or what is wrong with it.
    pub value: Result<String, String>,
    /// The default.
    pub default: &'static str,
    /// Whether the environment sets it.
    pub given: bool,
    /// What it is for.
    pub about: &'static str,
}

impl Environment {
    /// The environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let mut environment = Self::of([]);
        for (name, value) in std::env::vars_os() {
            // No setting has a name that is no text.
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => _ = environment.variables.insert(name, value),
                Err(_) => _ = environment.not_text.insert(name),
            }
        }
        environment
    }

    /// An environment of exactly these variables.
    #[must_use]
    pub fn of<const N: usize>(variables: [(&str, &str); N]) -> Self {
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Self { variables, not_text: BTreeSet::new() }
    }

    /// The value of a variable that is set and not empty.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A setting's value in effect: from its variable, its file, or its default.
    ///
    /// # Errors
    /// When it is no text, is set twice, its file is unreadable, or its default lies in a data folder that is not known.
    pub fn text(&self, setting: &Setting) -> Result<String, SettingError> {
        let name = setting.name;
        if self.not_text.contains(name) {
            return Err(SettingError::NotText { name, expects: setting.expects });
        }
        let file = setting.secret.then(|| self.variable(&format!("{name}_FILE"))).flatten();
        match (self.variable(name), file) {
            (Some(_), Some(_)) => Err(SettingError::SetTwice { name }),
            (Some(value), None) => Ok(value.to_owned()),
            (None, Some(path)) => std::fs::read_to_string(path)
                .map(|value| value.trim_end_matches(['\r', '\n']).to_owned())
                .map_err(|source| SettingError::Unreadable { name, path: path.into(), source }),
            (None, None) => self.expand(setting),
        }
    }

    /// A setting's value in effect, as a `T`.
    ///
    /// # Errors
    /// As [`Environment::text`], and when the value does not read as a `T`.
    pub fn read<T: FromStr>(&self, setting: &Setting) -> Result<T, SettingError> {
        let text = self.text(setting)?;
        text.parse().map_err(|_| setting.invalid(&text))
    }

    /// A setting's value in effect as a `T`, `None` where it is empty by default.
    ///
    /// # Errors
    /// As [`Environment::read`].
    pub fn read_optional<T: FromStr>(&self, setting: &Setting) -> Result<Option<T>, SettingError> {
        match self.text(setting)?.as_str() {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| setting.invalid(text)),
        }
    }

    /// Whether this process is a Lambda function.
    #[must_use]
    pub fn is_lambda(&self) -> bool {
        self.variable(setting::LAMBDA_RUNTIME_API).is_some()
    }

    /// Every setting as it is in effect.
    #[must_use]
    pub fn effective(&self) -> Vec<Effective> {
        let effective = |setting: &&Setting| Effective {
            name: setting.name,
            value: self.text(setting).map(|value| setting.shown(&value)).map_err(|error| error.to_string()),
            default: setting.default,
            given: self.variable(setting.name).is_some()
                || (setting.secret && self.variable(&format!("{}_FILE", setting.name)).is_some()),
            about: setting.about,
        };
        setting::ALL.iter().map(effective).collect()
    }

    fn expand(&self, setting: &Setting) -> Result<String, SettingError> {
        match setting.default.split_once(setting::DATA_FOLDER) {
            None => Ok(setting.default.to_owned()),
            Some((before, after)) => {
                let folder = self.data_folder().ok_or(SettingError::NoDataFolder { name: setting.name })?;
                Ok(format!("{before}{folder}{after}"))
            }
        }
    }

    /// Where the platform wants a user's data.
    fn data_folder(&self) -> Option<String> {
        let under = |folder: &str| format!("{}/reconciliation-platform", folder.trim_end_matches('/'));
        // The root is nobody's home: containers have it for users that they know nothing of.
        let home = self.variable("HOME").filter(|home| !home.trim_end_matches('/').is_empty());
        let home = |rest: &str| home.map(|home| under(&format!("{home}/{rest}")));
        match self.variable("XDG_DATA_HOME") {
            Some(folder) => Some(under(folder)),
            None if cfg!(target_os = "macos") => home("Library/Application Support"),
            None => home(".local/share"),
        }
    }
}

impl std::fmt::Debug for Environment {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

impl Setting {
    /// The error that this value is not what belongs here.
    #[must_use]
    pub fn invalid(&self, given: &str) -> SettingError {
        SettingError::Invalid { name: self.name, expects: self.expects, given: self.shown(given) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unset_or_empty_variable_has_its_default() {
        for environment in [Environment::of([]), Environment::of([("PORT", "")])] {
            assert_eq!(environment.read::<u16>(&setting::PORT).unwrap(), 8080);
        }
        assert_eq!(Environment::of([("PORT", "0")]).read::<u16>(&setting::PORT).unwrap(), 0);
    }

    #[test]
    fn a_bad_value_names_its_variable_and_what_belongs_there() {
        let error = Environment::of([("PORT", "eighty")]).read::<u16>(&setting::PORT).unwrap_err();
        assert_eq!(error.to_string(), "PORT: expected a port, 0 to 65535, got `eighty`");
    }

    #[test]
    fn the_data_folder_follows_the_platform() {
        let url = |environment: Environment| environment.text(&setting::DATABASE_URL);
        let given = url(Environment::of([("XDG_DATA_HOME", "/data/"), ("HOME", "/home/ada")])).unwrap();
        assert_eq!(given, "sqlite:///data/reconciliation-platform/recon.db");
        let home = url(Environment::of([("HOME", "/home/ada")])).unwrap();
        assert!(home.starts_with("sqlite:///home/ada/"), "{home}");
        for homeless in [Environment::of([]), Environment::of([("HOME", "/")])] {
            let error = url(homeless).unwrap_err().to_string();
            assert!(error.starts_with("DATABASE_URL: "), "{error}");
        }
    }

    #[test]
    fn a_secret_may_come_from_a_file_but_not_from_both() {
        let file = std::env::temp_dir().join(format!("recon-runtime-{}", std::process::id()));
        std::fs::write(&file, "sqlite:///from/file.db\n").unwrap();
        let path = file.to_str().unwrap();
        let read = |environment: Environment| environment.text(&setting::DATABASE_URL);
        assert_eq!(read(Environment::of([("DATABASE_URL_FILE", path)])).unwrap(), "sqlite:///from/file.db");
        let both = read(Environment::of([("DATABASE_URL", "sqlite://a"), ("DATABASE_URL_FILE", path)]));
        assert!(matches!(both, Err(SettingError::SetTwice { name: "DATABASE_URL" })));
        std::fs::remove_file(&file).unwrap();
        let gone = read(Environment::of([("DATABASE_URL_FILE", path)])).unwrap_err();
        assert!(matches!(gone, SettingError::Unreadable { .. }), "{gone}");
    }

    #[test]
    fn what_is_shown_hides_passwords() {
        let environment = Environment::of([("DATABASE_URL", "postgres://app:hunter2@db.example/recon")]);
        let shown = environment.effective();
        let database = shown.iter().find(|effective| effective.name == "DATABASE_URL").unwrap();
        assert_eq!(database.value.as_deref(), Ok("postgres://app:***@db.example/recon"));
        assert!(database.given);
        assert!(!format!("{environment:?}").contains("hunter2"));
    }
}
