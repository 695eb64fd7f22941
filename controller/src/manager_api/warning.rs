//! What the API server warns of, in `Warning` headers (RFC 7234, 5.5): the plan of a dry run among them.

use axum::http::{HeaderMap, header};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// What a dry run tells.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct DryRun {
    /// What delivery would do, a line each; nothing where the revision stays the same.
    pub plan: Vec<String>,
    /// What the author should know besides.
    pub warnings: Vec<String>,
    /// The App as it would be.
    pub app: Value,
}

impl DryRun {
    /// Tells apart what the plan of this App says from other warnings.
    pub(super) fn new(name: &str, warnings: Vec<String>, app: Value) -> Self {
        let start = format!("app/{name}: ");
        let (plan, warnings) = warnings.into_iter().partition(|line| line.starts_with(&start));
        Self { plan, warnings, app }
    }
}

/// The texts of the warnings in a head.
pub(super) fn warnings(head: &HeaderMap) -> Vec<String> {
    let fields = head.get_all(header::WARNING).iter();
    fields
        .filter_map(|field| text(std::str::from_utf8(field.as_bytes()).ok()?))
        .collect()
}

/// The text of one warning: `299 - "text"`, in which a backslash stands before a quote or a backslash.
fn text(field: &str) -> Option<String> {
    let (_, quoted) = field.split_once('"')?;
    let mut text = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => return Some(text),
            '\\' => text.push(characters.next()?),
            character => text.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DryRun, warnings};
    use axum::http::{HeaderMap, HeaderValue, header};
    use serde_json::json;

    #[test]
    fn each_warning_is_read_as_it_was_said() {
        let mut head = HeaderMap::new();
        for text in [
            r#"299 - "app/pay: revision 1 -> 2""#,
            r#"299 - "say \"a\\b\"" "Sat, 25 Aug 2012 23:34:45 GMT""#,
            "299 -",
            r#"299 - "cut off"#,
        ] {
            head.append(header::WARNING, HeaderValue::from_static(text));
        }
        head.append(
            header::WARNING,
            HeaderValue::from_bytes("299 - \"ä…\"".as_bytes()).unwrap(),
        );
        assert_eq!(
            warnings(&head),
            ["app/pay: revision 1 -> 2", r#"say "a\b""#, "ä…"]
        );
    }

    #[test]
    fn the_plan_is_what_is_said_of_the_app() {
        let said = ["app/pay: run pre hook a", "spec.x is old", "app/payments: b"].map(str::to_owned);
        let plan = DryRun::new("pay", said.to_vec(), json!({}));
        assert_eq!(plan.plan, ["app/pay: run pre hook a"]);
        assert_eq!(plan.warnings, ["spec.x is old", "app/payments: b"]);
    }
}
