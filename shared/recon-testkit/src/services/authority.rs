//! Who vouches for a test's servers.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// An authority of its own with one certificate, for 127.0.0.1. Its files go when it is dropped.
#[derive(Debug)]
pub struct Authority {
    folder: tempfile::TempDir,
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// When its files cannot be written.
    pub fn new() -> Result<Self> {
        let folder = tempfile::tempdir().context("make a folder for certificates")?;
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let mut server = CertificateParams::new(["127.0.0.1".to_owned()])?;
        // OpenSSL takes a certificate for its own authority when the two have one name.
        server.distinguished_name.push(DnType::CommonName, "server");
        let server = server.signed_by(&key, &authority)?;
        let made = Self { folder };
        for (path, pem) in [
            (made.certificate(), authority.pem()),
            (made.server_certificate(), server.pem()),
            (made.server_key(), key.serialize_pem()),
        ] {
            std::fs::write(&path, pem).with_context(|| format!("write {}", path.display()))?;
        }
        Ok(made)
    }

    /// The file with its own certificate, as PEM.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.path().join("authority.pem")
    }

    pub(super) fn server_certificate(&self) -> PathBuf {
        self.path().join("server.pem")
    }

    pub(super) fn server_key(&self) -> PathBuf {
        self.path().join("server.key")
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}
