//! A name server of a test's own: a process on a free port of loopback, with all of its files in a folder that goes with it.

use anyhow::{Context, Result, ensure};
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kubeop_tests::wait;
use tempfile::TempDir;

/// The zone that it serves.
pub const ZONE: &str = "prod.example.com";
/// Secret of the key `kubeop.`, which may update it.
pub const SECRET: &str = "a3ViZU9QIHRlc3RzIHVzZSB0aGlzIHNlY3JldCBrZXk=";
/// Secret of the key `people.`, which stands for everybody else.
pub const PEOPLE: &str = "cGVvcGxlIHdobyBlZGl0IHRoZSB6b25lIGJ5IGhhbmQ=";

/// The zone as it begins. Nobody may remember for long what is not there.
pub const ZONE_FILE: &str = "$ORIGIN prod.example.com.\n$TTL 60\n\
    @ SOA ns.prod.example.com. admin.prod.example.com. 1 3600 600 86400 1\n\
    @ NS ns.prod.example.com.\nns A 127.0.0.1\nforeign A 192.0.2.99\n";

pub struct Server {
    pub port: u16,
    pub folder: TempDir,
    program: &'static str,
    args: Vec<String>,
    child: Option<Child>,
}

/// Whether the programs of these Debian packages are there; else what to install.
pub fn missing() -> Option<String> {
    let programs = [
        ("knotd", "knot"),
        ("kdig", "knot-dnsutils"),
        ("knsupdate", "knot-dnsutils"),
        ("named", "bind9"),
    ];
    let there = |program: &str| {
        ["/usr/sbin", "/usr/bin"]
            .iter()
            .any(|folder| Path::new(folder).join(program).exists())
    };
    let missing = programs.iter().find(|(program, _)| !there(program));
    missing.map(|(program, package)| format!("there is no {program} (apt-get install {package})"))
}

impl Server {
    /// Starts a server whose configuration `write` puts into its folder, and which takes `args` there.
    pub async fn start(
        program: &'static str,
        write: impl FnOnce(&Path, u16) -> std::io::Result<Vec<String>>,
    ) -> Result<Server> {
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        let args = write(folder.path(), port)?;
        let mut server = Server {
            port,
            folder,
            program,
            args,
            child: None,
        };
        server.go_on().await?;
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Starts it again, with what it knew.
    pub async fn go_on(&mut self) -> Result<()> {
        let log = std::fs::File::create(self.folder.path().join("log"))?;
        let child = Command::new(self.program)
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn();
        self.child = Some(child.with_context(|| format!("cannot start {}", self.program))?);
        wait::until(self.program, Duration::from_secs(20), || async {
            let said = self.dig(ZONE, "SOA")?;
            let log = std::fs::read_to_string(self.folder.path().join("log"))?;
            ensure!(said.contains("admin"), "{said}\n{log}");
            anyhow::Ok(())
        })
        .await
    }

    /// Ends it: from now on nobody answers there.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// What it answers: a line for each record.
    pub fn dig(&self, name: &str, kind: &str) -> Result<String> {
        let port = self.port.to_string();
        let args = [
            "@127.0.0.1",
            "-p",
            port.as_str(),
            "+short",
            "+norec",
            "+timeout=1",
            "+retry=0",
            // All records of a name are told over TCP only.
            if kind == "ANY" { "+tcp" } else { "+notcp" },
            name,
            kind,
        ];
        let output = Command::new("kdig").args(args).output()?;
        let lines = String::from_utf8_lossy(&output.stdout);
        let lines = lines
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with(";;"));
        Ok(lines.collect::<Vec<_>>().join("\n"))
    }

    /// Waits until it answers this.
    pub async fn answers(&self, within: Duration, name: &str, kind: &str, wanted: &str) {
        wait::until(&format!("{name} {kind}"), within, || async {
            let said = self.dig(name, kind)?;
            ensure!(said == wanted, "{said:?} instead of {wanted:?}");
            anyhow::Ok(())
        })
        .await
        .unwrap();
    }

    /// Changes the zone as people do, with their own key: lines of `nsupdate`.
    pub fn people(&self, lines: &[&str]) -> Result<()> {
        let mut script = format!(
            "server 127.0.0.1 {}\nzone {ZONE}.\norigin {ZONE}.\nkey hmac-sha256:people. {PEOPLE}\n",
            self.port
        );
        for line in lines {
            script.push_str(line);
            script.push('\n');
        }
        script.push_str("send\n");
        let file = self.folder.path().join("people");
        std::fs::write(&file, script)?;
        let output = Command::new("knsupdate").arg(&file).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success() && said.trim().is_empty(), "{said}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// One that neither TCP nor UDP uses.
fn free_port() -> Result<u16> {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0")?;
        let port = tcp.local_addr()?.port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
}
