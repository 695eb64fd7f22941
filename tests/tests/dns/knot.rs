//! Knot, <https://www.knot-dns.cz>.

use crate::server::{PEOPLE, SECRET, Server, ZONE, ZONE_FILE};

pub async fn knot() -> Server {
    let server = Server::start("/usr/sbin/knotd", |folder, port| {
        let at = folder.display();
        std::fs::write(folder.join("zone"), ZONE_FILE)?;
        std::fs::create_dir(folder.join("db"))?;
        // 127.0.0.2 is a second resolver to those who ask.
        let text = format!(
            "server:\n  rundir: \"{at}\"\n  listen: [127.0.0.1@{port}, 127.0.0.2@{port}]\n\
             log:\n  - target: stderr\n    any: info\n\
             database:\n  storage: \"{at}/db\"\n\
             key:\n  - id: kubeop.\n    algorithm: hmac-sha256\n    secret: {SECRET}\n\
             \x20 - id: people.\n    algorithm: hmac-sha256\n    secret: {PEOPLE}\n\
             acl:\n  - id: updates\n    key: [kubeop., people.]\n    action: update\n\
             zone:\n  - domain: {ZONE}\n    storage: \"{at}\"\n    file: zone\n    zonefile-sync: 0\n    acl: updates\n"
        );
        let file = folder.join("knot.conf");
        std::fs::write(&file, text)?;
        Ok(vec!["-c".to_owned(), file.display().to_string()])
    });
    server.await.unwrap()
}
