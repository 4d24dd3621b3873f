//! Who may depend on whom.

use cargo_metadata::{DependencyKind, Metadata};

/// Crates that stay pure: no serialisation, no async, no files, no sockets.
const PURE: [&str; 2] = ["recon-domain", "recon-engine"];
const IMPURE: [&str; 20] = [
    "axum",
    "csv",
    "csv-core",
    "futures-util",
    "http",
    "hyper",
    "lambda_http",
    "lambda_runtime",
    "object_store",
    "parquet",
    "reqwest",
    "serde",
    "serde_json",
    "sqlx",
    "tempfile",
    "tokio",
    "toml",
    "tower",
    "tracing",
    "ureq",
];
/// The one crate that knows Lambda.
const LAMBDA: [&str; 1] = ["recon-runtime"];
/// The crates that keep something in a database.
const DATABASE: [&str; 3] = ["recon-store", "recon-idempotency", "recon-session"];
/// The crate that brings every function together.
const SERVER: &str = "recon-server";
/// The crate whose points let processes end, and the feature by which it does. Only tests turn it on.
const FAIL_POINTS: (&str, &str) = ("fail", "failpoints");

/// What the rules look at of a workspace's package.
#[derive(Debug, Default, Clone)]
pub(super) struct Package {
    pub(super) name: String,
    /// Its folder, from the root: `functions/health`.
    pub(super) folder: String,
    pub(super) dependencies: Vec<Dependency>,
    /// What its own features turn on.
    pub(super) turns_on: Vec<String>,
    /// Whether cargo would build a test binary for any of its targets.
    pub(super) builds_tests: bool,
}

/// A dependency as its manifest declares it.
#[derive(Debug, Default, Clone)]
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) requirement: String,
    pub(super) features: Vec<String>,
    pub(super) in_workspace: bool,
    pub(super) normal: bool,
}

pub(super) fn packages(metadata: &Metadata) -> Vec<Package> {
    let packages = metadata.packages.iter().map(|package| {
        let folder = package
            .manifest_path
            .parent()
            .and_then(|folder| folder.strip_prefix(&metadata.workspace_root).ok().map(ToString::to_string));
        let dependencies = package.dependencies.iter().map(|dependency| Dependency {
            name: dependency.name.clone(),
            requirement: dependency.req.to_string(),
            features: dependency.features.clone(),
            in_workspace: dependency.path.is_some(),
            normal: dependency.kind == DependencyKind::Normal,
        });
        Package {
            name: package.name.to_string(),
            folder: folder.unwrap_or_default(),
            dependencies: dependencies.collect(),
            turns_on: package.features.values().flatten().cloned().collect(),
            builds_tests: package.targets.iter().any(|target| target.test),
        }
    });
    packages.collect()
}

/// What breaks a rule, in words.
pub(super) fn check(packages: &[Package]) -> Vec<String> {
    let is_function = |name: &str| packages.iter().any(|other| other.name == name && is_function(other));
    let mut complaints = Vec::new();
    for package in packages {
        let name = package.name.as_str();
        for dependency in &package.dependencies {
            let other = dependency.name.as_str();
            if self::is_function(package) && is_function(other) {
                complaints.push(format!("{name} depends on {other}: a function never depends on another"));
            }
            if other.starts_with("lambda_") && !LAMBDA.contains(&name) {
                complaints.push(format!("{name} depends on {other}: only recon-runtime knows Lambda"));
            }
            if other == "sqlx" && !DATABASE.contains(&name) {
                complaints.push(format!("{name} depends on sqlx: only {} may", DATABASE.join(", ")));
            }
            if dependency.normal && PURE.contains(&name) && IMPURE.contains(&other) {
                complaints.push(format!("{name} depends on {other}: it stays free of IO and serialisation"));
            }
            if !dependency.in_workspace && !dependency.requirement.starts_with('=') {
                complaints.push(format!("{name} depends on {other} {}: pin it", dependency.requirement));
            }
        }
        if self::is_function(package) && package.builds_tests {
            complaints.push(format!("{name} builds a test binary: set `test = false`, tests are in tests/"));
        }
    }
    complaints.extend(with_fail_points(packages));
    complaints.extend(without_server(packages));
    complaints
}

/// Packages whose builds have fail points without anybody asking for them.
fn with_fail_points(packages: &[Package]) -> Vec<String> {
    let (name, feature) = FAIL_POINTS;
    let full = format!("{name}/{feature}");
    let depends = |dependency: &Dependency| {
        dependency.normal && dependency.name == name && dependency.features.iter().any(|on| on == feature)
    };
    let has =
        |package: &&Package| package.dependencies.iter().any(depends) || package.turns_on.contains(&full);
    let complain = |package: &Package| format!("{} turns {full} on: only tests do", package.name);
    packages.iter().filter(has).map(complain).collect()
}

/// Functions that the server forgot.
fn without_server(packages: &[Package]) -> Vec<String> {
    let Some(server) = packages.iter().find(|package| package.name == SERVER) else {
        return vec![format!("there is no package {SERVER}")];
    };
    let serves = |name: &str| server.dependencies.iter().any(|dependency| dependency.name == name);
    let forgotten = packages.iter().filter(|package| is_function(package) && !serves(&package.name));
    forgotten.map(|package| format!("{SERVER} does not depend on {}", package.name)).collect()
}

pub(super) fn is_function(package: &Package) -> bool {
    package.folder.starts_with("functions/")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A package of this name in this folder with pinned dependencies of these names.
    fn package(folder: &str, name: &str, dependencies: &[&str]) -> Package {
        let dependencies = dependencies.iter().map(|name| Dependency {
            name: (*name).to_owned(),
            requirement: "=1.0.0".to_owned(),
            normal: true,
            ..Dependency::default()
        });
        Package {
            name: name.to_owned(),
            folder: format!("{folder}/{name}"),
            dependencies: dependencies.collect(),
            ..Package::default()
        }
    }

    /// The one complaint about this package beside a server that serves all functions.
    #[track_caller]
    fn check(package: Package, expected: &str) {
        let other = self::package("functions", "health", &[]);
        let server = self::package("local", SERVER, &["health", &package.name]);
        assert_eq!(super::check(&[package, other, server]), [expected]);
    }

    #[test]
    fn a_function_that_depends_on_another_is_refused() {
        check(
            package("functions", "match-list", &["health"]),
            "match-list depends on health: a function never depends on another",
        );
    }

    #[test]
    fn lambda_outside_the_runtime_is_refused() {
        check(
            package("functions", "match-list", &["lambda_http"]),
            "match-list depends on lambda_http: only recon-runtime knows Lambda",
        );
    }

    #[test]
    fn a_database_outside_the_stores_is_refused() {
        check(
            package("shared", "recon-contract", &["sqlx"]),
            "recon-contract depends on sqlx: only recon-store, recon-idempotency, recon-session may",
        );
    }

    #[test]
    fn io_in_a_pure_crate_is_refused() {
        check(
            package("shared", "recon-engine", &["serde"]),
            "recon-engine depends on serde: it stays free of IO and serialisation",
        );
    }

    #[test]
    fn an_unpinned_version_is_refused() {
        let mut loose = package("shared", "recon-formats", &["csv-core"]);
        loose.dependencies[0].requirement = "^0.1".to_owned();
        check(loose, "recon-formats depends on csv-core ^0.1: pin it");
    }

    #[test]
    fn a_test_binary_in_a_function_is_refused() {
        let mut tested = package("functions", "match-list", &[]);
        tested.builds_tests = true;
        check(tested, "match-list builds a test binary: set `test = false`, tests are in tests/");
    }

    #[test]
    fn fail_points_outside_of_tests_are_refused() {
        let mut depends = package("shared", "recon-store", &["fail"]);
        depends.dependencies[0].features = vec!["failpoints".to_owned()];
        check(depends.clone(), "recon-store turns fail/failpoints on: only tests do");
        depends.dependencies[0].normal = false;
        assert!(with_fail_points(&[depends]).is_empty(), "a dependency of tests may");
        let mut turns_on = package("shared", "recon-store", &["fail"]);
        turns_on.turns_on = vec!["fail/failpoints".to_owned()];
        check(turns_on, "recon-store turns fail/failpoints on: only tests do");
    }

    #[test]
    fn a_function_that_is_not_served_is_refused() {
        let packages = [package("functions", "health", &[]), package("local", SERVER, &[])];
        assert_eq!(super::check(&packages), ["recon-server does not depend on health"]);
    }
}
