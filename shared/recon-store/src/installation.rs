//! Which database a folder of objects belongs to.
//!
//! Objects without a record are nobody's, and go. Beside another database's folder, that would be all of them. So the two are
//! tied once, when the database is new or comes from a version that tied nothing; where they are not, nothing goes.

use bytes::Bytes;
use tokio::io::AsyncReadExt as _;
use uuid::Builder;

use crate::clock::random;
use crate::{Error, ObjectError, Objects, Sweep};

/// The object that says which database the folder belongs to, and the place where the database says it.
pub(crate) const INSTALLATION: &str = "installation";
/// An id is shorter; what is longer is none.
const ID_BYTES_MAX: u64 = 64;

impl Sweep {
    /// Ties the objects to the database, unless that was decided before. Objects that are there already are taken over
    /// by a database of an earlier version, never by a new one.
    pub(crate) async fn tie_objects(&self, is_new: bool) -> Result<(), Error> {
        let failed = |source: ObjectError| Error::Unavailable { doing: "tie_objects", source: source.into() };
        if !self.place(INSTALLATION).await?.is_empty() {
            return Ok(());
        }
        let others = self.objects.page("", "", 1).await.map_err(failed)?;
        if owner(&self.objects).await.map_err(failed)?.is_some() || (is_new && !others.is_empty()) {
            return Ok(());
        }
        let id = Builder::from_random_bytes(random()?).into_uuid().to_string();
        let bytes = Bytes::from(id.clone());
        let stream = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes)]);
        self.objects.put_stream(INSTALLATION, stream, ID_BYTES_MAX).await.map_err(failed)?;
        self.set_place(INSTALLATION, &id).await
    }

    /// Whether the objects are this database's.
    pub(crate) async fn owns_objects(&self) -> Result<bool, crate::SweepError> {
        let id = self.place(INSTALLATION).await?;
        Ok(!id.is_empty() && owner(&self.objects).await? == Some(id))
    }
}

/// What the folder says of itself.
async fn owner(objects: &Objects) -> Result<Option<String>, ObjectError> {
    let file = match objects.open(INSTALLATION).await {
        Ok(file) => file,
        Err(ObjectError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    let read = tokio::fs::File::from_std(file).take(ID_BYTES_MAX).read_to_string(&mut text).await;
    // What cannot be read is somebody's, and not this database's.
    Ok(Some(read.map_or_else(|_| String::new(), |_| text)))
}
