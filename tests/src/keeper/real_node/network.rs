//! The bridge that Pods hang on. The host is the first address on it, and the API server listens there, so that
//! Pods reach it and nobody outside the machine does.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::json;

/// The host's address on the bridge.
pub(crate) const HOST: &str = "10.244.0.1";
/// The addresses of Pods.
pub(super) const PODS: &str = "10.244.0.0/24";
/// Where Debian keeps the CNI plugins.
pub(super) const PLUGINS: &str = "/usr/lib/cni";

const BRIDGE: &str = "kop0";
/// What the CNI library remembers of its networks, with the path of each network namespace.
const RESULTS: &str = "/var/lib/cni/results";
const FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";

/// Makes the bridge; notes in the folder what it changes of the machine.
pub(crate) fn prepare(folder: &Path) -> Result<()> {
    let foreign = run("nft", &["list", "table", "ip", "kube-proxy"]).is_ok();
    ensure!(
        !foreign,
        "a kube-proxy works on this machine already: tests on a real node would disturb it"
    );
    // Of a run whose ledger was lost: the name is ours.
    let _ = run("ip", &["link", "delete", BRIDGE]);
    run("ip", &["link", "add", BRIDGE, "type", "bridge"])?;
    run("ip", &["address", "add", &format!("{HOST}/24"), "dev", BRIDGE])?;
    run("ip", &["link", "set", BRIDGE, "up"])?;
    fs::write(folder.join("ip_forward"), fs::read(FORWARD)?)?;
    fs::write(FORWARD, "1").context("cannot turn IP forwarding on")
}

/// Writes the CNI configuration; returns its folder.
pub(super) fn configure(folder: &Path) -> Result<std::path::PathBuf> {
    let conf = folder.join("cni");
    fs::create_dir_all(&conf)?;
    let list = json!({
        "cniVersion": "0.4.0",
        "name": "kubeop-test",
        "plugins": [{
            "type": "bridge",
            "bridge": BRIDGE,
            "isDefaultGateway": true,
            "hairpinMode": true,
            "ipam": {"type": "host-local", "ranges": [[{"subnet": PODS}]], "dataDir": folder.join("cni-addresses")},
        }],
    });
    fs::write(conf.join("10-kubeop.conflist"), list.to_string())?;
    Ok(conf)
}

/// Takes back what [`prepare`] and the node's programs did to the machine's network.
pub(super) fn remove(folder: &Path) {
    let _ = run("ip", &["link", "delete", BRIDGE]);
    for family in ["ip", "ip6"] {
        let _ = run("nft", &["delete", "table", family, "kube-proxy"]);
    }
    if let Ok(before) = fs::read(folder.join("ip_forward")) {
        let _ = fs::write(FORWARD, before);
    }
    let ours = folder.display().to_string();
    for entry in fs::read_dir(RESULTS).into_iter().flatten().flatten() {
        if fs::read_to_string(entry.path()).is_ok_and(|text| text.contains(&ours)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn run(program: &str, args: &[&str]) -> Result<()> {
    let output = Command::new(program)
        .args(args)
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {}: {said}", args.join(" "));
    Ok(())
}
