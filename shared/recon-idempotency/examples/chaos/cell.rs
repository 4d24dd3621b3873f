//! One try: a server ends at a point, and a client asks on.

use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::client::{ask, until_answered};
use crate::plan::{Cell, End, Form};
use crate::server::KILL;
use crate::stores::{self, Keys, Services};

/// How long a process may take to start.
const START_MAX: Duration = Duration::from_secs(20);
/// How long it may take to end, or to say that it panicked, once its client has an answer or none.
const END_MAX: Duration = Duration::from_secs(10);
const SIGKILL: i32 = 9;
/// How often a request is repeated once it was answered.
const REPLAYS: usize = 2;

/// What became of a try.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    /// So many effects, and not one.
    Effects(i64),
    /// The server did not end where it should have: the try says nothing.
    Unreached,
    /// Something else went wrong.
    Failed(String),
}

pub(crate) struct Run {
    pub(crate) cell: Cell,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
}

pub(crate) async fn run(services: &Services, cell: Cell) -> Run {
    let begun = Instant::now();
    let outcome = match attempt(services, cell).await {
        Ok(None) => Outcome::Unreached,
        Ok(Some(1)) => Outcome::Ok,
        Ok(Some(effects)) => Outcome::Effects(effects),
        Err(error) => Outcome::Failed(format!("{error:#}")),
    };
    Run { cell, outcome, took: begun.elapsed() }
}

/// How many effects there were in the end, where everything else is as it should be; `None` where the point was not reached.
async fn attempt(services: &Services, cell: Cell) -> Result<Option<i64>> {
    let folder = tempfile::tempdir().context("make a folder")?;
    let keys = services.keys(cell.store, folder.path()).await?;
    let key = format!("{}-{}-{:?}-{}", cell.store.label(), cell.form.label(), cell.end, cell.point.name);
    let mut server =
        Server::start(cell.form, &keys, folder.path(), Some((cell.point.name, cell.end))).await?;

    let first = ask(server.port, &key).await;
    let reached = match cell.end {
        End::Kill => server.killed().await?,
        End::Panic => server.panicked(folder.path(), cell.point.name).await?,
    };
    if !reached {
        return Ok(None);
    }
    if cell.end == End::Kill {
        server = Server::start(cell.form, &keys, folder.path(), None).await?;
    }
    let acknowledged = first.as_ref().ok().filter(|answer| answer.status < 300).cloned();
    // Who was answered asks again all the same, as one whose connection was cut would.
    let asked = if acknowledged.is_some() { ask(server.port, &key).await } else { first };
    let answer = until_answered(server.port, &key, asked).await?;
    ensure!(answer.status == 201, "the client was answered {answer:?}");
    if let Some(acknowledged) = acknowledged {
        ensure!(acknowledged.promise() == answer.promise(), "{acknowledged:?} became {answer:?}");
    }
    for _ in 0..REPLAYS {
        let replay = ask(server.port, &key).await.context("replay")?;
        ensure!(replay.promise() == answer.promise(), "{answer:?} was replayed as {replay:?}");
        ensure!(replay.header("idempotency-replayed") == Some("true"), "no replay: {replay:?}");
    }
    effects(cell.form, &keys, folder.path(), &key).await.map(Some)
}

/// Counted beside the server.
async fn effects(form: Form, keys: &str, folder: &Path, key: &str) -> Result<i64> {
    match form {
        Form::Local | Form::OneStatement => Keys::open(keys).await?.effects(key).await,
        Form::Remote | Form::RandomId | Form::AnswersFirst => {
            let elsewhere = stores::elsewhere(&folder.join(ELSEWHERE)).await?;
            Keys::Sqlite(elsewhere).effects(key).await
        }
    }
}

const ELSEWHERE: &str = "elsewhere.db";
const LOG: &str = "log";

/// This very program as a server. Dropping it kills it.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    async fn start(form: Form, keys: &str, folder: &Path, armed: Option<(&str, End)>) -> Result<Self> {
        let program = std::env::current_exe().context("find this program")?;
        let log = File::options().create(true).append(true).open(folder.join(LOG)).context("open the log")?;
        let points = armed.map_or_else(String::new, |(point, end)| match end {
            End::Kill => format!("{point}={KILL}"),
            End::Panic => format!("{point}=1*panic"),
        });
        let mut command = Command::new(program);
        command.args(["serve", "--form", form.label(), "--keys", keys, "--elsewhere"]);
        command.arg(folder.join(ELSEWHERE)).env("FAILPOINTS", points);
        #[cfg(feature = "aws")]
        command.envs(crate::dynamodb::CREDENTIALS);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true);
        let mut child = command.spawn().context("start a server")?;
        let output = child.stdout.take().context("the server has no output")?;
        let mut lines = BufReader::new(output).lines();
        let line = timeout(START_MAX, lines.next_line()).await.context("start a server")??;
        let Some(line) = line else { bail!("the server did not start: {}", said(folder)) };
        Ok(Self { child, port: line.parse().context("read the port")? })
    }

    /// Waits for the end of the process, which must have been killed. `false` when it lives on.
    async fn killed(&mut self) -> Result<bool> {
        let Ok(status) = timeout(END_MAX, self.child.wait()).await else { return Ok(false) };
        let status = status.context("wait for the server")?;
        ensure!(status.signal() == Some(SIGKILL), "the server was not killed, it ended with {status}");
        Ok(true)
    }

    /// Waits for the words of a panic at this point, after which the server goes on. `false` when there are none.
    async fn panicked(&mut self, folder: &Path, point: &str) -> Result<bool> {
        let (begun, words) = (Instant::now(), format!("failpoint {point} panic"));
        while !said(folder).contains(&words) {
            if begun.elapsed() > END_MAX {
                return Ok(false);
            }
            sleep(Duration::from_millis(10)).await;
        }
        ensure!(self.child.try_wait()?.is_none(), "the server ended: {}", said(folder));
        Ok(true)
    }
}

/// What servers in this folder wrote to standard error.
fn said(folder: &Path) -> String {
    std::fs::read_to_string(folder.join(LOG)).unwrap_or_default()
}
