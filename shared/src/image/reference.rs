//! `ImageReference`: the reference grammar of the CNCF distribution project, which nodes use, less three
//! things that kubeOP refuses: a host that is none, surrounding blanks, and ids of images.

use super::{ReferenceError, grammar};
use std::borrow::Cow;
use std::fmt;

/// The host of Docker Hub in normal form.
const DOCKER_HUB: &str = "docker.io";
/// Docker Hub's older name, which means the same.
const DOCKER_HUB_INDEX: &str = "index.docker.io";
/// The repositories of Docker Hub that need no organisation.
const OFFICIAL: &str = "library/";

/// The host in normal form, if it is one of Docker Hub's names.
pub(super) fn docker_hub(host: &str) -> Option<&'static str> {
    matches!(host, DOCKER_HUB | DOCKER_HUB_INDEX).then_some(DOCKER_HUB)
}

/// A readable image reference, made only by parsing. Borrows from the text that it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImageReference<'a> {
    host: &'a str,
    /// `library/` for official repositories of Docker Hub, written or not.
    official: &'static str,
    rest: &'a str,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

impl<'a> ImageReference<'a> {
    /// Reads a reference as the node's runtime does.
    pub fn parse(text: &'a str) -> Result<Self, ReferenceError> {
        check_characters(text)?;
        if grammar::is_image_id(text) {
            return Err(ReferenceError::ImageId);
        }
        let (host, remainder) = split_host(text)?;
        let (named, digest) = split_optional(remainder, '@');
        let (path, tag) = split_optional(named, ':');
        let (official, rest) = match (host, path.strip_prefix(OFFICIAL)) {
            (DOCKER_HUB, Some(rest)) => (OFFICIAL, rest),
            (DOCKER_HUB, None) if !path.contains('/') => (OFFICIAL, path),
            _ => ("", path),
        };
        check_path(rest, official.len())?;
        if let Some(tag) = tag {
            check_tag(tag)?;
        }
        if let Some(digest) = digest
            && let Some(why) = grammar::digest_fault(digest)
        {
            return Err(ReferenceError::Digest {
                digest: digest.to_owned(),
                why,
            });
        }
        // A node adds `:latest` where there is neither tag nor digest; after an algorithm's name even that
        // is looked up as a prefix of an id.
        let has_tag = tag.is_some() || digest.is_none();
        if has_tag && !text.contains('/') && grammar::is_algorithm(path) {
            return Err(ReferenceError::ImageId);
        }
        Ok(Self {
            host,
            official,
            rest,
            tag,
            digest,
        })
    }

    /// Registry host with its port, as written; `docker.io` where none is.
    pub fn host(&self) -> &'a str {
        self.host
    }

    /// Path of the repository, with `library/` added for official repositories of Docker Hub.
    pub fn path(&self) -> Cow<'a, str> {
        if self.official.is_empty() {
            Cow::Borrowed(self.rest)
        } else {
            Cow::Owned([self.official, self.rest].concat())
        }
    }

    /// Where it is kept, whatever its tag: `ghcr.io/acme/payments`. The host is in lower case, since hosts compare
    /// without case.
    pub fn repository(&self) -> String {
        format!(
            "{}/{}{}",
            self.host.to_ascii_lowercase(),
            self.official,
            self.rest
        )
    }

    /// Tag as written.
    pub fn tag(&self) -> Option<&'a str> {
        self.tag
    }

    /// Digest as written, `algorithm:hex`.
    pub fn digest(&self) -> Option<&'a str> {
        self.digest
    }

    /// What a node pulls: `:latest` added where there is neither tag nor digest, the tag left out where
    /// there are both.
    pub fn canonical(&self) -> Canonical<'a> {
        Canonical(*self)
    }

    /// As written, with host and `library/` added. Decides whether two references are the same in a
    /// revision, so `nginx` and `nginx:latest` differ.
    pub fn normalized(&self) -> Normalized<'a> {
        Normalized(*self)
    }

    /// The path in its two pieces, so that it can be compared without being built.
    pub(super) fn path_pieces(&self) -> (&'static str, &'a str) {
        (self.official, self.rest)
    }
}

/// Writes [`ImageReference::canonical`].
#[derive(Clone, Copy, Debug)]
pub struct Canonical<'a>(ImageReference<'a>);

impl fmt::Display for Canonical<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tag = match self.0.digest {
            Some(_) => None,
            None => Some(self.0.tag.unwrap_or("latest")),
        };
        Normalized(ImageReference { tag, ..self.0 }).fmt(f)
    }
}

/// Writes [`ImageReference::normalized`].
#[derive(Clone, Copy, Debug)]
pub struct Normalized<'a>(ImageReference<'a>);

impl fmt::Display for Normalized<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let image = &self.0;
        write!(f, "{}/{}{}", image.host, image.official, image.rest)?;
        if let Some(tag) = image.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = image.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// Refuses what stands in no reference at all, so that the message names the character and its place.
fn check_characters(text: &str) -> Result<(), ReferenceError> {
    if text.is_empty() {
        return Err(ReferenceError::Empty);
    }
    if text.trim().len() != text.len() {
        return Err(ReferenceError::SurroundingBlank);
    }
    let stands_in_references = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '/' | '@' | '+' | '[' | ']')
    };
    if let Some((index, character)) = text.chars().enumerate().find(|(_, c)| !stands_in_references(*c)) {
        return Err(ReferenceError::Character {
            character,
            position: index + 1,
        });
    }
    match text.split_once("://") {
        Some((scheme, _)) => Err(ReferenceError::Scheme(format!("{scheme}://"))),
        None => Ok(()),
    }
}

/// Splits the host off, if the part before the first slash is one by its shape: a dot, a colon, upper
/// case, or `localhost`.
fn split_host(text: &str) -> Result<(&str, &str), ReferenceError> {
    let Some((first, rest)) = text.split_once('/') else {
        return Ok((DOCKER_HUB, text));
    };
    if let Some(hub) = docker_hub(first) {
        return Ok((hub, rest));
    }
    let has_the_shape = first == "localhost"
        || first
            .bytes()
            .any(|b| b == b'.' || b == b':' || b.is_ascii_uppercase());
    if !has_the_shape {
        return Ok((DOCKER_HUB, text));
    }
    match grammar::host_fault(first) {
        Some(why) => Err(ReferenceError::Host {
            host: first.to_owned(),
            why,
        }),
        None => Ok((first, rest)),
    }
}

fn split_optional(text: &str, separator: char) -> (&str, Option<&str>) {
    match text.split_once(separator) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn check_path(path: &str, prefix_length: usize) -> Result<(), ReferenceError> {
    for component in path.split('/') {
        if grammar::is_path_component(component) {
            continue;
        }
        return Err(if component.is_empty() {
            ReferenceError::EmptyComponent
        } else if component.bytes().any(|b| b.is_ascii_uppercase()) {
            ReferenceError::UpperCase(component.to_owned())
        } else {
            ReferenceError::Component(component.to_owned())
        });
    }
    let length = path.len() + prefix_length;
    if length > grammar::MAX_PATH {
        return Err(ReferenceError::TooLong(length));
    }
    Ok(())
}

fn check_tag(tag: &str) -> Result<(), ReferenceError> {
    if grammar::is_tag(tag) {
        return Ok(());
    }
    if tag.is_empty() {
        return Err(ReferenceError::EmptyTag);
    }
    if tag.contains('/') {
        return Err(ReferenceError::SlashInTag(tag.to_owned()));
    }
    Err(match tag.split_once(':') {
        Some((first, second)) => ReferenceError::TwoTags(first.to_owned(), second.to_owned()),
        None => ReferenceError::Tag(tag.to_owned()),
    })
}

#[cfg(test)]
#[path = "reference_tests.rs"]
mod tests;
