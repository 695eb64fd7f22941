//! `kubeop-controller explain <namespace>/<app>`: what is observed of an App now, and what `decide` chooses.

use crate::app::Apps;
use crate::kube_io::Cluster;
use crate::world::NamespacedName;
use std::fmt::Write as _;

/// An App by its namespace and name, as in `kubeop-web/payments`.
pub fn parse_key(text: &str) -> Result<NamespacedName, String> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
            Ok(NamespacedName {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            })
        }
        _ => Err("name an App by its namespace and name, as in kubeop-web/payments".to_owned()),
    }
}

/// What a controller that has just started sees, and what it would do next. Does nothing.
pub async fn explain<C: Cluster>(apps: &Apps<C>, key: &NamespacedName) -> Result<String, String> {
    let (observed, action) = apps.look_at(key).await?;
    let mut text = format!("App {key}, as a controller sees it that has just started\n\nobserved: ");
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{observed:#?}\n\ndecided: {action:#?}");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::parse_key;
    use rstest::rstest;

    #[rstest]
    #[case("kubeop-web/payments", true)]
    #[case("payments", false)]
    #[case("/payments", false)]
    #[case("a/b/c", false)]
    fn an_app_is_named_by_namespace_and_name(#[case] text: &str, #[case] good: bool) {
        assert_eq!(parse_key(text).is_ok(), good);
    }
}
