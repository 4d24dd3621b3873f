//! Whether a process may be sent work: the one judgement behind `/ready`, of servers and of admin ports.

mod look;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use recon_contract::{Code, Health, Problem, Readiness, Ready};
use recon_store::{Error, Schema, Store, Tie};

use self::look::Look;
use crate::problem::{Outcome, Refusal};
use crate::{Process, because};

/// How long each thing is waited for: less than whoever probes waits, so that a database that falls silent takes no replica
/// out of service.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// Seconds after which somebody may ask again whose process has not reached what it needs.
const RETRY_SECONDS: u32 = 2;

const OK: &str = "ok";
const DOES_NOT_ANSWER: &str = "does not answer";
/// What is looked at: as a check is called, and in words.
const DATABASE: (&str, &str) = ("database", "the database");
const OBJECTS: (&str, &str) = ("objects", "the object store");

/// What probes are answered from. Clones share what was seen.
#[derive(Clone)]
pub struct Probes {
    process: Process,
    store: Store,
    seen: Arc<Mutex<Seen>>,
    look: Look<Outcome<Ready>>,
}

/// What this process has seen of what it stands on.
#[derive(Default)]
struct Seen {
    database: bool,
    objects: bool,
    /// What is in the way, as the log was told last.
    told: Option<String>,
}

/// What was found of one thing.
enum Found {
    /// It answers, and is as it must be.
    Fine,
    /// It does not answer; why is for the log.
    Silent(String),
    /// It answers, and is not what this build works with.
    Wrong(Code, String),
}

impl Probes {
    pub(crate) fn of(process: &Process, store: &Store) -> Self {
        Self { process: process.clone(), store: store.clone(), seen: Arc::default(), look: Look::default() }
    }

    /// A process that answers runs.
    #[must_use]
    pub fn health() -> Health {
        Health::ok(env!("CARGO_PKG_VERSION"))
    }

    /// Looks at the process and at what it stands on.
    ///
    /// Something shared that does not answer makes it `degraded`, and still ready: or a database that is down would take
    /// every replica out of service, and an answer that says so is worth more than none. But not before it was reached
    /// once: a process that never saw its database may have been given the wrong address, and must not take the place of
    /// one that works. What answers and does not fit keeps it from being ready at any time.
    ///
    /// Anybody may ask, and as often as they like: who asks at once shares one look, whose result is kept for a second.
    /// Only that the process stops is said without any.
    ///
    /// # Errors
    /// [`Code::Draining`], [`Code::IncompatibleSchema`], [`Code::ForeignObjects`], and [`Code::Unavailable`] before
    /// everything was reached once.
    pub async fn ready(&self) -> Outcome<Ready> {
        let stopping = || Refusal::new(Code::Draining, "the process is stopping");
        if !self.process.state().is_ready() {
            return Err(stopping());
        }
        let probes = self.clone();
        let looked = self.look.take(|| async move { probes.looked().await });
        tokio::select! {
            biased;
            () = self.process.draining() => Err(stopping()),
            looked = looked => looked.unwrap_or_else(|error| {
                tracing::error!(because = because(&error), "what the process stands on was not looked at");
                Err(Refusal::new(Code::Unavailable, "the look at what the process stands on broke off"))
            }),
        }
    }

    async fn looked(&self) -> Outcome<Ready> {
        let (database, objects) = tokio::join!(in_time(self.database()), in_time(self.objects()));
        let judged = self.judge(&database, &objects);
        self.tell(&judged, [&database, &objects]);
        judged
    }

    fn judge(&self, database: &Found, objects: &Found) -> Outcome<Ready> {
        let mut checks = BTreeMap::new();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Seen { database: database_seen, objects: objects_seen, .. } = &mut *seen;
        for ((name, words), found, seen) in
            [(DATABASE, database, database_seen), (OBJECTS, objects, objects_seen)]
        {
            let check = match found {
                Found::Fine => {
                    *seen = true;
                    OK
                }
                Found::Wrong(code, detail) => return Err(Refusal::new(*code, detail)),
                Found::Silent(_) if *seen => DOES_NOT_ANSWER,
                Found::Silent(_) => {
                    let detail = format!("{words} did not answer since this process started");
                    return Err(Problem::new(Code::Unavailable, detail).retry_after(RETRY_SECONDS).into());
                }
            };
            checks.insert(name.to_owned(), check.to_owned());
        }
        let all_ok = checks.values().all(|check| check == OK);
        Ok(Ready { status: if all_ok { Readiness::Ready } else { Readiness::Degraded }, checks })
    }

    /// Says in the log what is in the way, once for each change.
    fn tell(&self, judged: &Outcome<Ready>, found: [&Found; 2]) {
        let silent = [DATABASE, OBJECTS].into_iter().zip(found).find_map(|((_, words), found)| match found {
            Found::Silent(cause) => Some((words, cause.as_str())),
            Found::Fine | Found::Wrong(..) => None,
        });
        let obstacle = match judged {
            Ok(Ready { status: Readiness::Ready, .. }) => None,
            Ok(Ready { status: Readiness::Degraded, .. }) => {
                silent.map(|(words, _)| format!("degraded: {words} does not answer"))
            }
            Err(refusal) => Some(format!("not ready: {}", refusal.problem().detail)),
        };
        let told = {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut seen.told, obstacle.clone())
        };
        let because = silent.map_or("", |(_, cause)| cause);
        match (told, obstacle) {
            (told, Some(obstacle)) if told.as_ref() != Some(&obstacle) => {
                tracing::warn!(because, "{obstacle}");
            }
            (Some(_), None) => tracing::info!("ready again"),
            (Some(_) | None, _) => {}
        }
    }

    async fn database(&self) -> Found {
        match self.store.check().await {
            Ok(Schema::Compatible { .. }) => Found::Fine,
            Ok(schema @ (Schema::Older { .. } | Schema::Newer { .. })) => {
                Found::Wrong(Code::IncompatibleSchema, schema.to_string())
            }
            Err(error) => silent(&error),
        }
    }

    async fn objects(&self) -> Found {
        if let Err(error) = self.store.objects().check().await {
            return silent(&error);
        }
        match self.store.objects_tie().await {
            Ok(Tie::Ours | Tie::Loose) => Found::Fine,
            Ok(tie @ Tie::Foreign) => Found::Wrong(Code::ForeignObjects, tie.to_string()),
            Err(error @ Error::Unavailable { doing: Store::TIE_OBJECTS, .. }) => silent(&error),
            // That is said of the database.
            Err(_) => Found::Fine,
        }
    }
}

async fn in_time(looking: impl Future<Output = Found>) -> Found {
    let late = || Found::Silent(format!("no answer within {} s", ANSWER_MAX.as_secs()));
    tokio::time::timeout(ANSWER_MAX, looking).await.unwrap_or_else(|_| late())
}

fn silent(error: &(dyn std::error::Error + 'static)) -> Found {
    let because = because(error);
    let colon = if because.is_empty() { "" } else { ": " };
    Found::Silent(format!("{error}{colon}{because}"))
}
