//! What is printed, and the status that it ends with. No cluster is needed.

use std::fs;

use kubeop_shared::admission::Code;
use serde_json::{Value, json};

use crate::support::{check, check_in};

/// An App with one fault.
const EVIL: &str = "apiVersion: platform.kubeop.io/v1alpha1\nkind: App\nmetadata: {name: evil, namespace: kubeop-web}\n\
                    spec: {projectRef: web, delivery: {kind: Image, image: {ref: evil.example/x}}}\n";

/// What `check` says of it.
const EVIL_TOLD: &str = "app evil refused: 1 fault\n[ImageNotAllowed] spec.delivery.image.ref: \
                         \"evil.example/x:latest\" is not in the list of tenant acme (ghcr.io/acme, \
                         docker.io/library). Use one of these, or ask platform@acme.example.\n";

#[test]
fn a_refusal_is_told_with_its_place_and_ends_with_1() {
    let answer = check("-f apps.yaml --project platform.yaml");
    assert_eq!(answer.status, 1);
    for part in [
        "apps.yaml:14: app faulty refused: 4 faults\n[WrongNamespace] metadata.namespace: \"default\" is not the \
         namespace of project web (kubeop-web). kubectl apply -n kubeop-web -f ...\n",
        "\n[HostNotAllowed] spec.delivery.image.ingress.host: \"shop.acme.example\" is not under a host of project \
         web (pay.acme.example). Use one of these or a name under it, or ask platform@acme.example.\n",
        ": Warning: audit: [ImageNotAllowed] spec.delivery.image.ref: ",
    ] {
        assert!(answer.stdout.contains(part), "{part} in {}", answer.stdout);
    }
    assert!(!answer.stdout.contains("fine"), "{}", answer.stdout);
    assert!(
        answer
            .stderr
            .starts_with("7 objects checked: 3 refused, 4 warnings; 0 passed over, 0 unreadable"),
        "{}",
        answer.stderr
    );
}

#[test]
fn what_is_allowed_says_nothing_and_ends_with_0() {
    let folder = tempfile::tempdir().unwrap();
    let good = EVIL.replace("evil.example", "ghcr.io/acme");
    let platform = crate::support::inputs().join("platform.yaml");
    let args = format!("-f - --project {}", platform.display());
    let answer = check_in(folder.path(), &args, &good);
    assert_eq!((answer.status, &*answer.stdout), (0, ""), "{answer:?}");
    assert_eq!(
        answer.stderr,
        "1 object checked: 0 refused, 0 warnings; 0 passed over, 0 unreadable\n"
    );
}

#[test]
fn standard_input_and_files_go_together_and_projects_may_stand_among_them() {
    let platform = fs::read_to_string(crate::support::inputs().join("platform.yaml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("evil.yaml"), EVIL).unwrap();
    let answer = check_in(folder.path(), "-f evil.yaml -f -", &platform);
    assert_eq!(
        (answer.status, answer.stdout),
        (1, format!("evil.yaml:1: {EVIL_TOLD}"))
    );
    // A cluster's list is the widest.
    let args = "-f - evil.yaml --image-allowlist docker.io,quay.io";
    let answer = check_in(folder.path(), args, &platform);
    assert!(
        answer
            .stdout
            .contains("is not in the list of the cluster (docker.io, quay.io)"),
        "{answer:?}"
    );
}

#[test]
fn two_projects_and_a_tenant_come_from_files_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let own = |kind: &str, name: &str, spec: &Value| {
        json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
            .to_string()
    };
    fs::create_dir(folder.path().join("tenants")).unwrap();
    write(
        "tenants/t.json",
        &own(
            "Tenant",
            "acme",
            &json!({"contact": "us", "imageAllowlist": ["ghcr.io"]}),
        ),
    );
    write(
        "a.json",
        &own(
            "Project",
            "a",
            &json!({"tenantRef": "acme", "imageAllowlist": ["ghcr.io/a"]}),
        ),
    );
    write("b.json", &own("Project", "b", &json!({"tenantRef": "acme"})));
    let app = |project: &str, image: &str| {
        let mut app: Value = serde_saphyr::from_str(EVIL).unwrap();
        app["metadata"]["namespace"] = json!(format!("kubeop-{project}"));
        app["spec"]["projectRef"] = json!(project);
        app["spec"]["delivery"]["image"]["ref"] = json!(image);
        app.to_string()
    };
    let apps = [
        app("a", "ghcr.io/b/x"),
        app("b", "ghcr.io/b/x"),
        app("b", "quay.io/x"),
    ]
    .join("\n");
    let answer = check_in(
        folder.path(),
        "-f - --project a.json b.json --tenant tenants -o json",
        &apps,
    );
    let said = answer.json();
    let why: Vec<_> = said["objects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|object| object["violations"][0]["why"].as_str())
        .collect();
    let a = Some("is not in the list of project a (ghcr.io/a)");
    let b = Some("is not in the list of tenant acme (ghcr.io)");
    assert_eq!(why, [a, None, b], "{said}");
}

#[test]
fn what_cannot_be_read_has_its_line_ends_with_2_and_hides_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| fs::write(folder.path().join(name), text).unwrap();
    write("evil.yaml", EVIL.as_bytes());
    write(
        "twice.yaml",
        b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {}\ndata: {}\n",
    );
    write("bytes.yaml", b"apiVersion: v1\nkind: \xff\n");
    write("values.yaml", b"replicas: 3\n");
    let platform = crate::support::inputs().join("platform.yaml");
    let args = format!("-f . nowhere.yaml --project {}", platform.display());
    let answer = check_in(folder.path(), &args, "");
    assert_eq!(answer.status, 2);
    for part in [
        &format!("./evil.yaml:1: {EVIL_TOLD}"),
        "./twice.yaml:5: unreadable: ",
        "./bytes.yaml:2: unreadable: is not UTF-8\n",
        "./values.yaml:1: unreadable: has no kind\n",
        "nowhere.yaml: unreadable: No such file",
    ] {
        assert!(answer.stdout.contains(part), "{part} in {}", answer.stdout);
    }
    let json = check_in(folder.path(), &format!("{args} --output json"), "").json();
    assert_eq!(json["unreadable"].as_array().unwrap().len(), 4, "{json}");
    assert_eq!(json["unreadable"][1]["line"], 5, "{json}");
    // A Project without a Tenant is none.
    write(
        "odd.yaml",
        b"apiVersion: platform.kubeop.io/v1alpha1\nkind: Project\nmetadata: {name: web}\nspec: {}\n",
    );
    let answer = check_in(folder.path(), "-f evil.yaml --project odd.yaml", "");
    assert_eq!(answer.status, 2);
    assert!(
        answer
            .stdout
            .contains("odd.yaml:1: unreadable: the Project does not have the form of its kind: ")
            && answer
                .stdout
                .contains("[ProjectNotFound] spec.projectRef: \"web\""),
        "{answer:?}"
    );
}

#[test]
fn a_spec_of_another_form_is_refused_in_the_webhooks_words() {
    let folder = tempfile::tempdir().unwrap();
    let platform = crate::support::inputs().join("platform.yaml");
    let odd = EVIL.replace("ref: evil.example/x", "ref: ghcr.io/acme/x, replicas: many");
    let args = format!("-f - --project {}", platform.display());
    let answer = check_in(folder.path(), &args, &odd);
    assert_eq!(answer.status, 1);
    assert!(
        answer
            .stdout
            .contains("[ObjectUnreadable] object: does not have the form of its kind: ")
            && answer.stdout.contains("expected i32"),
        "{answer:?}"
    );
}

#[test]
fn github_annotates_the_line_of_each_fault() {
    let answer = check("-f apps.yaml --project platform.yaml --output github");
    assert_eq!(answer.status, 1);
    let errors = answer
        .stdout
        .lines()
        .filter(|line| line.starts_with("::error file=apps.yaml,line="));
    let of_faulty: Vec<_> = errors.filter(|line| line.contains(",line=14,")).collect();
    assert_eq!(of_faulty.len(), 4, "{}", answer.stdout);
    assert!(
        of_faulty[0].starts_with(
            "::error file=apps.yaml,line=14,title=WrongNamespace::app faulty: [WrongNamespace] "
        ),
        "{of_faulty:?}"
    );
    assert!(
        answer.stdout.contains("title=Warning::audit: [ImageNotAllowed] "),
        "{}",
        answer.stdout
    );
}

#[test]
fn sarif_has_a_rule_for_each_code_and_a_place_for_each_fault() {
    let answer = check("-f apps.yaml objects.yaml nowhere.yaml --project platform.yaml --output sarif");
    assert_eq!(answer.status, 2);
    let log = answer.json();
    assert_eq!(log["version"], "2.1.0");
    assert!(
        log["$schema"]
            .as_str()
            .unwrap()
            .ends_with("sarif-schema-2.1.0.json")
    );
    let [run] = log["runs"].as_array().unwrap().as_slice() else {
        panic!("one run: {log}")
    };
    let rules: Vec<_> = run["tool"]["driver"]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| {
            assert!(rule["shortDescription"]["text"].is_string());
            rule["id"].as_str().unwrap()
        })
        .collect();
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(rules[..codes.len()], codes);
    let results = run["results"].as_array().unwrap();
    assert!(results.len() > 20, "{log}");
    for result in results {
        assert!(rules.contains(&result["ruleId"].as_str().unwrap()), "{result}");
        assert!(["error", "warning"].contains(&result["level"].as_str().unwrap()));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let place = &result["locations"][0]["physicalLocation"];
        assert!(
            place["artifactLocation"]["uri"]
                .as_str()
                .unwrap()
                .ends_with(".yaml")
        );
        if result["ruleId"] != "Unreadable" {
            assert!(place["region"]["startLine"].as_u64().unwrap() >= 1, "{result}");
        }
    }
}
