//! The page in a real browser: by keyboard alone, in both colour schemes, and with nothing from elsewhere.

use crate::document::{programs, run};
use crate::support::{Stage, app, is_ready};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Where pictures are kept, to be looked at.
fn pictures() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("manager-api-page");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[tokio::test]
async fn people_see_their_numbers_by_keyboard_in_both_colour_schemes() {
    let chromium = Path::new("/usr/bin/chromium");
    if !chromium.exists() {
        kubeop_tests::skip!("there is no {}: install chromium", chromium.display());
    }
    let Some(programs) = programs().await else {
        kubeop_tests::skip!("python3 cannot make a virtual environment: install python3-venv");
    };
    let stage = Stage::shared().await;
    stage.project("seen").await;
    let app = app("seen", "pay", "ghcr.io/acme/seen:1").to_string();
    stage
        .admin()
        .post("/v1/apps", &app)
        .await
        .unwrap()
        .expect(201)
        .unwrap();
    stage.until("app/pay -n kubeop-seen", is_ready).await;
    let token = stage.token_of("kubeop-seen", "viewer", "view").await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manager_api/page.py");
    let env = [
        ("CHROMIUM", chromium.display().to_string()),
        ("PICTURES", pictures().display().to_string()),
        ("TOKEN", token),
        ("URL", format!("{}/", stage.url())),
    ];
    let said = run(
        &programs.join("python"),
        &pictures(),
        &[script.display().to_string()],
        &env,
    )
    .await;
    let seen: Value = serde_json::from_str(said.lines().last().unwrap_or_default()).expect(&said);
    for scheme in ["light", "dark"] {
        let seen = &seen[scheme];
        assert_eq!(seen["errors"], serde_json::json!([]), "{scheme}: {said}");
        assert_eq!(
            seen["hosts"],
            serde_json::json!([stage.address.to_string()]),
            "{scheme}"
        );
        assert_eq!(seen["apps"], "1", "{scheme}");
        assert!(
            seen["text"].as_str().unwrap().contains("ghcr.io/acme/seen"),
            "{scheme}: {said}"
        );
        assert_eq!(seen["focus"], "numbers", "{scheme}");
        // WCAG 2.1, 1.4.3.
        assert!(seen["contrast"].as_f64().unwrap() >= 4.5, "{scheme}: {said}");
        assert!(
            seen["refused"].as_str().unwrap().starts_with("Not counted: "),
            "{scheme}: {said}"
        );
        assert!(pictures().join(format!("{scheme}.png")).exists(), "{scheme}");
    }
    assert_ne!(seen["light"]["background"], seen["dark"]["background"]);
}
