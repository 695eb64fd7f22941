//! A certificate that somebody else makes and renews, in files. Nothing is written.

use crate::CertificateState;
use crate::expiry::Warner;
use kubeop_certs::{CertificateError, Pair, Served, Validity, date};
use rustls::ServerConfig;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::watch;

/// How often the files are read: two small ones, from memory. The kubelet brings changes after a minute or so.
const LOOK: Duration = Duration::from_secs(5);

/// Why a supplied certificate cannot be served. Names the flag that named its folder.
#[derive(Debug, thiserror::Error)]
pub enum SuppliedError {
    /// A file that cannot be read.
    #[error("{flag} {}: {source}", path.display())]
    File {
        /// The flag.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Certificate and key cannot be used.
    #[error("{flag}: {source}")]
    Unusable {
        /// The flag.
        flag: &'static str,
        /// Why.
        source: CertificateError,
    },
}

/// Serves what stands in this folder now (`tls.crt` and `tls.key`), and whatever stands there later. `flag` named it.
pub fn serve_supplied(
    flag: &'static str,
    folder: &Path,
) -> Result<(ServerConfig, watch::Receiver<CertificateState>), SuppliedError> {
    let pair = read_supplied(flag, folder)?;
    let use_it = || {
        let served = Arc::new(Served::new(&pair)?);
        Ok::<_, CertificateError>((served.clone(), served.server_config()?, pair.validity()?))
    };
    let (served, config, validity) = use_it().map_err(|source| SuppliedError::Unusable { flag, source })?;
    let mut files = Files {
        flag,
        folder: folder.to_owned(),
        served,
        looked: Ok(pair),
        validity,
        warner: Warner::default(),
    };
    let (sender, state) = watch::channel(files.state(OffsetDateTime::now_utc()));
    tokio::spawn(async move {
        while !sender.is_closed() {
            files.look();
            sender.send_replace(files.state(OffsetDateTime::now_utc()));
            tokio::time::sleep(LOOK).await;
        }
    });
    Ok((config, state))
}

struct Files {
    flag: &'static str,
    folder: PathBuf,
    served: Arc<Served>,
    /// What the last look found: what is told once is not told again.
    looked: Result<Pair, String>,
    validity: Validity,
    warner: Warner,
}

impl Files {
    /// Reads the files, and serves them if they have changed.
    fn look(&mut self) {
        let found = read_supplied(self.flag, &self.folder).map_err(|error| error.to_string());
        if found == self.looked {
            return;
        }
        match found.as_ref().map(|pair| self.take(pair)) {
            Ok(Ok(())) => tracing::info!(
                until = date(self.validity.until),
                "the certificate in {} has changed and is served",
                self.flag
            ),
            Ok(Err(error)) => tracing::warn!(
                folder = %self.folder.display(),
                "tls.crt and tls.key of {} are not served, and those before them are: {error}",
                self.flag
            ),
            Err(error) => tracing::warn!("{error}; what was read before is served"),
        }
        self.looked = found;
    }

    fn take(&mut self, pair: &Pair) -> Result<(), CertificateError> {
        let validity = pair.validity()?;
        self.served.replace(pair)?;
        self.validity = validity;
        Ok(())
    }

    fn state(&mut self, now: OffsetDateTime) -> CertificateState {
        let remedy =
            "Renew it (of cert-manager: kubectl describe certificate); it is read again when it changes.";
        let file = self.folder.join("tls.crt");
        let what = format!("the supplied certificate {}", file.display());
        self.warner.check(&what, remedy, self.validity, now);
        let ended = self.validity.until <= now;
        CertificateState {
            trouble: ended.then(|| format!("{what} has ended at {}", date(self.validity.until))),
            leaf: self.validity,
            ca: None,
        }
    }
}

/// Reads what stands in this folder, which `flag` named.
pub fn read_supplied(flag: &'static str, folder: &Path) -> Result<Pair, SuppliedError> {
    let file = |name| {
        let path = folder.join(name);
        std::fs::read_to_string(&path).map_err(|source| SuppliedError::File { flag, path, source })
    };
    Ok(Pair {
        certificate: file("tls.crt")?,
        key: file("tls.key")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubeop_certs::Authority;

    /// Writes a pair that ends so many hours from now.
    fn write(folder: &Path, hours: i64) -> Pair {
        let now = OffsetDateTime::now_utc();
        let ca = Authority::new("x", now, time::Duration::days(9)).unwrap();
        let pair = ca
            .server(&["x".to_owned()], now, time::Duration::hours(hours))
            .unwrap();
        std::fs::write(folder.join("tls.crt"), &pair.certificate).unwrap();
        std::fs::write(folder.join("tls.key"), &pair.key).unwrap();
        pair
    }

    fn files(folder: &Path, pair: &Pair) -> Files {
        Files {
            flag: "--tls-dir",
            folder: folder.to_owned(),
            served: Arc::new(Served::new(pair).unwrap()),
            looked: Ok(pair.clone()),
            validity: pair.validity().unwrap(),
            warner: Warner::default(),
        }
    }

    #[test]
    fn s15_files_that_change_are_served_and_half_a_change_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let first = write(folder, 24);
        let mut files = files(folder, &first);
        let second = write(folder, 48);
        std::fs::write(folder.join("tls.key"), &first.key).unwrap();
        files.look();
        assert_eq!(files.validity, first.validity().unwrap());
        std::fs::remove_file(folder.join("tls.key")).unwrap();
        files.look();
        assert_eq!(files.validity, first.validity().unwrap());
        std::fs::write(folder.join("tls.key"), &second.key).unwrap();
        files.look();
        assert_eq!(files.validity, second.validity().unwrap());
    }

    #[test]
    fn s15_one_that_has_ended_is_trouble() {
        let folder = tempfile::tempdir().unwrap();
        let pair = write(folder.path(), 1);
        let mut files = files(folder.path(), &pair);
        let end = pair.validity().unwrap().until;
        assert_eq!(files.state(end - time::Duration::SECOND).trouble, None);
        let trouble = files.state(end).trouble.unwrap();
        assert!(trouble.contains("tls.crt has ended at 2"), "{trouble}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = serve_supplied("--tls-dir", folder.path())
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains("--tls-dir") && error.contains("tls.crt"),
            "{error}"
        );
    }
}
