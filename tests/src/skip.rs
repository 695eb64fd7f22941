//! Tests that cannot run on this machine say why, and are counted; where everything must run (`CI=true`), they
//! fail instead.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

static SKIPPED: AtomicUsize = AtomicUsize::new(0);

/// Ends the test here and says why it could not run.
///
/// # Panics
/// Under `CI=true`.
#[macro_export]
macro_rules! skip {
    ($($why:tt)+) => {{
        $crate::skip::record(&format!($($why)+));
        return Default::default();
    }};
}

/// Counts a skipped test: on stderr past the test runner's capture, and a line in `skipped-tests.txt` in the
/// target folder.
///
/// # Panics
/// Under `CI=true`.
pub fn record(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{test} cannot run here: {why}"
    );
    let count = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    let line = format!("skipped {test}: {why}");
    let _ = writeln!(std::io::stderr(), "\n{line} ({count} in this program)");
    if let Some(target) = crate::programs::target_folder()
        && let Ok(mut file) = OpenOptions::new()
            .append(true)
            .create(true)
            .open(target.join("skipped-tests.txt"))
    {
        let _ = writeln!(file, "{line}");
    }
}
