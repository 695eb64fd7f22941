//! The cluster's own CA, the API server's certificate, and the key that signs service accounts' tokens.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use crate::identity::write_private;

/// A CA that lives as long as its cluster.
pub(crate) struct Authority {
    folder: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, as files.
pub(crate) struct CertificateFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    /// Makes a CA and writes its certificate to `ca.crt` in this folder.
    pub fn new(folder: &Path) -> Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "kubeOP test cluster");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key)?;
        fs::write(folder.join("ca.crt"), certificate.pem()).context("cannot write the CA")?;
        write_private(&folder.join("ca.key"), &key.serialize_pem())?;
        Ok(Authority {
            folder: folder.to_owned(),
            issuer: Issuer::new(params, key),
        })
    }

    pub fn certificate_file(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }

    pub fn key_file(&self) -> PathBuf {
        self.folder.join("ca.key")
    }

    /// Signs a certificate for a server with these names and addresses.
    pub fn server(&self, name: &str, names: &[&str]) -> Result<CertificateFiles> {
        let mut params =
            CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(name, &params)
    }

    /// Signs a certificate for a client of this name in this group.
    pub fn client(&self, name: &str, group: &str) -> Result<CertificateFiles> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.distinguished_name.push(DnType::OrganizationName, group);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(name, &params)
    }

    fn sign(&self, name: &str, params: &CertificateParams) -> Result<CertificateFiles> {
        let key = KeyPair::generate()?;
        let signed = params.signed_by(&key, &self.issuer)?;
        let files = CertificateFiles {
            certificate: self.folder.join(format!("{name}.crt")),
            key: self.folder.join(format!("{name}.key")),
        };
        fs::write(&files.certificate, signed.pem())?;
        write_private(&files.key, &key.serialize_pem())?;
        Ok(files)
    }
}

/// The keys that sign and check service accounts' tokens.
pub(crate) struct TokenKeys {
    pub private: PathBuf,
    pub public: PathBuf,
}

impl TokenKeys {
    pub fn new(folder: &Path) -> Result<Self> {
        let key = KeyPair::generate()?;
        let files = TokenKeys {
            private: folder.join("service-accounts.key"),
            public: folder.join("service-accounts.pub"),
        };
        write_private(&files.private, &key.serialize_pem())?;
        fs::write(&files.public, key.public_key_pem())?;
        Ok(files)
    }
}
