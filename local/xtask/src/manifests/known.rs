//! What the program says of itself: its settings, its metrics, how long it takes to stop. Read from where it is written, so
//! that there is no second list.

mod scaling;
pub(super) mod table;
mod times;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

pub(super) use scaling::Scaling;

const SETTINGS: &str = "shared/recon-runtime/src/setting.rs";
/// What stands before the default of this setting.
const DRAIN_WAIT: &str = "name: \"DRAIN_WAIT_SECONDS\",\n    default: \"";
const LADDER: &str = "shared/recon-runtime/src/process/ladder.rs";
const CONNECTION: &str = "shared/recon-runtime/src/container/connection.rs";
const DATABASE: &str = "shared/recon-store/src/postgres.rs";
const METRICS: &str = "infra/monitoring/metrics.txt";
const SCALING: &str = "SCALING.md";
const GUIDE: &str = "infra/k8s/README.md";
/// Their comments say what people have to make for a component.
const COMPONENTS: &str = "infra/k8s/components";

/// All of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// The version of the program.
    pub(super) version: String,
    /// The variables that it reads.
    pub(super) settings: BTreeSet<String>,
    /// The series that it exports, each with its labels.
    pub(super) metrics: BTreeMap<String, BTreeSet<String>>,
    /// How long it takes to stop at most.
    pub(super) grace_seconds: u64,
    /// How long it then takes to close its connections to the database at most.
    pub(super) close_seconds: u64,
    /// How long it keeps a connection on which nothing happens.
    pub(super) keep_alive_seconds: u64,
    /// The Secrets that people are told to make.
    pub(super) secrets: BTreeSet<String>,
    /// For how long it still takes requests once it was asked to stop, where nothing is said.
    pub(super) drain_wait_seconds: u64,
    /// How long it waits for what, by the rows of SCALING.md.
    pub(super) times: Vec<(String, Vec<u64>)>,
    /// What SCALING.md promises.
    pub(super) scaling: Scaling,
}

impl Known {
    /// Reads it below the workspace's root.
    pub(super) fn read(root: &Path, version: &str) -> Result<Self> {
        let text =
            |place: &str| fs::read_to_string(root.join(place)).with_context(|| format!("read {place}"));
        Ok(Self {
            version: version.to_owned(),
            settings: settings(&text(SETTINGS)?).with_context(|| format!("read {SETTINGS}"))?,
            metrics: metrics(&text(METRICS)?).with_context(|| format!("read {METRICS}"))?,
            grace_seconds: seconds(&text(LADDER)?, "GRACE").with_context(|| format!("read {LADDER}"))?,
            close_seconds: seconds(&text(DATABASE)?, "CLOSE_MAX")
                .with_context(|| format!("read {DATABASE}"))?,
            keep_alive_seconds: seconds(&text(CONNECTION)?, "KEEP_ALIVE")
                .with_context(|| format!("read {CONNECTION}"))?,
            secrets: secrets(&told(root, text(GUIDE)?)?),
            drain_wait_seconds: number_after(&text(SETTINGS)?, DRAIN_WAIT)
                .with_context(|| format!("read {SETTINGS}"))?,
            times: times::read(root)?,
            scaling: Scaling::read(&text(SCALING)?).with_context(|| format!("read {SCALING}"))?,
        })
    }
}

/// The names in the table of settings, and `NAME_FILE` of those that may be secret.
fn settings(source: &str) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    let mut last = None;
    for line in source.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("name: \"").and_then(|rest| rest.strip_suffix("\",")) {
            names.insert(name.to_owned());
            last = Some(name);
        } else if line == "secret: true," {
            names.extend(last.map(|name| format!("{name}_FILE")));
        }
    }
    if names.is_empty() {
        bail!("no line `name: \"…\",` is in it");
    }
    Ok(names)
}

/// The guide, and what each component says of itself.
fn told(root: &Path, mut guide: String) -> Result<String> {
    let entries = fs::read_dir(root.join(COMPONENTS)).with_context(|| format!("list {COMPONENTS}"))?;
    for entry in entries {
        let file = entry.with_context(|| format!("list {COMPONENTS}"))?.path().join("kustomization.yaml");
        guide.push('\n');
        guide.push_str(&fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?);
    }
    Ok(guide)
}

/// Names in lines `secret NAME …` of a script, and after the word Secret in a text.
fn secrets(text: &str) -> BTreeSet<String> {
    let commands =
        text.lines().filter_map(|line| line.trim().strip_prefix("secret ")?.split_whitespace().next());
    let named = text.split("Secret `").skip(1).filter_map(|rest| rest.split('`').next());
    commands.chain(named).map(str::to_owned).collect()
}

/// Lines `name type label,label`. A histogram is three series.
fn metrics(list: &str) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut series = BTreeMap::new();
    for (number, line) in (1..).zip(list.lines()) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.split_whitespace();
        let (Some(name), Some(kind)) = (words.next(), words.next()) else {
            bail!("line {number} is not `name type label,label`: {line}");
        };
        let labels: BTreeSet<String> =
            words.next().into_iter().flat_map(|all| all.split(',')).map(str::to_owned).collect();
        match kind {
            "histogram" => {
                let mut bucket = labels.clone();
                bucket.insert("le".to_owned());
                series.insert(format!("{name}_bucket"), bucket);
                series.insert(format!("{name}_sum"), labels.clone());
                series.insert(format!("{name}_count"), labels);
            }
            "counter" | "gauge" => drop(series.insert(name.to_owned(), labels)),
            other => bail!("line {number}: `{other}` is neither counter, gauge nor histogram"),
        }
    }
    Ok(series)
}

/// The seconds of `const NAME: Duration = Duration::from_secs(…)`.
fn seconds(source: &str, name: &str) -> Result<u64> {
    number_after(source, &format!("const {name}: Duration = Duration::from_secs("))
}

/// The number that follows on these words, where they first stand.
fn number_after(source: &str, begin: &str) -> Result<u64> {
    let rest = source.split_once(begin).with_context(|| format!("`{begin}…` is not in it"))?.1;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().with_context(|| format!("`{digits}` is no number, after `{begin}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_found_where_they_are_declared() {
        let source =
            "    name: \"PORT\",\n    secret: false,\n    name: \"DATABASE_URL\",\n    secret: true,\n";
        let names: Vec<_> = settings(source).unwrap().into_iter().collect();
        assert_eq!(names, ["DATABASE_URL", "DATABASE_URL_FILE", "PORT"]);
        assert!(settings("fn main() {}").is_err());
    }

    #[test]
    fn secrets_that_people_make_are_found_in_the_guide() {
        let guide = "   secret objects --from-env-file=x\n# in the Secret `reader`, key `connection`:\n";
        assert_eq!(secrets(guide).into_iter().collect::<Vec<_>>(), ["objects", "reader"]);
    }

    #[test]
    fn a_histogram_is_three_series() {
        let found = metrics("# made by a test\nh histogram route\nc counter\ng gauge a,b\n").unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), ["c", "g", "h_bucket", "h_count", "h_sum"]);
        assert!(found["h_bucket"].contains("le") && !found["h_sum"].contains("le"));
        assert_eq!(found["g"].len(), 2);
        assert_eq!(metrics("x\n").unwrap_err().to_string(), "line 1 is not `name type label,label`: x");
        assert!(metrics("x summary\n").unwrap_err().to_string().contains("`summary`"));
    }

    #[test]
    fn a_constant_that_is_gone_is_named() {
        let source = "/// Long.\npub const GRACE: Duration = Duration::from_secs(30);\n";
        assert_eq!(seconds(source, "GRACE").unwrap(), 30);
        assert!(seconds(source, "KEEP_ALIVE").unwrap_err().to_string().contains("const KEEP_ALIVE"));
    }

    #[test]
    fn the_program_still_says_how_long_it_takes_to_stop() {
        let root = crate::workspace::root();
        for (place, name) in [(LADDER, "GRACE"), (DATABASE, "CLOSE_MAX"), (CONNECTION, "KEEP_ALIVE")] {
            let source = fs::read_to_string(root.join(place)).unwrap();
            assert!(seconds(&source, name).unwrap() > 0, "{place}");
        }
        assert!(settings(&fs::read_to_string(root.join(SETTINGS)).unwrap()).unwrap().contains("PORT"));
    }
}
