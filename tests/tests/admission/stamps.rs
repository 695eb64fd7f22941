//! Who made an App what it is stands on it, nobody can forge it, and no second apply changes anything.

use crate::support::{NAMESPACE, Web, app};
use kubeop_tests::kubectl::Output;
use kubeop_tests::wait;
use serde_json::{Value, json};
use std::time::Duration;

const AUTHOR: &str = "platform.kubeop.io/author";
const HASH: &str = "platform.kubeop.io/revision-hash";
const VERSION: &str = "platform.kubeop.io/hash-version";
const SOON: Duration = Duration::from_secs(20);

/// kubectl flags of a user who may do everything.
fn by(user: &str) -> String {
    format!("--as={user} --as-group=system:masters")
}

/// An App that nothing is delivered of, so that only its writers write it.
fn suspended(name: &str) -> Value {
    let mut app = app(name, "ghcr.io/acme/x:1");
    app["spec"]["suspend"] = json!(true);
    app
}

impl Web {
    async fn app(&self, name: &str) -> Value {
        self.get(&format!("apps.platform.kubeop.io/{name}")).await
    }

    /// The App once the controller has said all that it has to say of it.
    async fn settled(&self, name: &str) -> Value {
        wait::until("the App is settled", SOON, || async {
            let app = self.app(name).await;
            let observed = &app["status"]["observedGeneration"];
            anyhow::ensure!(*observed == app["metadata"]["generation"], "{app}");
            tokio::time::sleep(Duration::from_millis(500)).await;
            anyhow::ensure!(version_of(&self.app(name).await) == version_of(&app), "{app}");
            Ok::<_, anyhow::Error>(app)
        })
        .await
        .unwrap()
    }

    /// Does this to an App, and finds it as it was.
    async fn changes_nothing(&self, before: &Value, args: &str, input: &str) -> Output {
        let (after, output) = self.does(before, args, input).await;
        assert_eq!(after, *before, "{output:?}");
        output
    }

    /// Does this to an App twice. The API server notes a new manager, which is a new resourceVersion and all
    /// that is new; the second time nothing is.
    async fn changes_a_manager(&self, before: &Value, args: &str, input: &str) -> Output {
        let (after, output) = self.does(before, args, input).await;
        let mut expected = before.clone();
        expected["metadata"]["resourceVersion"] = after["metadata"]["resourceVersion"].clone();
        assert_eq!(after, expected, "{output:?}");
        self.changes_nothing(&after, args, input).await;
        output
    }

    /// The App after this was done to it.
    async fn does(&self, before: &Value, args: &str, input: &str) -> (Value, Output) {
        let output = self.cluster().kubectl_with_input(args.split_whitespace(), input);
        let output = output.await.unwrap();
        assert_eq!(output.status, 0, "{output:?}");
        let name = before["metadata"]["name"].as_str().unwrap();
        (self.app(name).await, output)
    }
}

fn version_of(app: &Value) -> &str {
    app["metadata"]["resourceVersion"].as_str().unwrap()
}

fn stamp<'a>(app: &'a Value, name: &str) -> &'a str {
    app["metadata"]["annotations"][name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} on {app}"))
}

fn assert_whole(app: &Value, author: &str) {
    for label in ["cluster-id", "tenant-id", "project-id", "app-id"] {
        let label = format!("app.kubeop.io/{label}");
        assert!(app["metadata"]["labels"][&label].is_string(), "{label} of {app}");
    }
    assert_eq!(app["spec"]["namespace"], NAMESPACE);
    assert_eq!(stamp(app, AUTHOR), author);
    assert_eq!(stamp(app, HASH).len(), 64);
    assert_eq!(stamp(app, VERSION), "1");
}

#[tokio::test]
async fn s13_a_second_apply_changes_nothing_whoever_applies_and_however() {
    let web = Web::shared().await;
    let manifest = suspended("s13");
    let text = manifest.to_string();
    web.send(&format!("apply -f - {}", by("alice")), &manifest)
        .await
        .success()
        .unwrap();
    let first = web.settled("s13").await;
    assert_whole(&first, "alice");

    let diff = web.changes_nothing(&first, "diff -f -", &text).await;
    assert_eq!(diff.stdout, "");
    let again = web.changes_nothing(&first, "apply -f -", &text).await;
    assert!(again.stdout.contains("unchanged"), "{again:?}");

    // Another manager, as another user: it now owns fields, and that is all.
    let server_side = format!(
        "apply -f - --server-side --field-manager=gitops --force-conflicts {}",
        by("bob")
    );
    web.send(&server_side, &manifest).await.success().unwrap();
    let owned = web.settled("s13").await;
    assert_whole(&owned, "alice");
    assert_eq!(owned["metadata"]["generation"], first["metadata"]["generation"]);
    for _ in 0..2 {
        let applied = web.changes_nothing(&owned, &server_side, &text).await;
        assert_eq!(applied.stderr, "", "no warning");
    }
    let diff = "diff -f - --server-side --field-manager=gitops --force-conflicts";
    assert_eq!(web.changes_nothing(&owned, diff, &text).await.stdout, "");
    let unforced = "apply -f - --server-side --field-manager=third";
    web.send(unforced, &manifest).await.success().unwrap();
    let shared = web.settled("s13").await;
    web.changes_nothing(&shared, unforced, &text).await;

    web.send("apply -f -", &manifest).await.success().unwrap();
    let back = web.settled("s13").await;
    assert_whole(&back, "alice");
    web.changes_nothing(&back, "apply -f -", &text).await;
}

#[tokio::test]
async fn s58_stamps_committed_to_git_are_replaced_by_the_truth() {
    let web = Web::shared().await;
    let mut exported = suspended("s58");
    let zeros = "0".repeat(64);
    exported["metadata"]["annotations"] = json!({AUTHOR: "zoe", HASH: zeros, VERSION: "0", "note": "kept"});
    let text = exported.to_string();
    let first = web.send(&format!("apply -f - {}", by("alice")), &exported).await;
    for name in [AUTHOR, HASH, VERSION] {
        let warning = format!("Warning: metadata.annotations[{name}]: ");
        assert!(first.stderr.contains(&warning), "{first:?}");
    }
    first.success().unwrap();
    let made = web.settled("s58").await;
    assert_whole(&made, "alice");
    assert_ne!(stamp(&made, HASH), zeros);
    assert_eq!(stamp(&made, "note"), "kept");

    web.changes_nothing(&made, "apply -f -", &text).await;
    assert_eq!(web.changes_nothing(&made, "diff -f -", &text).await.stdout, "");
    let server_side = format!(
        "apply -f - --server-side --field-manager=gitops --force-conflicts {}",
        by("bob")
    );
    web.send(&server_side, &exported).await.success().unwrap();
    let owned = web.settled("s58").await;
    assert_whole(&owned, "alice");
    for _ in 0..2 {
        web.changes_nothing(&owned, &server_side, &text).await;
    }
    // The truth, exported and applied elsewhere, is told of its author only.
    let mut copy = suspended("s58-copy");
    copy["metadata"]["annotations"] = made["metadata"]["annotations"].clone();
    let copied = web.send(&format!("create -f - {}", by("bob")), &copy).await;
    assert!(
        copied.stderr.contains(AUTHOR) && !copied.stderr.contains(HASH),
        "{copied:?}"
    );
    assert_whole(&web.settled("s58-copy").await, "bob");
}

#[tokio::test]
async fn s58_no_update_forges_changes_or_removes_a_stamp() {
    let web = Web::shared().await;
    let manifest = suspended("forged");
    web.send(&format!("apply -f - {}", by("alice")), &manifest)
        .await
        .success()
        .unwrap();
    let made = web.settled("forged").await;
    assert_whole(&made, "alice");
    let name = format!("apps.platform.kubeop.io/forged -n {NAMESPACE} {}", by("eve"));

    let annotate = format!("annotate {name} --overwrite {AUTHOR}=eve {HASH}=0 {VERSION}=9");
    let told = web.changes_a_manager(&made, &annotate, "").await;
    let warning = format!(
        "metadata.annotations[{AUTHOR}]: \"eve\" is not who changed the spec last, replaced by \"alice\""
    );
    assert!(told.stderr.contains(&warning), "{told:?}");
    let stamp_path = |stamp: &str| format!("/metadata/annotations/{}", stamp.replace('/', "~1"));
    for change in [
        format!("annotate {name} {AUTHOR}- {HASH}- {VERSION}-"),
        format!(
            "patch {name} --type=merge -p {}",
            json!({"metadata": {"annotations": {AUTHOR: "eve"}}})
        ),
        format!(
            "patch {name} --type=json -p {}",
            json!([{"op": "remove", "path": stamp_path(AUTHOR)}])
        ),
        format!(
            "patch {name} --type=json -p {}",
            json!([{"op": "replace", "path": stamp_path(HASH), "value": "f"}])
        ),
    ] {
        let before = web.app("forged").await;
        web.changes_a_manager(&before, &change, "").await;
    }
    // It takes what `kubectl apply` keeps along, which is its own.
    let all_gone = format!(r#"patch {name} --type=merge -p {{"metadata":{{"annotations":null}}}}"#);
    web.kubectl(&all_gone).await.success().unwrap();
    let bare = web.app("forged").await;
    assert_whole(&bare, "alice");

    let replace = format!("replace -f - {}", by("eve"));
    let without_version = |author: Option<&str>| {
        let mut app = bare.clone();
        let metadata = app["metadata"].as_object_mut().unwrap();
        metadata.remove("resourceVersion");
        metadata.remove("annotations");
        if let Some(author) = author {
            metadata.insert("annotations".to_owned(), json!({AUTHOR: author}));
        }
        app.to_string()
    };
    web.changes_a_manager(&bare, &replace, &without_version(None))
        .await;
    let before = web.app("forged").await;
    web.changes_a_manager(&before, &replace, &without_version(Some("eve")))
        .await;

    let mut claim = suspended("forged");
    claim["metadata"]["annotations"] = json!({AUTHOR: "eve"});
    let before = web.app("forged").await;
    let server_side = format!(
        "apply -f - --server-side --field-manager=eve --force-conflicts {}",
        by("eve")
    );
    let told = web
        .changes_a_manager(&before, &server_side, &claim.to_string())
        .await;
    assert!(told.stderr.contains("\"eve\" is not who"), "{told:?}");

    // A change of the spec in whose shadow another author is named.
    let shadow =
        json!({"metadata": {"annotations": {AUTHOR: "alice-too"}}, "spec": {"revisionHistoryLimit": 3}});
    let patched = web
        .kubectl(&format!("patch {name} --type=merge -p {shadow}"))
        .await;
    assert!(patched.stderr.contains("replaced by \"eve\""), "{patched:?}");
    let changed = web.settled("forged").await;
    assert_whole(&changed, "eve");
    assert_eq!(stamp(&changed, HASH), stamp(&made, HASH), "the same revision");
}

#[tokio::test]
async fn the_record_of_a_revision_names_its_author() {
    let web = Web::shared().await;
    let said = |tag: &str| app("authored", &format!("ghcr.io/acme/x:{tag}"));
    for (user, tag) in [("alice", "1"), ("bob", "2")] {
        web.send(&format!("apply -f - {}", by(user)), &said(tag))
            .await
            .success()
            .unwrap();
        let hash = stamp(&web.app("authored").await, HASH).to_owned();
        wait::until("the record says so", SOON, || async {
            let get = format!("get configmap kubeop-revision-authored -n {NAMESPACE} -o json");
            let record: Value = serde_json::from_str(&web.kubectl(&get).await.success()?)?;
            let history = record["data"]["history"].as_str().unwrap_or_default();
            anyhow::ensure!(
                history.contains(&format!("  hash: {hash}\n  hashVersion: 1\n  author: {user}\n")),
                "{history}"
            );
            Ok::<_, anyhow::Error>(())
        })
        .await
        .unwrap();
    }
}
