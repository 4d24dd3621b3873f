//! Every setting with its default: the one table of them.

/// A variable of the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The variable's name.
    pub name: &'static str,
    /// The value where it is not set. [`DATA_FOLDER`] in it stands for the user's data folder.
    pub default: &'static str,
    /// What belongs there, in words.
    pub expects: &'static str,
    /// Whether it may hold a secret: then it may come from `NAME_FILE`. Passwords are shown of none.
    pub secret: bool,
    /// What it is for.
    pub about: &'static str,
}

/// What stands for the user's data folder in a default.
pub const DATA_FOLDER: &str = "{data}";

/// The variable whose presence says that this process is a Lambda function. Set by Lambda, never by people.
pub const LAMBDA_RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

/// Where records and jobs are.
pub const DATABASE_URL: Setting = Setting {
    name: "DATABASE_URL",
    default: "sqlite://{data}/recon.db",
    expects: "sqlite://FILE or postgres://USER:PASSWORD@HOST:PORT/DATABASE",
    secret: true,
    about: "records, jobs, sessions and idempotency keys",
};

/// How many connections a process keeps to the database.
pub const DATABASE_POOL_MAX: Setting = Setting {
    name: "DATABASE_POOL_MAX",
    default: "4",
    expects: "a number of connections, 1 to 256",
    secret: false,
    about: "connections that a process keeps to the database",
};

/// Where uploads and results are.
pub const OBJECT_URL: Setting = Setting {
    name: "OBJECT_URL",
    default: "file://{data}/objects",
    expects: "file://DIR or s3://BUCKET/PREFIX?region=&endpoint=&path_style=",
    secret: true,
    about: "uploaded files and results",
};

/// Where clients reach the bucket of [`OBJECT_URL`].
pub const OBJECT_PUBLIC_URL: Setting = Setting {
    name: "OBJECT_PUBLIC_URL",
    default: "",
    expects: "an address such as https://files.example.com, or with a path that a proxy takes away",
    secret: false,
    about: "address under which clients reach a bucket, for signed uploads and downloads; the bucket's own where none is set",
};

/// Which address the server listens on.
pub const BIND_ADDRESS: Setting = Setting {
    name: "BIND_ADDRESS",
    default: "127.0.0.1",
    expects: "an IP address",
    secret: false,
    about: "address that the server listens on",
};

/// Which port the server listens on.
pub const PORT: Setting = Setting {
    name: "PORT",
    default: "8080",
    expects: "a port, 0 to 65535",
    secret: false,
    about: "port that the server listens on; 0 picks a free one",
};

/// Which port metrics are served on.
pub const ADMIN_PORT: Setting = Setting {
    name: "ADMIN_PORT",
    default: "8081",
    expects: "a port, 0 to 65535, or `off`",
    secret: false,
    about: "port that metrics are served on, at `/metrics`; 0 picks a free one, `off` serves none",
};

/// The address under which clients know this service.
pub const PUBLIC_URL: Setting = Setting {
    name: "PUBLIC_URL",
    default: "",
    expects: "an origin such as https://recon.example.com",
    secret: false,
    about: "own origin: whether cookies are `Secure`, and which pages may write by cookie",
};

/// Which log lines are written.
pub const LOG: Setting = Setting {
    name: "LOG",
    default: "info",
    expects: "a tracing filter such as `info` or `info,recon_store=debug`",
    secret: false,
    about: "which log lines are written",
};

/// How log lines are written.
pub const LOG_FORMAT: Setting = Setting {
    name: "LOG_FORMAT",
    default: "auto",
    expects: "`text`, `json`, or `auto` for text on a terminal and JSON elsewhere",
    secret: false,
    about: "how log lines are written",
};

/// The largest upload.
pub const UPLOAD_BYTES_MAX: Setting = Setting {
    name: "UPLOAD_BYTES_MAX",
    default: "1073741824",
    expects: "a number of bytes",
    secret: false,
    about: "largest upload, in bytes",
};

/// How many jobs a worker runs at once.
pub const WORKER_CONCURRENCY: Setting = Setting {
    name: "WORKER_CONCURRENCY",
    default: "2",
    expects: "a number of jobs, 1 to 1000",
    secret: false,
    about: "jobs that a worker runs at once",
};

/// How long a server still accepts requests once it was asked to stop.
pub const DRAIN_WAIT_SECONDS: Setting = Setting {
    name: "DRAIN_WAIT_SECONDS",
    default: "2",
    expects: "a number of seconds, 0 to 25",
    secret: false,
    about: "seconds for which a server that was asked to stop still accepts requests, each answer closing its connection",
};

/// How long a migration waits for its database.
pub const MIGRATE_WAIT_SECONDS: Setting = Setting {
    name: "MIGRATE_WAIT_SECONDS",
    default: "60",
    expects: "a number of seconds, 0 to 3600",
    secret: false,
    about: "seconds for which `recon migrate` waits for a database that does not answer",
};

/// How often `recon serve` sweeps.
pub const SWEEP_INTERVAL_SECONDS: Setting = Setting {
    name: "SWEEP_INTERVAL_SECONDS",
    default: "60",
    expects: "a number of seconds, 1 to 86400",
    secret: false,
    about: "seconds between two sweeps of `recon serve`, which remove what nobody needs any more",
};

/// How long finished reconciliations and unused datasets are kept.
pub const RETENTION_DAYS: Setting = Setting {
    name: "RETENTION_DAYS",
    default: "",
    expects: "a number of days, 1 to 36500",
    secret: false,
    about: "days after which the sweeper deletes finished reconciliations, and datasets that none uses",
};

/// Every setting.
pub const ALL: &[&Setting] = &[
    &DATABASE_URL,
    &DATABASE_POOL_MAX,
    &OBJECT_URL,
    &OBJECT_PUBLIC_URL,
    &BIND_ADDRESS,
    &PORT,
    &ADMIN_PORT,
    &PUBLIC_URL,
    &LOG,
    &LOG_FORMAT,
    &UPLOAD_BYTES_MAX,
    &WORKER_CONCURRENCY,
    &DRAIN_WAIT_SECONDS,
    &MIGRATE_WAIT_SECONDS,
    &SWEEP_INTERVAL_SECONDS,
    &RETENTION_DAYS,
];

impl Setting {
    /// A value as it may be shown: the password of a URL is replaced, that of one in its parameters, and what parameters
    /// for a password are set to. Whatever the setting is for: a password stands where nobody meant it to as well.
    #[must_use]
    pub fn shown(&self, value: &str) -> String {
        let (place, parameters) =
            value.split_once('?').map_or((value, None), |(place, all)| (place, Some(all)));
        let mut shown = place.to_owned();
        for (index, parameter) in parameters.into_iter().flat_map(|all| all.split('&')).enumerate() {
            shown.push(if index == 0 { '?' } else { '&' });
            match parameter.split_once('=') {
                Some((name, _)) if name.to_ascii_lowercase().contains("password") => {
                    shown.push_str(name);
                    shown.push_str("=***");
                }
                _ => shown.push_str(parameter),
            }
        }
        without_passwords(&shown)
    }
}

/// What parts a scheme from what follows it, what ends a user, and what ends a password: as they are, and as they stand in
/// a parameter.
const SCHEME_ENDS: [&str; 2] = ["://", "%3a%2f%2f"];
const USER_ENDS: [&str; 2] = [":", "%3a"];
const PASSWORD_ENDS: [&str; 2] = ["@", "%40"];

/// A text whose URLs show no password. Much in a password may not stand there, and is there all the same: so it goes from the
/// first colon of a URL to its last `@`.
fn without_passwords(text: &str) -> String {
    // Of the same length, so that places in one are places in the other.
    let lower = text.to_ascii_lowercase();
    let mut begins: Vec<usize> = SCHEME_ENDS
        .iter()
        .flat_map(|ends| lower.match_indices(ends).map(|(at, ends)| (at, at + ends.len())))
        .filter(|(at, _)| is_value(&lower[..*at]))
        .map(|(_, begin)| begin)
        .collect();
    begins.sort_unstable();
    if begins.first().is_none_or(|first| lower[..*first].contains('@')) {
        begins.insert(0, 0);
    }
    let mut shown = text[..begins[0]].to_owned();
    for (index, begin) in begins.iter().enumerate() {
        let end = begins.get(index + 1).copied().unwrap_or(text.len());
        let url = &lower[*begin..end];
        let user = USER_ENDS.iter().filter_map(|ends| url.find(ends).map(|at| at + ends.len())).min();
        let password = PASSWORD_ENDS.iter().filter_map(|ends| url.rfind(ends)).max();
        match (user, password) {
            (Some(from), Some(to)) if from <= to => {
                shown.push_str(&text[*begin..begin + from]);
                shown.push_str("***");
                shown.push_str(&text[begin + to..end]);
            }
            _ => shown.push_str(&text[*begin..end]),
        }
    }
    shown
}

/// Whether a URL's scheme that ends here is the beginning of all, or of what a parameter is set to; else it is part of
/// something, such as a password.
fn is_value(before: &str) -> bool {
    let is_of_scheme = |letter: char| letter.is_ascii_alphanumeric() || "+-.".contains(letter);
    let before = before.trim_end_matches(is_of_scheme);
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    let name = before.strip_suffix('=').map(|name| name.trim_end_matches(is_of_name));
    before.is_empty() || name.is_some_and(|before| before.ends_with(['?', '&']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_url_that_is_a_password_is_shown() {
        for (given, shown) in [
            ("postgres://a:hunter2@h/d", "postgres://a:***@h/d"),
            (
                "postgres://a@h/d?sslmode=require&password=hunter2",
                "postgres://a@h/d?sslmode=require&password=***",
            ),
            ("postgres://a@h:5432/d?password=hunter2@hunter2", "postgres://a@h:5432/d?password=***"),
            ("postgres://h/d?sslpassword=hunter2", "postgres://h/d?sslpassword=***"),
            ("sqlite://a/b.db", "sqlite://a/b.db"),
            ("postgres://app:a=b://hunter2@db", "postgres://app:***@db"),
        ] {
            assert_eq!(DATABASE_URL.shown(given), shown);
        }
        for (setting, given, shown) in [
            (OBJECT_PUBLIC_URL, "https://u:hunter2@h", "https://u:***@h"),
            (PUBLIC_URL, "https://u:hunter2@h/", "https://u:***@h/"),
            (
                OBJECT_URL,
                "s3://books?endpoint=http://u:hunter2@h&region=r",
                "s3://books?endpoint=http://u:***@h&region=r",
            ),
            (
                OBJECT_URL,
                "s3://k:hunter2@books/p?endpoint=http%3A%2f%2Fu%3Ahunter2%40h",
                "s3://k:***@books/p?endpoint=http%3A%2f%2Fu%3A***%40h",
            ),
            (
                OBJECT_URL,
                "s3://books/p?endpoint=http://127.0.0.1:9000&path_style=true",
                "s3://books/p?endpoint=http://127.0.0.1:9000&path_style=true",
            ),
            (OBJECT_URL, "file:///data/a@b", "file:///data/a@b"),
        ] {
            assert_eq!(setting.shown(given), shown);
        }
        // What is no URL is shown too, to say what is wrong with it.
        for given in [
            "app:hunter2@db/recon",
            "postgres://app:hunter2/hunter2@db",
            "postgres://app:hunter2?hunter2&hunter2@db",
            "postgres://app:hunter2://hunter2@db",
            "s3://books?endpoint=http://u:hunter2/hunter2@h",
            "http%3a%2f%2fu%3ahunter2%40h",
        ] {
            assert!(!OBJECT_URL.shown(given).contains("hunter2"), "{}", OBJECT_URL.shown(given));
        }
    }

    #[test]
    fn the_readme_of_the_project_names_every_setting_with_its_default() {
        let readme = include_str!("../../../README.md");
        let rows: Vec<_> = readme.lines().filter_map(|line| line.strip_prefix("| `")).collect();
        for Setting { name, default, .. } in ALL {
            let row = match *default {
                "" => format!("{name}` | none | "),
                default => format!("{name}` | `{default}` | "),
            };
            assert_eq!(rows.iter().filter(|line| line.starts_with(&row)).count(), 1, "a row with {row:?}");
        }
    }

    #[test]
    fn names_are_unique_and_every_default_is_documented() {
        for (index, setting) in ALL.iter().enumerate() {
            assert!(ALL[..index].iter().all(|other| other.name != setting.name), "{}", setting.name);
            assert!(!setting.expects.is_empty() && !setting.about.is_empty(), "{}", setting.name);
        }
    }
}
