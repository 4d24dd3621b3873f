//! A private DynamoDB: Amazon's DynamoDB Local, a Java program.
//!
//! Another emulator, `dynoxide-rs`, is no dependency here, not even an optional one: one lock file has room for one version
//! of SQLite, and its is older than sqlx's, so the product would get the older one. So `tests/dynamodb` is a program of its own, which
//! `TEST_DYNAMODB` leads to; the suite `dynamodb` runs everything on both.

use std::ffi::OsStr;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, bail, ensure};

use super::{Service, folder};

const POM: &str = include_str!("dynamodb/pom.xml");

/// A private DynamoDB on a port of 127.0.0.1, which takes any credentials and any region. It keeps what it has in memory.
#[derive(Debug)]
pub struct DynamoDb {
    endpoint: String,
    _service: Option<Service>,
}

/// The variable that has the address of another DynamoDB for the tests: another emulator, never one with tables that matter.
const TEST_DYNAMODB: &str = "TEST_DYNAMODB";

impl DynamoDb {
    /// The one of this process, started at its first use, or what listens where `TEST_DYNAMODB` says.
    ///
    /// # Errors
    /// When Java or Maven are not installed, or Maven does not get the program, or it does not start.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<DynamoDb, String>> = OnceLock::new();
        #[expect(clippy::disallowed_methods, reason = "this is for the tests, not for what they start")]
        let given = std::env::var(TEST_DYNAMODB).ok().map(|endpoint| Self { endpoint, _service: None });
        let start = || given.map_or_else(Self::start, Ok).map_err(|error| format!("{error:#}"));
        let started = SHARED.get_or_init(start);
        started.as_ref().map_err(|error| anyhow!("{error}"))
    }

    /// Starts one. Dropping it stops it.
    ///
    /// # Errors
    /// When Java or Maven are not installed, or Maven does not get the program, or it does not start.
    pub fn start() -> Result<Self> {
        need("java", "-version", "default-jre-headless")?;
        let class_path = class_path()?;
        let folder = folder("dynamodb", None)?;
        // Its SQLite is a library outside of Java, which it has for x86-64 and ARM and unpacks there.
        let unpacked = format!("-Djava.io.tmpdir={}", folder.display());
        let arguments = |port: u16| {
            let port = port.to_string();
            let main = "com.amazonaws.services.dynamodbv2.local.main.ServerRunner";
            // Java does not listen to a signal that it finds ignored, as a shell's programs in the background do.
            let mut own =
                vec!["--default-signal=INT", "java", "-Xmx512m", &unpacked, "-cp", &class_path, main];
            own.extend(["-inMemory", "-disableTelemetry", "-port", &port]);
            own.into_iter().map(str::to_owned).collect()
        };
        let answers = |port| TcpStream::connect(("127.0.0.1", port)).is_ok();
        let (service, port) =
            Service::start_on_free_port(Path::new("env"), arguments, &folder, None, answers)?;
        Ok(Self { endpoint: format!("http://127.0.0.1:{port}"), _service: Some(service) })
    }

    /// Where it listens, as an SDK is told.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.endpoint.clone()
    }
}

/// What the program is made of, as Java is told: Maven gets it once and keeps it where it keeps everything.
fn class_path() -> Result<String> {
    let kept = kept()?;
    if let Ok(class_path) = std::fs::read_to_string(&kept)
        && class_path.split(':').all(|path| Path::new(path).is_file())
    {
        return Ok(class_path);
    }
    need("mvn", "--version", "maven")?;
    let folder = tempfile::tempdir().context("make a folder for Maven")?;
    let (pom, found) = (folder.path().join("pom.xml"), folder.path().join("class-path"));
    std::fs::write(&pom, POM).context("write Maven's project")?;
    let mut maven = Command::new("mvn");
    maven.args(["--quiet", "--batch-mode", "--file"]).arg(&pom).arg("dependency:build-classpath");
    maven.arg(format!("-Dmdep.outputFile={}", found.display()));
    let output = maven.output().context("start Maven")?;
    ensure!(output.status.success(), "Maven gets no DynamoDB: {}", String::from_utf8_lossy(&output.stdout));
    let class_path = std::fs::read_to_string(&found).context("read what Maven got")?;
    std::fs::copy(&found, &kept).with_context(|| format!("write {}", kept.display()))?;
    Ok(class_path)
}

/// Beside what cargo builds, by the version.
fn kept() -> Result<PathBuf> {
    let version = POM.rsplit("<version>").next().and_then(|rest| rest.split('<').next());
    let test = std::env::current_exe().context("find the running test")?;
    let folder = test.ancestors().nth(2).context("the test is not in a target folder")?;
    Ok(folder.join(format!("dynamodb-local-{}", version.context("no version")?)))
}

fn need(program: impl AsRef<OsStr>, ask: &str, package: &str) -> Result<()> {
    let known = Command::new(&program).arg(ask).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !known.is_ok_and(|status| status.success()) {
        bail!("{package} is not installed: on Debian or Ubuntu, apt-get install {package}");
    }
    Ok(())
}
