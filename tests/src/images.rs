//! Image archives for a real node, where no registry is reachable: one program and the shared libraries that it
//! needs, in one layer, as `docker save` writes them.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::programs::{OwnProgram, build_own};

/// The sandbox's image.
pub(crate) const PAUSE: &str = "kubeop.test/pause:1";
/// The image of `tests/src/bin/tool.rs`, whose entry point is the tool.
pub const TOOL: &str = "kubeop.test/tool:1";
/// The webhook's image, as the manifests name it.
pub const WEBHOOK: &str = concat!("ghcr.io/kubeop/kubeop-webhook:", env!("CARGO_PKG_VERSION"));
/// The controller's image, as the manifests name it.
pub const CONTROLLER: &str = concat!("ghcr.io/kubeop/kubeop-controller:", env!("CARGO_PKG_VERSION"));

/// An image that a test wants on its node besides those above.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestImage {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub content: Content,
}

/// What is in an image of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// The tool, which a container runs with these arguments unless it names others.
    Tool(Vec<String>),
    /// This machine's shell as `/bin/sh`, and a script in `/`.
    Shell {
        /// Name of the script.
        script: String,
        /// What it says.
        text: String,
    },
}

/// An image to write: one program, perhaps a script.
struct Image<'a> {
    names: Vec<String>,
    program: &'a Path,
    inside: PathBuf,
    args: Vec<String>,
    script: Option<(PathBuf, String)>,
}

/// Builds the programs and writes their archives into this folder, and those of the test's own images.
pub(crate) fn write_all(folder: &Path, of_test: &[TestImage]) -> Result<Vec<PathBuf>> {
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
    let tool = built.get(1).context("no tool was built")?;
    let names = [PAUSE, TOOL, WEBHOOK, CONTROLLER];
    let standard = built.iter().zip(names).map(|(program, name)| Image {
        names: vec![name.to_owned()],
        program,
        inside: Path::new("/").join(program.file_name().unwrap_or_default()),
        args: Vec::new(),
        script: None,
    });
    let more = of_test.iter().map(|image| Image::of(image, tool));
    let mut archives = Vec::new();
    for (number, image) in standard.chain(more).enumerate() {
        let archive = folder.join(format!("{number}.tar"));
        image.write(&archive)?;
        archives.push(archive);
    }
    Ok(archives)
}

impl<'a> Image<'a> {
    fn of(image: &TestImage, tool: &'a Path) -> Self {
        let names = vec![image.name.clone()];
        match &image.content {
            Content::Tool(args) => Image {
                names,
                program: tool,
                inside: "/tool".into(),
                args: args.clone(),
                script: None,
            },
            Content::Shell { script, text } => Image {
                names,
                program: Path::new("/bin/sh"),
                inside: "/bin/sh".into(),
                args: Vec::new(),
                script: Some((Path::new("/").join(script), text.clone())),
            },
        }
    }

    fn write(&self, archive: &Path) -> Result<()> {
        let layer = self.layer()?;
        let diff_id = format!("{:x}", Hex(&Sha256::digest(&layer)));
        let config = serde_json::to_vec(&json!({
            "architecture": architecture(),
            "os": "linux",
            "config": {"Entrypoint": [self.inside], "Cmd": self.args, "User": "65532:65532", "WorkingDir": "/"},
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{diff_id}")]},
            "history": [{"created_by": "kubeOP's tests"}],
        }))?;
        let config_name = format!("{:x}.json", Hex(&Sha256::digest(&config)));
        let layer_name = format!("{diff_id}/layer.tar");
        let manifest = serde_json::to_vec(
            &json!([{"Config": config_name, "RepoTags": self.names, "Layers": [layer_name]}]),
        )?;
        let mut tar = tar::Builder::new(File::create(archive)?);
        for (path, bytes) in [(&config_name, &config), (&layer_name, &layer)] {
            append(&mut tar, Path::new(path), bytes, 0o644)?;
        }
        append(&mut tar, Path::new("manifest.json"), &manifest, 0o644)?;
        tar.into_inner()?;
        Ok(())
    }

    fn layer(&self) -> Result<Vec<u8>> {
        let mut tar = tar::Builder::new(Vec::new());
        append(&mut tar, &self.inside, &fs::read(self.program)?, 0o755)?;
        for library in libraries(self.program)? {
            append(&mut tar, &library, &fs::read(&library)?, 0o755)?;
        }
        if let Some((path, text)) = &self.script {
            append(&mut tar, path, text.as_bytes(), 0o755)?;
        }
        Ok(tar.into_inner()?)
    }
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
