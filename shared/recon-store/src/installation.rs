//! Which database a folder of objects belongs to.
//!
//! Objects without a record are nobody's, and go. Beside another database's folder, that would be all of them. So the two are
//! tied once, when the database is new or comes from a version that tied nothing; where they are not, nothing goes.

use std::fmt;

use bytes::Bytes;
use futures_util::FutureExt;
use uuid::{Builder, Uuid};

use crate::clock::random;
use crate::sql::query;
use crate::{Error, ObjectError, Objects, Store, Sweep, SweepError};

/// The object that says which database the folder belongs to, and the place where the database says it.
pub(crate) const INSTALLATION: &str = "installation";
/// An id is shorter; what is longer is none.
const ID_BYTES_MAX: u64 = 64;
/// What an object store that keeps its word never takes.
const SECOND: &[u8] = b"nobody's";

/// The database's ids before one of them is decided on: each is kept before the objects say it, so that a migration that was
/// cut off in between is known again by the next one.
const CANDIDATES: &str = "installation/";
/// The place where a database says that it was made by a version that ties: what it finds is never its own.
const NEW: &str = "installation_new";
/// Says so, in the transaction that makes the database, since its first migration may end there.
pub(crate) const IS_NEW: &str = "-- installation_is_new
insert into sweep_places (task, after) values ('installation_new', 'yes') on conflict (task) do nothing";

/// What a folder of objects and a database are to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tie {
    /// The objects are this database's.
    Ours,
    /// It was never said whose they are: a database made beside a folder that held objects before it.
    Loose,
    /// This database's objects are elsewhere. Whoever works with these finds nothing, and what is put here nobody finds.
    Foreign,
}

impl fmt::Display for Tie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ours => "the objects are this database's",
            Self::Loose => {
                "nobody said yet that the objects at OBJECT_URL are this database's, and what is left over there is not \
                swept; run `recon migrate --adopt-objects` once, if they are"
            },
            Self::Foreign => {
                "the objects at OBJECT_URL are not this database's; name the right place, or, if this is it, run \
                `recon migrate --adopt-objects` once"
            }
        })
    }
}

const DECIDE: &str = "-- installation_decide
insert into sweep_places (task, after) values ($1, $2) on conflict (task) do nothing";
const FORGET: &str = "-- installation_forget
delete from sweep_places where task like $1";

impl Store {
    /// What was done when the folder of objects could not say whose it is, in [`Error::Unavailable`].
    pub const TIE_OBJECTS: &str = "tie_objects";

    /// Whether the objects are this database's.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn objects_tie(&self) -> Result<Tie, Error> {
        self.sweep().tie().await.map_err(|error| match error {
            SweepError::Store(error) => error,
            SweepError::Object(error) => failed(error),
        })
    }

    /// Takes the objects for this database's, whatever was decided before. To the one whose they were they are foreign from
    /// then on: two that sweep one folder would delete each other's objects.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; then they may be nobody's, until this is called again.
    pub async fn adopt_objects(&self) -> Result<(), Error> {
        let id = new_id()?;
        let bytes = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from(id.clone()))]);
        self.objects().for_jobs().put_stream(INSTALLATION, bytes, ID_BYTES_MAX).await.map_err(failed)?;
        self.sweep().set_place(INSTALLATION, &id).await
    }

    /// Ties the objects to the database, unless that was decided before, and says whose they are then. A new installation
    /// gets its folder for objects. Objects that are there already are taken over by a database of an earlier version, never
    /// by a new one, however often it is migrated. What was decided before counts also where the objects do not answer.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; then it may be called again, and goes on where it was.
    pub async fn tie_objects(&self) -> Result<Tie, Error> {
        if self.sweep().place(INSTALLATION).await?.is_empty() {
            self.decide().await?;
            return self.objects_tie().await;
        }
        match self.objects_tie().await {
            Err(error) => {
                tracing::warn!(%error, "whose the objects are was said before, and they do not answer now");
                Ok(Tie::Ours)
            }
            tie => tie,
        }
    }

    async fn decide(&self) -> Result<(), Error> {
        let (sweep, objects) = (self.sweep(), self.objects());
        let has_records = self.workspaces().any().await?;
        // With records there, a folder that is not there was lost, and somebody has to see it.
        let is_there = if has_records { objects.check().await } else { objects.make().await };
        is_there.map_err(failed)?;
        let mut said = owner(&objects).await.map_err(failed)?;
        if said.is_none() {
            let takes_over = has_records && sweep.place(NEW).await?.is_empty();
            if !takes_over && !objects.page("", "", 1).await.map_err(failed)?.is_empty() {
                return Ok(());
            }
            let id = new_id()?;
            sweep.set_place(&candidate(&id), "tried").await?;
            // Of several at once it is the first one's, which it says.
            objects.put_if_absent(INSTALLATION, Bytes::from(id)).await.map_err(failed)?;
            said = owner(&objects).await.map_err(failed)?;
        }
        let said = said.unwrap_or_default();
        let is_ours = Uuid::try_parse(&said).is_ok() && !sweep.place(&candidate(&said)).await?.is_empty();
        if is_ours || said.as_bytes() == SECOND {
            keeps_its_word(&objects).await?;
        }
        // Else it is another database's, or another process of this one ties it, which says so.
        if is_ours { self.take(said).await } else { Ok(()) }
    }

    /// Of several folders that are tied at once, the first one's it is.
    async fn take(&self, id: String) -> Result<(), Error> {
        self.database()
            .write("installation_decide", id, |id, tx| {
                async move {
                    let failed = Error::doing("installation_decide");
                    let insert = query(DECIDE).bind(INSTALLATION).bind(id);
                    insert.execute(&mut *tx).await.map_err(&failed)?;
                    query(FORGET).bind(format!("{CANDIDATES}%")).execute(tx).await.map(drop).map_err(&failed)
                }
                .boxed()
            })
            .await
    }
}

impl Sweep {
    pub(crate) async fn tie(&self) -> Result<Tie, SweepError> {
        let id = self.place(INSTALLATION).await?;
        if id.is_empty() {
            return Ok(Tie::Loose);
        }
        Ok(if owner(&self.objects).await? == Some(id) { Tie::Ours } else { Tie::Foreign })
    }
}

fn failed(source: ObjectError) -> Error {
    Error::Unavailable { doing: Store::TIE_OBJECTS, source: source.into() }
}

fn new_id() -> Result<String, Error> {
    Ok(Builder::from_random_bytes(random()?).into_uuid().to_string())
}

fn candidate(id: &str) -> String {
    format!("{CANDIDATES}{id}")
}

/// Refuses a store that replaces an object where it was told not to: of two databases both would take its objects for theirs,
/// and late bytes would change what was read.
async fn keeps_its_word(objects: &Objects) -> Result<(), Error> {
    if objects.put_if_absent(INSTALLATION, Bytes::from_static(SECOND)).await.map_err(failed)? {
        let source = "it writes over an object where it was asked not to (`If-None-Match: *`)";
        return Err(Error::Unavailable { doing: Store::TIE_OBJECTS, source: source.into() });
    }
    Ok(())
}

/// What the folder says of itself.
async fn owner(objects: &Objects) -> Result<Option<String>, ObjectError> {
    match objects.read(INSTALLATION, ID_BYTES_MAX).await {
        // What is no text is somebody's, and not this database's.
        Ok(bytes) => Ok(Some(String::from_utf8(bytes.into()).unwrap_or_default())),
        Err(ObjectError::NotFound { .. }) => Ok(None),
        Err(ObjectError::TooLarge { .. }) => Ok(Some(String::new())),
        Err(error) => Err(error),
    }
}
