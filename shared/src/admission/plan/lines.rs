//! The lines of a plan, within what the API server lets through: a warning is cut at 256 characters, and all of them
//! at 4,096 (<https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response>).

use crate::revision::ObjectKey;
use std::fmt::Write;

/// Characters of a line.
const LONGEST_LINE: usize = 255;
/// Characters of all warnings.
const LONGEST: usize = 4000;

/// The lines so far.
pub(super) struct Lines {
    start: String,
    lines: Vec<String>,
}

impl Lines {
    pub fn new(app: &str) -> Self {
        Self {
            start: format!("app/{app}: "),
            lines: Vec::new(),
        }
    }

    /// Adds a line: what is done, and to what.
    pub fn add(&mut self, text: &str) {
        let line = format!("{}{text}", self.start).replace(char::is_control, "\u{fffd}");
        self.lines.push(match line.char_indices().nth(LONGEST_LINE) {
            Some(_) => line.chars().take(LONGEST_LINE - 1).chain(['…']).collect(),
            None => line,
        });
    }

    /// Adds that an object changes, with as many of its fields as there is room for.
    pub fn change(&mut self, key: &ObjectKey, fields: &[String]) {
        let mut text = format!("change {}/{}", key.kind, key.name);
        let room = LONGEST_LINE - self.start.chars().count() - " and 9999 more fields".len();
        let mut named = 0;
        let mut length = text.chars().count();
        for field in fields {
            length += field.chars().count() + 2;
            if named > 0 && length > room {
                break;
            }
            text.push_str(if named == 0 { ": " } else { ", " });
            text.push_str(field);
            named += 1;
        }
        if named < fields.len() {
            let _ = write!(text, " and {} more fields", fields.len() - named);
        }
        self.add(&text);
    }

    /// Puts the lines behind the warnings that there are already, and says how many have no room.
    pub fn finish(mut self, warnings: &mut Vec<String>) {
        let length = |line: &String| line.chars().count();
        let said: usize = warnings
            .iter()
            .map(|line| length(line).min(LONGEST_LINE + 1))
            .sum();
        let mut room = LONGEST.saturating_sub(said);
        if self.lines.iter().map(length).sum::<usize>() > room {
            let all = self.lines.len();
            let rest = |left: usize| format!("{}{left} more lines left out", self.start);
            room = room.saturating_sub(length(&rest(all)));
            let fits = self.lines.iter().take_while(|line| {
                let fits = length(line) <= room;
                room = room.saturating_sub(length(line));
                fits
            });
            let fitting = fits.count();
            let last = rest(all - fitting);
            self.lines.truncate(fitting);
            self.lines.push(last);
        }
        warnings.append(&mut self.lines);
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn a_line_has_no_control_characters_and_an_end() {
        let mut lines = Lines::new("pay");
        lines.add("create ConfigMap/a\nb\u{7}");
        lines.add(&format!("create ConfigMap/{}", "ä".repeat(300)));
        let mut said = Vec::new();
        lines.finish(&mut said);
        assert_eq!(said[0], "app/pay: create ConfigMap/a\u{fffd}b\u{fffd}");
        assert_eq!(said[1].chars().count(), 255);
        assert!(said[1].ends_with("ä…"), "{}", said[1]);
    }

    #[test]
    fn other_warnings_take_of_the_room() {
        let mut lines = Lines::new("pay");
        for number in 0..5 {
            lines.add(&format!("create ConfigMap/{number}"));
        }
        let mut said = vec!["w".repeat(245); 16];
        lines.finish(&mut said);
        assert_eq!(
            said[16..],
            ["app/pay: create ConfigMap/0", "app/pay: 4 more lines left out"]
        );
    }
}
