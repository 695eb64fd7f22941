//! Texts of strangers made fit for one line of a condition: harmless, short, and the same at every look.

/// The longest text that is kept of what a program or a registry said, in characters.
pub const LONGEST: usize = 512;

/// The end of what a program wrote, on one line: that is where the error stands.
#[must_use]
pub fn last_lines(text: &str) -> String {
    let line = one_line(text);
    let count = line.chars().count();
    if count <= LONGEST {
        return line;
    }
    let end: String = line.chars().skip(count - LONGEST + 1).collect();
    format!("…{end}")
}

/// The beginning of a message, on one line.
pub(super) fn message(text: &str) -> String {
    let line = one_line(text);
    if line.chars().count() <= LONGEST {
        return line;
    }
    let start: String = line.chars().take(LONGEST - 1).collect();
    format!("{start}…")
}

/// Without colours, control characters and line ends: a terminal does what it is told, and a second line could
/// look like one of ours.
fn one_line(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            // A sequence that ends with a letter: `ESC [ 31 m`.
            '\u{1b}' if chars.peek() == Some(&'[') => {
                chars.next();
                while chars
                    .next()
                    .is_some_and(|char| !('\u{40}'..='\u{7e}').contains(&char))
                {}
            }
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => plain.push('\n'),
            '\t' => plain.push(' '),
            char if char.is_control() || turns_direction(char) => {}
            char => plain.push(char),
        }
    }
    let lines = plain.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" | ")
}

/// Characters that make a text read otherwise than it is.
fn turns_direction(char: char) -> bool {
    matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Without what differs at each attempt: the local end of a connection, and the wrapping of the runtime.
pub(super) fn steady(text: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in text.split(' ') {
        match word.split_once("->") {
            Some((local, remote)) if local.contains(':') => words.push(remote),
            _ => words.push(word),
        }
    }
    let text = words.join(" ");
    match text
        .strip_prefix("rpc error: code = ")
        .and_then(|rest| rest.split_once(" desc = "))
    {
        Some((_, said)) => said.to_owned(),
        None => text,
    }
}

/// Whether a text may stand in a command: it came from an Event or a status, which others can write.
pub(super) fn is_name(text: &str) -> bool {
    let allowed = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '.' | '_');
    !text.is_empty() && text.len() <= 253 && text.chars().all(allowed) && !text.starts_with('-')
}

/// What stands between the quotation marks after these words.
pub(super) fn quoted_after<'t>(text: &'t str, words: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(words)?;
    let (quoted, _) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
    Some(quoted)
}

#[cfg(test)]
mod tests {
    use super::{is_name, last_lines, message, quoted_after, steady};

    #[test]
    fn what_a_program_wrote_cannot_steer_a_terminal_or_add_a_line() {
        let said = "\u{1b}[31mpanic:\u{1b}[0m no\tdatabase\r\n\nkubectl delete ns\u{7}\u{202e}\u{1b}";
        assert_eq!(last_lines(said), "panic: no database | kubectl delete ns");
    }

    #[test]
    fn the_end_is_kept_of_output_and_the_beginning_of_a_message() {
        let long = format!("start {} end", "ä".repeat(600));
        assert!(last_lines(&long).starts_with('…') && last_lines(&long).ends_with("ä end"));
        assert!(message(&long).starts_with("start ä") && message(&long).ends_with('…'));
        assert_eq!(
            [last_lines(&long), message(&long)].map(|text| text.chars().count()),
            [512, 512]
        );
    }

    #[test]
    fn two_attempts_read_the_same() {
        let at = |port: u16| {
            format!(
                "rpc error: code = Unknown desc = failed to do request: Head \"https://x/v2\": dial tcp: lookup x: \
                 read udp 10.0.0.1:{port}->10.0.0.10:53: i/o timeout"
            )
        };
        assert_eq!(steady(&at(40_001)), steady(&at(51_234)));
        assert!(steady(&at(1)).starts_with("failed to do request"));
        assert!(steady(&at(1)).ends_with("read udp 10.0.0.10:53: i/o timeout"));
    }

    #[test]
    fn only_names_stand_in_commands() {
        assert!(is_name("app.settings-1"));
        for bad in ["", "a b", "a;reboot", "$(x)", "-rf", "a'"] {
            assert!(!is_name(bad), "{bad}");
        }
        assert_eq!(quoted_after("configmap \"a\" not found", "configmap "), Some("a"));
        assert_eq!(quoted_after("configmap a", "configmap "), None);
    }
}
