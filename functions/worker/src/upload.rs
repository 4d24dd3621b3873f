//! Files as objects, for as long as the job goes on.

use std::io;
use std::path::Path;

use bytes::BytesMut;
use futures_util::stream::try_unfold;
use recon_store::Objects;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

use crate::Cut;
use crate::held::Teller;

/// The bytes that are read at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// Writes a local file as an object. It stops between two chunks when the job is to stop, and never in the middle of
/// giving the object its name: when this has returned, nothing of it appears any more.
pub(crate) async fn put(objects: &Objects, name: &str, file: &Path, teller: &Teller) -> Result<(), Cut> {
    let file = File::open(file).await?;
    let chunks = try_unfold(file, |mut file| async move {
        if !teller.goes_on() {
            return Err(io::Error::other(Cut::Stopped));
        }
        let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
        let count = file.read_buf(&mut chunk).await?;
        Ok((count > 0).then(|| (chunk.freeze(), file)))
    });
    let written = objects.put_stream(name, chunks, u64::MAX).await;
    teller.judge(written.map(|_| ()).map_err(Cut::from))
}
