//! The user's own document on delivery workflows, which is kept byte for byte in `tests/seed/`.

const DOCUMENT: &str = include_str!("../seed/delivery-workflows.md");

/// The document's sample App: the text of the block under "Sample App spec".
///
/// # Panics
/// When the document has no such block: it is part of this program.
pub fn sample_app() -> &'static str {
    let (_, section) = DOCUMENT.split_once("## Sample App spec").expect("the section");
    let (_, block) = section.split_once("```yaml\n").expect("the block");
    block.split_once("```").expect("the block's end").0
}

/// The document's commands, in order: each line of its shell blocks, a here-document with the line that it belongs to,
/// and those in the text under the last heading.
///
/// # Panics
/// When a here-document has no end: it is part of this program.
pub fn commands() -> Vec<String> {
    let mut commands = Vec::new();
    let blocks = DOCUMENT.split("```bash\n").skip(1);
    for block in blocks.filter_map(|rest| rest.split_once("```")) {
        let indent = block.0.len() - block.0.trim_start().len();
        for line in block.0.lines().map(str::trim_start) {
            if line.is_empty() {
                continue;
            }
            if !line.contains("<<'YAML'") {
                commands.push(line.to_owned());
                continue;
            }
            let (_, rest) = block.0.split_once(line).expect("the line");
            let (text, _) = rest.split_once("YAML\n").expect("the end of the here-document");
            let text = text.lines().map(|line| line.get(indent..).unwrap_or_default());
            let text = text.collect::<Vec<_>>().join("\n");
            commands.push(format!("{line}{text}YAML\n"));
            break;
        }
    }
    let (_, last) = DOCUMENT
        .split_once("## Hooks and analytics")
        .expect("the section");
    let inline = last.split('`').skip(1).step_by(2);
    commands.extend(
        inline
            .filter(|code| code.starts_with("kubectl "))
            .map(str::to_owned),
    );
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_the_document_s_own() {
        assert!(sample_app().starts_with("apiVersion: platform.kubeop.io/v1alpha1\nkind: App\n"));
        assert!(sample_app().ends_with("command: [\"/bin/sh\", \"-c\", \"./migrate.sh\"]\n"));
        assert_eq!(sample_app(), include_str!("../samples/app.yaml"));
    }

    #[test]
    fn every_command_of_the_document_is_found() {
        let commands = commands();
        let firsts: Vec<&str> = commands
            .iter()
            .filter_map(|command| command.lines().next())
            .collect();
        assert_eq!(
            firsts,
            [
                "kubectl -n kubeop-web get app payments -o json | jq '.status.conditions'",
                "kubectl -n kubeop-web get configmap kubeop-revision-payments -o yaml",
                "kubectl -n kubeop-web rollout status deploy/payments --timeout=180s",
                "kubectl -n kubeop-web rollout undo deploy/payments --to-revision=2",
                "kubectl apply -f - <<'YAML'",
                "kubectl -n kubeop-web get events",
            ]
        );
        let here = commands[4].lines().skip(1).collect::<Vec<_>>();
        assert_eq!(here[0], "apiVersion: platform.kubeop.io/v1alpha1");
        assert_eq!(here.last(), Some(&"YAML"), "{here:?}");
    }
}
