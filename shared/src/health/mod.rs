//! Whether an object is ready.
