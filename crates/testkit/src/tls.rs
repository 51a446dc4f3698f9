//! Certificates of a private authority, for servers that speak TLS.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tempfile::TempDir;

use crate::postgres::account::Account;

/// What kind of certificate a server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// For 127.0.0.1, and valid.
    Right,
    /// For another name.
    WrongName,
    /// For 127.0.0.1, and long expired.
    Expired,
}

/// The files of a server's certificate. They go when this is dropped.
#[derive(Debug)]
pub struct Files {
    folder: TempDir,
}

impl Files {
    /// Makes an authority and a certificate of it, which the account of private servers can read.
    pub fn make(certificate: Certificate) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("certferry-tls-").tempdir()?;
        let files = Self { folder };
        let wrong = |error: rcgen::Error| io::Error::other(error);
        let mut authority = CertificateParams::new([]).map_err(wrong)?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, "Certferry test authority");
        let authority_key = KeyPair::generate().map_err(wrong)?;
        let authority_pem = authority.self_signed(&authority_key).map_err(wrong)?.pem();
        let issuer = Issuer::new(authority, authority_key);

        let name = if certificate == Certificate::WrongName { "elsewhere.example" } else { "127.0.0.1" };
        let mut server = CertificateParams::new([name.to_owned()]).map_err(wrong)?;
        if certificate == Certificate::Expired {
            server.not_before = date_time_ymd(2020, 1, 1);
            server.not_after = date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate().map_err(wrong)?;
        let server_pem = server.signed_by(&key, &issuer).map_err(wrong)?.pem();
        for (path, text) in
            [(files.authority(), authority_pem), (files.certificate(), server_pem), (files.key(), key.serialize_pem())]
        {
            fs::write(&path, text)?;
            fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        }
        if let Some(account) = Account::for_server().map_err(io::Error::other)? {
            for path in [files.folder.path().to_owned(), files.authority(), files.certificate(), files.key()] {
                account.own(&path)?;
            }
        }
        Ok(files)
    }

    /// The authority's certificate, for clients.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.file("authority.pem")
    }

    /// The server's certificate.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.file("server.pem")
    }

    /// The server's key.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.file("server.key")
    }

    /// The settings of a PostgreSQL server that speaks TLS on a TCP port.
    #[must_use]
    pub fn postgres(&self) -> crate::postgres::Settings {
        let text = |path: &Path| path.display().to_string();
        crate::postgres::Settings { tcp: true, ..Default::default() }
            .with("ssl", "on")
            .with("ssl_cert_file", &text(&self.certificate()))
            .with("ssl_key_file", &text(&self.key()))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
