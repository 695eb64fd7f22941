//! What looks like trouble and is none: a claim that waits for its first Pod, Pods that stay old on purpose.

use crate::support::{Evening, SOON};

const CLASS: &str = "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: evenings}\n\
                     provisioner: evenings.example.com/none\nvolumeBindingMode: WaitForFirstConsumer\n";

/// Nobody binds it: it is used by a `CronJob` that is suspended.
#[tokio::test(flavor = "multi_thread")]
async fn s29_a_claim_that_waits_for_its_first_pod_holds_up_nothing() {
    let evening = Evening::new("claim").await;
    evening.apply(CLASS).await.unwrap();
    let claim = "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {storageClassName: evenings, \
                 accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}";
    let job = "{apiVersion: batch/v1, kind: CronJob, metadata: {name: load}, spec: {suspend: true, schedule: '0 0 * * *', \
               jobTemplate: {spec: {template: {spec: {restartPolicy: Never, \
               volumes: [{name: d, persistentVolumeClaim: {claimName: data}}], \
               containers: [{name: load, image: 'ghcr.io/acme/load:1'}]}}}}}}";
    evening.apply(&evening.raw(&[claim, job])).await.unwrap();
    evening.is_ready().await;
    let words = ["PersistentVolumeClaim data", "bound when a Pod first uses it"];
    evening.says_within(SOON, &words).await;
    let claim = evening.get("pvc data").await.unwrap();
    assert_eq!(claim["status"]["phase"], "Pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn s42_pods_that_stay_old_on_purpose_are_told_and_hold_up_nothing() {
    let evening = Evening::new("on-purpose").await;
    let sets = |image: u32| {
        let set = |name: &str, strategy: &str| {
            format!(
                "{{apiVersion: apps/v1, kind: StatefulSet, metadata: {{name: {name}}}, spec: {{replicas: 3, serviceName: x, \
                 podManagementPolicy: Parallel, updateStrategy: {strategy}, selector: {{matchLabels: {{app: {name}}}}}, \
                 template: {{metadata: {{labels: {{app: {name}}}}}, spec: {{containers: [{{name: main, image: \
                 'ghcr.io/acme/db:{image}'}}]}}}}}}}}"
            )
        };
        [
            set("hand", "{type: OnDelete}"),
            set("part", "{type: RollingUpdate, rollingUpdate: {partition: 2}}"),
        ]
    };
    let raw = |image: u32| {
        let sets = sets(image);
        evening.raw(&sets.each_ref().map(String::as_str))
    };
    evening.apply(&raw(1)).await.unwrap();
    evening.is_ready().await;
    evening.apply(&raw(2)).await.unwrap();
    let words = [
        "StatefulSet hand: old Pods remain",
        "OnDelete",
        "StatefulSet part: old Pods remain below ordinal 2",
    ];
    evening.says_within(SOON, &words).await;
    evening.is_ready().await;
}
