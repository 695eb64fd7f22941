//! The user's own sample, byte for byte.

use kubeop_tests::seed;

use crate::ground::{Ground, WEB};

const DNS_AND_TLS: &str = include_str!("../../samples/dns-tls.yaml");

pub async fn the_users_sample_becomes_ready(ground: &Ground) {
    let args = ["apply", "-n", WEB, "-f", "-"];
    let applied = ground.cluster.kubectl_with_input(args, seed::sample_app()).await;
    applied.unwrap().success().unwrap();
    ground.app_is_ready("payments").await;
    let deployment = ground
        .get(&format!("deployment/payments -n {WEB}"))
        .await
        .unwrap();
    assert_eq!(
        deployment["status"]["readyReplicas"], 3,
        "{}",
        deployment["status"]
    );
    let events = ground.kubectl(&format!("-n {WEB} get events")).await.unwrap();
    for reason in ["HookStarted", "HookSucceeded", "RolloutSucceeded"] {
        assert!(events.contains(reason), "no {reason} in:\n{events}");
    }
    let explain = format!(
        "-n kubeop-system exec deploy/kubeop-controller -- /kubeop-controller explain {WEB}/payments"
    );
    let explained = ground.kubectl(&explain).await.unwrap();
    for part in ["observed: Observed {", "gate: Open", "decided: Wait("] {
        assert!(explained.contains(part), "no {part:?} in:\n{explained}");
    }
    let nobody = explain.replace("payments", "nobody");
    let nobody = ground.kubectl(&nobody).await.unwrap_err().to_string();
    assert!(nobody.contains("there is no App kubeop-web/nobody"), "{nobody}");
    // The other half of the gate.
    let foreign = seed::sample_app().replace("ghcr.io/acme/payments:2.3.1", "evil.example/x:1");
    let refused = ground.cluster.kubectl_with_input(args, &foreign).await.unwrap();
    assert!(
        refused.status != 0
            && refused
                .stderr
                .contains("[ImageNotAllowed] spec.delivery.image.ref"),
        "{}",
        refused.stderr
    );
    // The sample of DNS and TLS: in a dry run its record is not there, so the webhook looks for it and says so.
    let args = ["apply", "--dry-run=server", "-n", WEB, "-f", "-"];
    let told = ground
        .cluster
        .kubectl_with_input(args, DNS_AND_TLS)
        .await
        .unwrap();
    assert!(
        told.status == 0
            && told
                .stderr
                .contains("spec.dnsRecordRef: \"web-external\" is no DNSRecord"),
        "{told:?}"
    );
}

/// The user's commands for DNS and TLS, as they stand: in the namespace `default`, which is no project's. Nothing resolves
/// the host here; the certificate is there all the same.
pub async fn the_users_record_and_certificate_say_what_is_missing(ground: &Ground) {
    let args = ["apply", "-f", "-"];
    let applied = ground.cluster.kubectl_with_input(args, DNS_AND_TLS).await;
    applied.unwrap().success().unwrap();
    for line in [
        // Not Ready, or not known to be: what the resolvers of this machine say is not the test's to know.
        "wait dnsrecords.platform.kubeop.io/web-external --for=jsonpath={.status.observedGeneration}=1 --timeout=60s",
        "wait certificates.platform.kubeop.io/web-external --for=condition=Ready=False --timeout=60s",
        "wait secret/web-external-tls --for=create --timeout=60s",
    ] {
        if let Err(error) = ground.kubectl(line).await {
            panic!("{error:#}\n{}", ground.story().await);
        }
    }
    let table = ground
        .kubectl("get dnsrecords,certificates.platform.kubeop.io")
        .await
        .unwrap();
    println!("{table}");
    let certificate = ground
        .get("certificates.platform.kubeop.io/web-external")
        .await
        .unwrap();
    let status = &certificate["status"];
    let conditions = status["conditions"].as_array().cloned().unwrap_or_default();
    let ready = conditions.iter().find(|condition| condition["type"] == "Ready");
    assert!(
        ready.is_some_and(|ready| ready["reason"] == "Waiting")
            && status["names"] == serde_json::json!(["web.prod.example.com"]),
        "{status}"
    );
    // With them goes what was made for them.
    let args = ["delete", "--timeout=60s", "-f", "-"];
    let deleted = ground.cluster.kubectl_with_input(args, DNS_AND_TLS).await;
    deleted.unwrap().success().unwrap();
    for what in ["secret/web-external-tls", "rolebinding/kubeop-certificates"] {
        let gone = format!("wait {what} --for=delete --timeout=60s");
        ground.kubectl(&gone).await.unwrap();
    }
}
