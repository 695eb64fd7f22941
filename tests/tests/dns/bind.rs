//! BIND, <https://www.isc.org/bind/>.

use crate::server::{PEOPLE, SECRET, Server, ZONE, ZONE_FILE};

pub async fn bind() -> Server {
    let server = Server::start("/usr/sbin/named", |folder, port| {
        let at = folder.display();
        std::fs::write(folder.join("zone"), ZONE_FILE)?;
        let text = format!(
            "options {{ directory \"{at}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};\n\
             \x20 recursion no; pid-file \"{at}/pid\"; session-keyfile \"{at}/session\"; dnssec-validation no;\n\
             \x20 managed-keys-directory \"{at}\"; }};\ncontrols {{ }};\n\
             key \"kubeop.\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n\
             key \"people.\" {{ algorithm hmac-sha256; secret \"{PEOPLE}\"; }};\n\
             zone \"{ZONE}\" {{ type primary; file \"zone\"; allow-update {{ key \"kubeop.\"; key \"people.\"; }}; }};\n"
        );
        let file = folder.join("named.conf");
        std::fs::write(&file, text)?;
        Ok(["-g", "-c"]
            .map(str::to_owned)
            .into_iter()
            .chain([file.display().to_string()])
            .collect())
    });
    server.await.unwrap()
}
