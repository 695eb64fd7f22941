//! What is told of a certificate in the status.

use super::Issued;
use crate::api::CertificateStatus;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// The longest distinguished name in a status, in characters.
const MAX_ISSUER: usize = 512;
/// How many names stand in a status, and how long each may be, in characters.
const MAX_NAMES: (usize, usize) = (16, 253);

/// The same status, of a Secret that holds this; none: nothing that can be read. A certificate may hold more than a
/// status has room for.
#[must_use]
pub fn holding(status: CertificateStatus, issued: Option<&Issued>) -> CertificateStatus {
    let Some(issued) = issued else {
        return CertificateStatus {
            observed_generation: status.observed_generation,
            conditions: status.conditions,
            ..CertificateStatus::default()
        };
    };
    let bounded = |text: &str, most| text.chars().take(most).collect::<String>();
    let (most, longest) = MAX_NAMES;
    let names = issued.names.iter().take(most);
    CertificateStatus {
        names: names.map(|name| bounded(name, longest)).collect(),
        issuer: Some(bounded(&issued.issuer, MAX_ISSUER)),
        not_before: Some(Time(issued.not_before)),
        not_after: Some(Time(issued.not_after)),
        renewal_time: Some(Time(issued.renewal)),
        fingerprint: Some(issued.fingerprint.clone()),
        ..status
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::jiff::Timestamp;

    #[test]
    fn a_status_has_room_for_so_much_of_a_certificate() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let issued = Issued {
            names: (0..1000)
                .map(|n| format!("{n}.example.com{}", "x".repeat(300)))
                .collect(),
            issuer: "CN=\u{e9}".repeat(300),
            not_before: at(1),
            not_after: at(9),
            renewal: at(6),
            fingerprint: "ab".repeat(32),
        };
        let status = holding(CertificateStatus::default(), Some(&issued));
        assert_eq!((status.names.len(), status.names[0].len()), (16, 253));
        assert_eq!(
            status.issuer.as_ref().map(|issuer| issuer.chars().count()),
            Some(512)
        );
        assert_eq!(status.not_after, Some(Time(at(9))));
        assert_eq!(holding(status, None), CertificateStatus::default());
    }
}
