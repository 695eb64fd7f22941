//! What Pods do on a fake node.
//!
//! A Pod becomes Running and Ready at once; a Job's Pod succeeds at once; a deleted Pod is gone at once. The
//! environment of a container changes that. It is the one thing that a test can set wherever a Pod comes from
//! (a hook, an App, a manifest):
//!
//! | variable | a Job's Pod | any other Pod |
//! | --- | --- | --- |
//! | [`EXIT_CODE`]`=3` | ends with this code; fails unless it is 0 | crash-loops with this code |
//! | [`RUN_FOR`]`=2s` | ends after this time; `24h` hangs | |
//! | [`PULL_ERROR`]`=true` | stays Pending, `ImagePullBackOff` | the same |
//!
//! There are no logs and no `kubectl exec`: tests of those need a real node. The stages stand in
//! `tests/cluster/stages.yaml`.

/// The exit code of the container.
pub const EXIT_CODE: &str = "FAKE_EXIT_CODE";

/// How long a Job's Pod runs: a Go duration (`300ms`, `2s`, `24h`).
pub const RUN_FOR: &str = "FAKE_RUN_FOR";

/// Present: the image cannot be pulled.
pub const PULL_ERROR: &str = "FAKE_PULL_ERROR";

/// Our Stage documents.
pub(crate) const STAGES: &str = include_str!("../cluster/stages.yaml");
