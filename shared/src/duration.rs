//! Times as flags say them.

use jiff::{Span, SpanRelativeTo};
use std::time::Duration;

/// Reads `90d`, `24h` or `30s`. A day has 24 hours.
///
/// # Errors
/// What to say instead.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let read = || {
        let span: Span = text.parse().ok()?;
        let whole = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
        Duration::try_from(whole).ok()
    };
    read().ok_or_else(|| "say days, hours, minutes or seconds, such as 90d, 24h, 15m or 30s".to_owned())
}

#[cfg(test)]
mod tests {
    use super::parse_duration;
    use std::time::Duration;

    #[test]
    fn times_have_units() {
        for (text, seconds) in [
            ("90d", 7_776_000),
            ("24h", 86_400),
            ("1h30m", 5_400),
            ("30s", 30),
            ("0s", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "90", "10y", "-1h", "soon"] {
            assert!(parse_duration(text).unwrap_err().contains("90d, 24h"), "{text}");
        }
    }
}
