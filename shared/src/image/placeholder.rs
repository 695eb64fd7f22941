//! Texts that stand where an image belongs until some program fills them in.

/// Whether a text that is no reference is meant to be filled in before a node sees it: `$(params.IMAGE)`,
/// `{{inputs.parameters.image}}`, `<image>`, `%IMAGE%`, `ko://example.com/cmd`.
#[must_use]
pub fn is_placeholder(text: &str) -> bool {
    text.contains("://") || text.contains(['$', '{', '}', '<', '>', '%'])
}

#[cfg(test)]
mod tests {
    use super::is_placeholder;
    use crate::image::ImageReference;

    #[test]
    fn what_is_filled_in_later_is_no_mistake() {
        for text in [
            "$(params.BUILDER_IMAGE)",
            "registry.example.com/$(params.name):1",
            "{{inputs.parameters.image}}",
            "ko://example.com/cmd",
            "${IMAGE}",
            "<image>",
            "%IMAGE%",
        ] {
            assert!(is_placeholder(text), "{text}");
            assert!(ImageReference::parse(text).is_err(), "{text}");
        }
        for text in ["", "registry.example.com/p:1:2", "acme/App", "image to be set"] {
            assert!(!is_placeholder(text), "{text}");
        }
    }
}
