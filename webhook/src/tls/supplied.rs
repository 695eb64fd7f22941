//! A certificate that somebody else makes and renews, in files. Nothing is written, and registrations are left alone.

use super::expiry::Warner;
use super::{CertificateState, Presented};
use crate::config::ConfigError;
use kubeop_certs::{CertificateError, Pair, Served, Validity, date};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::watch;

/// How often the files are read: two small ones, from memory. The kubelet brings changes after a minute or so.
const LOOK: Duration = Duration::from_secs(5);

/// Serves what stands in this folder now, and whatever stands there later.
pub(super) fn start(folder: &Path) -> Result<Presented, ConfigError> {
    let pair = read(folder)?;
    let use_it = || {
        let served = Arc::new(Served::new(&pair)?);
        Ok((served.clone(), served.server_config()?, pair.validity()?))
    };
    let (served, config, validity) = use_it().map_err(ConfigError::Supplied)?;
    let mut files = Files {
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
        let found = read(&self.folder).map_err(|error| error.to_string());
        if found == self.looked {
            return;
        }
        match found.as_ref().map(|pair| self.take(pair)) {
            Ok(Ok(())) => tracing::info!(
                until = date(self.validity.until),
                "the certificate in --tls-dir has changed and is served"
            ),
            Ok(Err(error)) => tracing::warn!(
                folder = %self.folder.display(),
                "tls.crt and tls.key of --tls-dir are not served, and those before them are: {error}"
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

fn read(folder: &Path) -> Result<Pair, ConfigError> {
    let file = |name| {
        let path = folder.join(name);
        std::fs::read_to_string(&path).map_err(|source| ConfigError::File {
            flag: "--tls-dir",
            path,
            source,
        })
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
        let error = start(folder.path()).err().unwrap().to_string();
        assert!(
            error.contains("--tls-dir") && error.contains("tls.crt"),
            "{error}"
        );
    }
}
