//! `/openapi.json`: valid, and true of whatever schemathesis thinks of sending.

use crate::support::{Stage, app};
use kubeop_tests::python;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// Asks for every field of an App's spec, and every edge of its values: twenty thousand requests. Without it a handful of
/// fields.
const WHOLE: &str = "KUBEOP_TEST_SWEEP";

/// The folder of the programs from PyPI; none where there is no Python for it.
pub async fn programs() -> Option<PathBuf> {
    let requirements = include_str!("requirements.txt");
    let made = tokio::task::spawn_blocking(move || python::environment(requirements));
    made.await.unwrap().unwrap()
}

/// Runs a program in a folder, to its end; what it printed.
pub async fn run(program: &Path, folder: &Path, args: &[String], env: &[(&str, String)]) -> String {
    let output = Command::new(program)
        .args(args)
        // Some leave notes where they run.
        .current_dir(folder)
        .envs(env.iter().map(|(name, value)| (*name, value.as_str())))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    let said = said.concat();
    assert!(output.status.success(), "{}:\n{said}", program.display());
    said
}

/// The same document, of which only Apps are thought of that the caller may have: most of what is sent gets as far as
/// admission.
fn near_by(mut document: Value) -> Value {
    let (namespaces, names) = (
        json!({"enum": ["kubeop-fuzz"]}),
        json!({"enum": ["pay", "shop", "nobody"]}),
    );
    for methods in document["paths"].as_object_mut().unwrap().values_mut() {
        for operation in methods.as_object_mut().unwrap().values_mut() {
            for parameter in operation["parameters"].as_array_mut().unwrap() {
                match parameter["name"].as_str() {
                    Some("namespace") => parameter["schema"] = namespaces.clone(),
                    Some("name") => parameter["schema"] = names.clone(),
                    _ => {}
                }
            }
        }
    }
    let app = &mut document["components"]["schemas"]["App"]["properties"];
    let fields = &mut app["spec"]["properties"];
    if std::env::var_os(WHOLE).is_none() {
        let parts = &fields["delivery"]["properties"];
        let image = parts["image"]["anyOf"][0]["properties"]["ref"].clone();
        let image = json!({"type": ["object", "null"], "required": ["ref"], "properties": {"ref": image}});
        *fields = json!({"delivery": {"type": "object", "required": ["kind"], "properties": {
            "kind": parts["kind"], "image": image,
        }}});
    }
    fields["projectRef"] = json!({"enum": ["fuzz", "nobody"]});
    let metadata = &mut app["metadata"];
    metadata["required"] = json!(["name", "namespace"]);
    metadata["properties"]["namespace"] = namespaces;
    metadata["properties"]["name"] = names;
    document
}

#[tokio::test]
async fn the_document_is_valid_and_what_it_promises_is_kept() {
    let Some(programs) = programs().await else {
        kubeop_tests::skip!("python3 cannot make a virtual environment: install python3-venv");
    };
    let stage = Stage::shared().await;
    stage.project("fuzz").await;
    let token = stage.token_of("kubeop-fuzz", "fuzzer", "edit").await;
    stage
        .cluster
        .apply(&app("fuzz", "pay", "ghcr.io/acme/pay:1").to_string())
        .await
        .unwrap();
    let folder = stage.cluster.folder();
    let (document, ca) = (folder.join("openapi.json"), folder.join("manager-api-ca.crt"));
    let told = stage.with(None).get("/openapi.json").await.unwrap();
    std::fs::write(&document, &told.text).unwrap();
    let near = folder.join("openapi-near.json");
    std::fs::write(&near, near_by(told.expect(200).unwrap()).to_string()).unwrap();
    std::fs::write(&ca, &stage.ca).unwrap();
    run(
        &programs.join("openapi-spec-validator"),
        folder,
        &[document.display().to_string()],
        &[],
    )
    .await;
    let args = [
        "run".to_owned(),
        near.display().to_string(),
        format!("--url={}", stage.url()),
        format!("--header=Authorization: Bearer {token}"),
        format!("--tls-verify={}", ca.display()),
        // What is asked need not be there, and an App that fits the document may still be refused.
        "--exclude-checks=positive_data_acceptance".to_owned(),
        "--phases=examples,coverage,fuzzing".to_owned(),
        "--max-examples=50".to_owned(),
        "--seed=1".to_owned(),
    ];
    let said = run(
        &programs.join("schemathesis"),
        folder,
        &args,
        &[("NO_COLOR", "1".to_owned())],
    )
    .await;
    println!("{said}");
    // Whatever was sent, the controller lives.
    let log = std::fs::read_to_string(stage.kubeop.controller_log()).unwrap();
    assert!(!log.contains("panicked"), "{log}");
}
