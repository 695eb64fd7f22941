//! Admission: (Facts, Request) -> violations or patches, one file a rule.
