//! The user's own document on delivery workflows, which is kept byte for byte in `tests/seed/`.

const DOCUMENT: &str = include_str!("../seed/delivery-workflows.md");

/// The document's sample App: the text of the block under "Sample App spec".
///
/// # Panics
/// When the document has no such block: it is part of this program.
pub fn sample_app() -> &'static str {
    let (_, section) = DOCUMENT.split_once("## Sample App spec").expect("the section");
    let (_, block) = section.split_once("```yaml\n").expect("the block");
    block.split_once("```").expect("the block's end").0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_the_document_s_own() {
        assert!(sample_app().starts_with("apiVersion: platform.kubeop.io/v1alpha1\nkind: App\n"));
        assert!(sample_app().ends_with("command: [\"/bin/sh\", \"-c\", \"./migrate.sh\"]\n"));
        assert_eq!(sample_app(), include_str!("../samples/app.yaml"));
    }
}
