//! Reading a little of an object.

use std::error::Error;

use recon_store::{ObjectError, ObjectReader, Objects};

use crate::Refusal;

/// Why nothing was read of an object.
#[derive(Debug)]
pub enum Unread {
    /// The object cannot be read. One that is [`NotFound`](ObjectError::NotFound) may have been deleted meanwhile.
    Object(ObjectError),
    /// It holds something else than what was looked for.
    Content(Refusal),
}

impl From<ObjectError> for Unread {
    fn from(error: ObjectError) -> Self {
        Self::Object(error)
    }
}

impl From<Unread> for Refusal {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Object(error) => error.into(),
            Unread::Content(refusal) => refusal,
        }
    }
}

/// Reads a little of an object, on a thread that may wait for it.
///
/// # Errors
/// [`Unread`].
pub async fn read_object<T, E>(
    objects: &Objects,
    name: &str,
    read: impl FnOnce(ObjectReader) -> Result<T, E> + Send + 'static,
) -> Result<T, Unread>
where
    T: Send + 'static,
    E: Error + Send + Sync + 'static,
{
    read_opened(objects.reader(name).await?, read).await
}

/// The same of an object that is open.
///
/// # Errors
/// [`Unread`].
pub async fn read_opened<T, E>(
    object: ObjectReader,
    read: impl FnOnce(ObjectReader) -> Result<T, E> + Send + 'static,
) -> Result<T, Unread>
where
    T: Send + 'static,
    E: Error + Send + Sync + 'static,
{
    let waiting = WaitingFor(object.clone());
    let read = tokio::task::spawn_blocking(move || read(object)).await;
    let read = read.map_err(|stopped| Unread::Content(Refusal::internal(stopped)))?;
    read.map_err(|error| match waiting.0.failure() {
        Some(cause) => Unread::Object(cause),
        None => Unread::Content(Refusal::internal(error)),
    })
}

/// A request that waits for what is read. Dropped with the request, at the latest when its time is over.
#[derive(Debug)]
pub struct WaitingFor(pub ObjectReader);

impl Drop for WaitingFor {
    fn drop(&mut self) {
        self.0.give_up();
    }
}
