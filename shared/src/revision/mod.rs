//! The canonical form of what an App says, its hash, and the record of revisions.
