//! Rights that an answer of RBAC says are missing, and the command that grants them to what Apps may be made of.

use std::collections::BTreeSet;

/// Label of the `ClusterRoles` that say what Apps may be made of.
const LABEL: &str = crate::api::names::LABEL_AGGREGATE;
/// What delivering a kind takes.
const DELIVERY: [&str; 6] = ["get", "list", "watch", "create", "patch", "delete"];

/// A rule that is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rule {
    groups: Vec<String>,
    resources: Vec<String>,
    names: Vec<String>,
    verbs: Vec<String>,
}

/// The command by which an administrator grants what is missing, if the answer says what that is: one line.
#[must_use]
pub fn grant(answer: &str) -> Option<String> {
    let rules = match of_kind(answer) {
        Some(rule) => vec![rule],
        None => of_escalation(answer),
    };
    let safe = |rule: &Rule| {
        let complete = !rule.groups.is_empty() && !rule.resources.is_empty() && !rule.verbs.is_empty();
        let words = [&rule.groups, &rule.resources, &rule.names, &rule.verbs];
        complete && words.into_iter().flatten().all(|word| is_word(word))
    };
    if rules.is_empty() || !rules.iter().all(safe) {
        return None;
    }
    let mut taken = BTreeSet::new();
    let commands: Vec<String> = rules.iter().map(|rule| rule.command(&mut taken)).collect();
    Some(commands.join(" && "))
}

impl Rule {
    fn command(&self, taken: &mut BTreeSet<String>) -> String {
        let resources = self.resources.iter().flat_map(|resource| {
            self.groups.iter().map(move |group| {
                let (resource, part) = resource.split_once('/').unwrap_or((resource, ""));
                let dot = if group.is_empty() { "" } else { "." };
                let slash = if part.is_empty() { "" } else { "/" };
                format!("{resource}{dot}{group}{slash}{part}")
            })
        });
        let resources: Vec<String> = resources.collect();
        let first = resources.first().map_or("", String::as_str).replace('/', ".");
        let base = format!("kubeop-deployer-{}", first.replace('*', "all"));
        let mut name = base.clone();
        while !taken.insert(name.clone()) {
            name = format!("{base}-{}", taken.len());
        }
        let only = self.names.iter().flat_map(|name| [" --resource-name=", name]);
        let names: String = only.collect();
        format!(
            "kubectl create clusterrole {name} --verb={} --resource={}{names} && kubectl label clusterrole {name} \
             {LABEL}=true",
            quoted(&self.verbs.join(",")),
            quoted(&resources.join(","))
        )
    }
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    if word.contains('*') {
        format!("'{word}'")
    } else {
        word.to_owned()
    }
}

/// `User "u" cannot patch resource "widgets" in API group "example.com" in the namespace "web"`.
fn of_kind(answer: &str) -> Option<Rule> {
    let (_, rest) = answer.split_once(" cannot ")?;
    let (_, rest) = rest.split_once(" resource \"")?;
    let (resource, rest) = rest.split_once("\" in API group \"")?;
    let (group, _) = rest.split_once('"')?;
    Some(Rule {
        groups: vec![group.to_owned()],
        resources: vec![resource.to_owned()],
        names: Vec::new(),
        verbs: DELIVERY.map(str::to_owned).to_vec(),
    })
}

/// A line for each rule: `{APIGroups:[""], Resources:["pods/exec"], Verbs:["create"]}`.
fn of_escalation(answer: &str) -> Vec<Rule> {
    let Some((_, rules)) = answer.split_once("RBAC permissions not currently held:") else {
        return Vec::new();
    };
    let list = |line: &str, field: &str| -> Vec<String> {
        let inner = line.split_once(&format!("{field}:["));
        let inner = inner.and_then(|(_, rest)| rest.split_once(']'));
        let words = inner.map(|(words, _)| words.split('"').skip(1).step_by(2));
        words.into_iter().flatten().map(str::to_owned).collect()
    };
    let lines = rules.split('{').skip(1);
    lines
        .map(|line| Rule {
            groups: list(line, "APIGroups"),
            resources: list(line, "Resources"),
            names: list(line, "ResourceNames"),
            verbs: list(line, "Verbs"),
        })
        .collect()
}

/// What may stand in a command: names of manifests are what users wrote.
fn is_word(text: &str) -> bool {
    let inside = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '.' | '/' | '*' | ':');
    text.chars().all(inside) && !text.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::grant;

    #[test]
    fn a_kind_that_apps_may_not_bring() {
        let answer = "widgets.example.com \"w\" is forbidden: User \"system:serviceaccount:web:kubeop-deployer\" cannot \
                      patch resource \"widgets\" in API group \"example.com\" in the namespace \"web\"";
        assert_eq!(
            grant(answer).unwrap(),
            "kubectl create clusterrole kubeop-deployer-widgets.example.com \
             --verb=get,list,watch,create,patch,delete --resource=widgets.example.com && kubectl label clusterrole \
             kubeop-deployer-widgets.example.com platform.kubeop.io/aggregate-to-deployer=true"
        );
    }

    #[test]
    fn a_role_that_is_wider_than_what_apps_may_do() {
        let answer = "roles.rbac.authorization.k8s.io \"r\" is forbidden: user \"u\" (groups=[\"g\"]) is attempting to \
                      grant RBAC permissions not currently held:\n\
                      {APIGroups:[\"\"], Resources:[\"pods/exec\"], Verbs:[\"create\" \"get\"]}\n\
                      {APIGroups:[\"\"], Resources:[\"pods/exec\"], ResourceNames:[\"a\"], Verbs:[\"*\"]}\n\
                      {APIGroups:[\"a.b\"], Resources:[\"*\"], Verbs:[\"list\"]}";
        assert_eq!(
            grant(answer).unwrap(),
            "kubectl create clusterrole kubeop-deployer-pods.exec --verb=create,get --resource=pods/exec && kubectl \
             label clusterrole kubeop-deployer-pods.exec platform.kubeop.io/aggregate-to-deployer=true && kubectl \
             create clusterrole kubeop-deployer-pods.exec-1 --verb='*' --resource=pods/exec --resource-name=a && \
             kubectl label clusterrole kubeop-deployer-pods.exec-1 platform.kubeop.io/aggregate-to-deployer=true && \
             kubectl create clusterrole kubeop-deployer-all.a.b --verb=list --resource='*.a.b' && kubectl label \
             clusterrole kubeop-deployer-all.a.b platform.kubeop.io/aggregate-to-deployer=true"
        );
    }

    #[test]
    fn nothing_is_granted_that_cannot_be_read_or_must_not_stand_in_a_command() {
        for answer in [
            "Unauthorized",
            "User \"u\" cannot patch resource \"a'; reboot\" in API group \"x\"",
            "not currently held:\n{NonResourceURLs:[\"/metrics\"], Verbs:[\"get\"]}",
            "RBAC permissions not currently held:\n{NonResourceURLs:[\"/metrics\"], Verbs:[\"get\"]}",
            "RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"$(reboot)\"], Verbs:[\"get\"]}",
        ] {
            assert_eq!(grant(answer), None, "{answer}");
        }
    }
}
