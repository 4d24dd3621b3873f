//! Starts private stores for a stack of processes, a PostgreSQL and an S3, prints the variables that point at them, one
//! `export NAME=value` a line, then `ready`, and keeps them until its input ends. The suite `compose` calls it.

use std::io::{Read as _, Write as _};

use anyhow::Result;
use recon_testkit::{Postgres, S3};

fn main() -> Result<()> {
    let (postgres, s3) = (Postgres::start(&["fsync=off"])?, S3::start()?);
    let mut output = std::io::stdout();
    writeln!(output, "export DATABASE_URL={}", postgres.database(None)?)?;
    writeln!(output, "export OBJECT_URL={}", s3.url(&s3.bucket()?))?;
    for (name, value) in S3::CREDENTIALS {
        writeln!(output, "export {name}={value}")?;
    }
    writeln!(output, "ready")?;
    output.flush()?;
    // Whoever started this closes it, or has ended.
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
