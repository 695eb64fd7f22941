//! What is wrong with a text that is no image reference, in words for people.

/// Why a text is no image reference. Reads as the end of a sentence that begins with the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// The id of an image: a node starts an image that it already has, from any registry. All other
    /// variants mean that the text cannot be read.
    #[error(
        "is the id of an image, not a reference: a node would start whatever image it holds under that id, \
         from any registry"
    )]
    ImageId,
    /// Nothing is written.
    #[error("is empty")]
    Empty,
    /// White space at the start or the end.
    #[error("begins or ends with a blank")]
    SurroundingBlank,
    /// A character that stands in no reference.
    #[error("has {character:?} as character {position}, which no image reference may have")]
    Character {
        /// The character.
        character: char,
        /// Its place in the text, counted from 1.
        position: usize,
    },
    /// A URL.
    #[error("begins with {0:?}: an image reference has no scheme")]
    Scheme(String),
    /// What stands before the first slash is no host.
    #[error("names the host {host:?}, which {why}")]
    Host {
        /// The host as written.
        host: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Two slashes in a row, or one at the start or the end.
    #[error("has nothing between two slashes, or before or after one")]
    EmptyComponent,
    /// Upper case in the path.
    #[error("has upper case in its path, in {0:?}: only a host and a tag may have it")]
    UpperCase(String),
    /// A component of the path that is none.
    #[error(
        "has {0:?} in its path: a part is lower-case letters and digits, separated by one dot, one or two \
         underscores, or dashes"
    )]
    Component(String),
    /// The path is too long.
    #[error("has a path of {0} characters; 255 is the most")]
    TooLong(usize),
    /// A colon and nothing after it.
    #[error("has a colon and no tag after it")]
    EmptyTag,
    /// More than one tag.
    #[error("has two tags, {0:?} and {1:?}")]
    TwoTags(String, String),
    /// A slash after the tag began.
    #[error("has a slash in its tag {0:?}")]
    SlashInTag(String),
    /// No tag.
    #[error(
        "has the tag {0:?}: a tag is at most 128 letters, digits, underscores, dots and dashes, and begins \
         with none of the last two"
    )]
    Tag(String),
    /// No digest.
    #[error("has the digest {digest:?}, which {why}")]
    Digest {
        /// The digest as written.
        digest: String,
        /// What is wrong with it.
        why: String,
    },
}
