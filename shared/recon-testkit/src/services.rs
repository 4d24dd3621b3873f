//! Real servers for tests: each private to the process that started it, on a free port, and gone with that process
//! however it ends.

mod authority;
mod dynamodb;
mod nginx;
mod pgbouncer;
mod postgres;
mod redis;
mod redis_cluster;
mod s3;
mod way;

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

pub use authority::Authority;
pub use dynamodb::DynamoDb;
pub use nginx::Nginx;
pub use pgbouncer::PgBouncer;
pub use postgres::Postgres;
pub use redis::Redis;
pub use redis_cluster::RedisCluster;
pub use s3::S3;
pub use way::Way;

/// How long a server may take until it answers.
const START_MAX: Duration = Duration::from_secs(60);

/// How many free ports are tried: somebody else may take one before the server does.
const STARTS_MAX: u32 = 3;

/// Starts the program and waits until this process is gone (then its input ends), stops it, and takes its folder away. A program
/// that ends by itself ends this too, and its folder stays for the next start, whose
/// `alive` nothing of this one may remove. Whoever removes `alive` first knows which of the two it was.
const WATCH: &str = r#"folder=$1; shift; : >"$folder/alive"; exec 3<&0; "$@" & child=$!
{ cat <&3 >/dev/null; rm "$folder/alive" 2>/dev/null && kill -INT "$child"; } & input=$!
wait "$child"; rm "$folder/alive" 2>/dev/null && { kill "$input"; wait "$input"; exit 1; }; rm -rf "$folder""#;

/// A server with a folder of its own. Dropping it stops it.
#[derive(Debug)]
struct Service {
    watcher: Child,
    folder: PathBuf,
}

impl Service {
    /// Starts a program on a free port with these arguments, and waits until it answers there.
    fn start_on_free_port(
        program: &Path,
        arguments: impl Fn(u16) -> Vec<String>,
        folder: &Path,
        user: Option<User>,
        answers: impl Fn(u16) -> bool,
    ) -> Result<(Self, u16)> {
        let mut starts_left = STARTS_MAX;
        loop {
            starts_left -= 1;
            let port = free_port()?;
            let mut service = Self::start(program, &arguments(port), folder.to_owned(), user)?;
            match service.wait_until(|| answers(port)) {
                Ok(()) => return Ok((service, port)),
                Err(error) if starts_left == 0 => {
                    // It has ended already or is about to; then nobody else takes its folder away.
                    drop(service);
                    _ = std::fs::remove_dir_all(folder);
                    return Err(error);
                }
                Err(_) if service.watcher.try_wait()?.is_some() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Starts a program that writes into this folder only, as this user.
    fn start(program: &Path, arguments: &[String], folder: PathBuf, user: Option<User>) -> Result<Self> {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(folder.join("log"))
            .context("open the server's log")?;
        let mut command = Command::new("sh");
        command.arg("-c").arg(WATCH).arg("sh").arg(&folder).arg(program).args(arguments);
        // A signal from a terminal is for the tests; the server goes when they have ended.
        command.process_group(0).current_dir(&folder);
        if let Some(user) = user {
            command.uid(user.id).gid(user.group);
        }
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
        let watcher = command.spawn().with_context(|| format!("start {}", program.display()))?;
        Ok(Self { watcher, folder })
    }

    /// Waits until it answers.
    fn wait_until(&mut self, mut answers: impl FnMut() -> bool) -> Result<()> {
        let started = Instant::now();
        while !answers() {
            if started.elapsed() > START_MAX || self.watcher.try_wait()?.is_some() {
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                bail!("the server in {} does not answer: {log}", self.folder.display());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        // Without it the folder stays; there is nobody to tell.
        _ = self.watcher.wait();
    }
}

/// Whom a server runs as where this process is root, which some servers refuse to run as.
#[derive(Debug, Clone, Copy)]
struct User {
    id: u32,
    group: u32,
}

impl User {
    /// The user of this name, if this process is root; else this process's own, `None`.
    fn instead_of_root(name: &str) -> Result<Option<Self>> {
        let own = Command::new("id").arg("-u").output().context("ask for the own user")?;
        if own.stdout.trim_ascii() != b"0" {
            return Ok(None);
        }
        let users = std::fs::read_to_string("/etc/passwd").context("read the users")?;
        let line = [name, "nobody"]
            .iter()
            .find_map(|name| users.lines().find(|line| line.split(':').next() == Some(name)))
            .with_context(|| format!("no user {name} to run the server as"))?;
        let mut numbers = line.split(':').skip(2).map(str::parse::<u32>);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(id)), Some(Ok(group))) => Ok(Some(Self { id, group })),
            _ => bail!("the user {name} has no number"),
        }
    }
}

/// A folder of its own for a server, that this user may write to.
fn folder(name: &str, user: Option<User>) -> Result<PathBuf> {
    let folder = tempfile::Builder::new().prefix(&format!("recon-{name}-")).tempdir()?.keep();
    if let Some(user) = user {
        std::os::unix::fs::chown(&folder, Some(user.id), Some(user.group)).context("hand the folder over")?;
    }
    Ok(folder)
}

/// A port that nobody listens on now.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("look for a free port")?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A service whose program is this line of shell. A shell cannot do anything about the signal that a server is stopped with,
    /// so it looks at the file.
    fn run(line: &str) -> Service {
        let arguments = ["-c".to_owned(), line.to_owned()];
        Service::start(Path::new("sh"), &arguments, folder("test", None).unwrap(), None).unwrap()
    }

    #[test]
    fn a_service_goes_with_its_folder_when_it_is_dropped() {
        let service = run(": >up; while [ -e alive ]; do sleep 0.01; done");
        let folder = service.folder.clone();
        let started = Instant::now();
        while !folder.join("up").exists() {
            assert!(started.elapsed() < START_MAX);
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(service);
        assert!(!folder.exists());
    }

    #[test]
    fn a_program_that_ends_by_itself_is_noticed_at_once_and_says_why() {
        let mut service = run("echo no such luck; exit 3");
        let started = Instant::now();
        let error = service.wait_until(|| false).unwrap_err();
        assert!(started.elapsed() < START_MAX);
        assert!(error.to_string().contains("no such luck"), "{error}");
        let folder = service.folder.clone();
        drop(service);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_port_that_is_taken_is_given_up_for_another_one() {
        let tried = std::cell::RefCell::new(Vec::new());
        let folder = folder("test", None).unwrap();
        let arguments = |port| {
            tried.borrow_mut().push(port);
            let fails = "exit 1".to_owned();
            let lasts = "while [ -e alive ]; do sleep 0.01; done".to_owned();
            vec!["-c".to_owned(), if tried.borrow().len() == 1 { fails } else { lasts }]
        };
        let answers = |_| tried.borrow().len() == 2;
        let (service, port) =
            Service::start_on_free_port(Path::new("sh"), arguments, &folder, None, answers).unwrap();
        assert_eq!(tried.borrow()[1], port);
        drop(service);
    }
}
