//! Paths of fields, built on the stack while walking and written out only when something is wrong.

use std::fmt;

/// A path from the root of an object, as `spec.containers[0].image`.
#[derive(Clone, Copy, Debug)]
pub enum FieldPath<'p> {
    /// The object itself, under the path at which it was found (empty for the object of a request).
    Root(&'p str),
    /// A field of an object.
    Field(&'p FieldPath<'p>, &'p str),
    /// An element of a list.
    Index(&'p FieldPath<'p>, usize),
}

impl FieldPath<'_> {
    /// The path of a field below this one.
    #[must_use]
    pub fn field<'c>(&'c self, name: &'c str) -> FieldPath<'c> {
        FieldPath::Field(self, name)
    }

    /// The path of an element below this one.
    #[must_use]
    pub fn index(&self, index: usize) -> FieldPath<'_> {
        FieldPath::Index(self, index)
    }
}

impl fmt::Display for FieldPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root(path) => f.write_str(path),
            Self::Field(FieldPath::Root(""), name) => f.write_str(name),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FieldPath;

    #[test]
    fn a_path_reads_as_kubectl_writes_it() {
        let root = FieldPath::Root("");
        let spec = root.field("spec");
        let containers = spec.field("containers");
        let first = containers.index(0);
        assert_eq!(first.field("image").to_string(), "spec.containers[0].image");
    }

    #[test]
    fn a_path_below_an_embedded_manifest_starts_where_that_stands() {
        let root = FieldPath::Root("spec.delivery.raw.manifests[3]");
        assert_eq!(
            root.field("kind").to_string(),
            "spec.delivery.raw.manifests[3].kind"
        );
    }
}
