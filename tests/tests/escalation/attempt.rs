//! An attempt: who makes it, what it is, and what the refusal says.

use std::fmt;

use serde_json::Value;

/// Who attempts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Bound to `edit` in the project's namespace.
    Edit,
    /// The same, and may besides do `kubectl debug` there.
    Debugs,
    /// Bound to `admin` there.
    Admin,
    /// Of `edit`, acting as the deployer account: `edit` includes to impersonate the accounts of the namespace.
    Deployer,
    /// May write Namespaces and their status, and nothing else.
    Namespaces,
}

/// What is attempted.
#[derive(Debug, Clone)]
pub enum What {
    /// kubectl with these arguments, separated by blanks.
    Run(String),
    /// The same, with this on stdin.
    Send(String, Value),
    /// An App of kind Raw, which is admitted; what delivers it is refused, and the App says so.
    Deliver(Vec<Value>),
}

/// A row of the table.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub name: &'static str,
    pub who: Who,
    pub what: What,
    /// What the refusal says.
    pub refusal: &'static str,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (as {:?})", self.name, self.who)
    }
}

pub fn run(name: &'static str, who: Who, args: impl Into<String>, refusal: &'static str) -> Attempt {
    let what = What::Run(args.into());
    Attempt {
        name,
        who,
        what,
        refusal,
    }
}

/// Creates an object; nothing would be kept of it.
pub fn create(name: &'static str, who: Who, object: Value, refusal: &'static str) -> Attempt {
    let what = What::Send("create --dry-run=server -f -".to_owned(), object);
    Attempt {
        name,
        who,
        what,
        refusal,
    }
}

/// A merge patch; nothing would be kept of it.
pub fn patch(name: &'static str, who: Who, what: &str, fields: Value, refusal: &'static str) -> Attempt {
    let args = format!("patch {what} --dry-run=server --type=merge --patch-file=/dev/stdin");
    let what = What::Send(args, fields);
    Attempt {
        name,
        who,
        what,
        refusal,
    }
}

/// Puts an object in the place of one that the person cannot even read, as `patch` would first.
pub fn put(name: &'static str, who: Who, path: &str, object: Value, refusal: &'static str) -> Attempt {
    let what = What::Send(format!("replace --raw {path}?dryRun=All -f -"), object);
    Attempt {
        name,
        who,
        what,
        refusal,
    }
}
