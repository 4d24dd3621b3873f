//! What a client wrote to a signed address: nobody has looked at its bytes before.

use std::fs::File;
use std::io::{Read as _, Seek as _};

use recon_store::Failure;
use sha2::{Digest as _, Sha256};

use crate::Cut;
use crate::held::{Teller, Watched};

/// The bytes that are hashed at once.
const READ_BYTES: usize = 256 * 1024;
/// The code of a dataset whose client meant other bytes than came.
const CHECKSUM_MISMATCH: &str = "checksum_mismatch";

/// The SHA-256 of a file, which is at its beginning again afterwards.
pub(crate) async fn hash(file: File, teller: &Teller) -> Result<(File, String), Cut> {
    let teller = teller.clone();
    tokio::task::spawn_blocking(move || teller.judge(hash_watched(file, &teller))).await?
}

fn hash_watched(mut file: File, teller: &Teller) -> Result<(File, String), Cut> {
    let mut hash = Sha256::new();
    let mut bytes = vec![0; READ_BYTES];
    let mut watched = Watched::new(&mut file, teller);
    loop {
        match watched.read(&mut bytes)? {
            0 => break,
            count => hash.update(&bytes[..count]),
        }
    }
    file.rewind()?;
    let digits = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((file, digits))
}

/// Why the dataset is rejected.
pub(crate) fn mismatch(expected: &str, found: &str) -> Failure {
    Failure {
        code: CHECKSUM_MISMATCH.to_owned(),
        detail: format!("the uploaded content has the SHA-256 {found}, and {expected} was expected"),
    }
}
