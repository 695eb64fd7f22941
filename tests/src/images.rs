//! Image archives for a real node, where no registry is reachable: one program and the shared libraries that it
//! needs, in one layer, as `docker save` writes them.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::programs::{OwnProgram, build_own};

/// The sandbox's image.
pub(crate) const PAUSE: &str = "kubeop.test/pause:1";
/// The image of `tests/src/bin/tool.rs`, whose entry point is the tool.
pub const TOOL: &str = "kubeop.test/tool:1";
/// The webhook's image.
pub const WEBHOOK: &str = "ghcr.io/kubeop/kubeop-webhook:test";
/// The controller's image.
pub const CONTROLLER: &str = "ghcr.io/kubeop/kubeop-controller:test";

/// Builds the programs and writes their archives into this folder. The tool's image gets these names, too.
pub(crate) fn write_all(folder: &Path, more_names_of_tool: &[String]) -> Result<Vec<PathBuf>> {
    let own = |name| OwnProgram {
        package: env!("CARGO_PKG_NAME"),
        name,
    };
    let product = |name| OwnProgram { package: name, name };
    let programs = [
        own("pause"),
        own("tool"),
        product("kubeop-webhook"),
        product("kubeop-controller"),
    ];
    let built = build_own(&programs)?;
    let mut archives = Vec::new();
    for ((program, path), image) in programs
        .iter()
        .zip(&built)
        .zip([PAUSE, TOOL, WEBHOOK, CONTROLLER])
    {
        let mut names = vec![image.to_owned()];
        if image == TOOL {
            names.extend(more_names_of_tool.iter().cloned());
        }
        let archive = folder.join(format!("{}.tar", program.name));
        write(&archive, path, &names)?;
        archives.push(archive);
    }
    Ok(archives)
}

/// Writes the archive of an image that runs this program.
fn write(archive: &Path, program: &Path, names: &[String]) -> Result<()> {
    let name = program.file_name().context("a program has a name")?;
    let inside = Path::new("/").join(name);
    let layer = layer(program, &inside)?;
    let diff_id = format!("{:x}", Hex(&Sha256::digest(&layer)));
    let config = serde_json::to_vec(&json!({
        "architecture": architecture(),
        "os": "linux",
        "config": {"Entrypoint": [inside], "User": "65532:65532"},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{diff_id}")]},
        "history": [{"created_by": "kubeOP's tests"}],
    }))?;
    let config_name = format!("{:x}.json", Hex(&Sha256::digest(&config)));
    let layer_name = format!("{diff_id}/layer.tar");
    let manifest =
        serde_json::to_vec(&json!([{"Config": config_name, "RepoTags": names, "Layers": [layer_name]}]))?;
    let mut tar = tar::Builder::new(File::create(archive)?);
    for (path, bytes) in [(&config_name, &config), (&layer_name, &layer)] {
        append(&mut tar, Path::new(path), bytes, 0o644)?;
    }
    append(&mut tar, Path::new("manifest.json"), &manifest, 0o644)?;
    tar.into_inner()?;
    Ok(())
}

fn layer(program: &Path, inside: &Path) -> Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    append(&mut tar, inside, &fs::read(program)?, 0o755)?;
    for library in libraries(program)? {
        append(&mut tar, &library, &fs::read(&library)?, 0o755)?;
    }
    Ok(tar.into_inner()?)
}

/// Appends a file under a path that is absolute in the image, so that archives are the same for the same content.
fn append<W: std::io::Write>(tar: &mut tar::Builder<W>, path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len().try_into()?);
    header.set_mode(mode);
    Ok(tar.append_data(&mut header, path.strip_prefix("/").unwrap_or(path), bytes)?)
}

/// The shared libraries of a program and its loader, as the loader itself finds them.
fn libraries(program: &Path) -> Result<BTreeSet<PathBuf>> {
    let output = Command::new("ldd")
        .arg(program)
        .output()
        .context("cannot run ldd (package libc-bin)")?;
    let text = String::from_utf8(output.stdout)?;
    ensure!(output.status.success(), "ldd {}: {text}", program.display());
    // `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x...)`, `/lib64/ld-linux-x86-64.so.2 (0x...)`
    Ok(text
        .split_whitespace()
        .filter(|word| word.starts_with('/'))
        .map(PathBuf::from)
        .collect())
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Bytes that print as hexadecimal digits.
struct Hex<'a>(&'a [u8]);

impl std::fmt::LowerHex for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
