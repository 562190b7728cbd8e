//! The server speaks TLS itself, and takes a new certificate while it runs.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::server::{CONFIGURATION, PATIENCE, Server, bad, good, run};

/// A certificate for 127.0.0.1 that signs itself, into `c.pem` and `k.pem`; gives the certificate.
fn certificate(folder: &Path) -> String {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = folder.join("k.pem");
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(folder.join("c.pem"), made.cert.pem()).unwrap();
    made.cert.pem()
}

fn house() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("tls = {{ cert = \"c.pem\", key = \"k.pem\" }}\n{CONFIGURATION}");
    std::fs::write(folder.path().join("prolong.toml"), text).unwrap();
    folder
}

/// Asks a server, believing only this certificate; the HTTP version and the body.
fn ask(server: &Server, trusted: &str, path: &str) -> Result<(String, String), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let url = format!("https://{}{path}", server.address);
    runtime.block_on(async {
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([reqwest::Certificate::from_pem(trusted.as_bytes()).unwrap()])
            .timeout(Duration::from_secs(10))
            .build()
            .unwrap();
        let answer = client
            .get(url)
            .send()
            .await
            .map_err(|error| format!("{error:?}"))?;
        let version = format!("{:?}", answer.version());
        Ok((
            version,
            answer.text().await.map_err(|error| error.to_string())?,
        ))
    })
}

#[test]
fn a_new_certificate_is_taken_without_a_restart() {
    let folder = house();
    let folder = folder.path();
    let first = certificate(folder);
    let server = Server::start(folder);
    let (version, body) = ask(&server, &first, "/.well-known/openid-configuration").unwrap();
    assert_eq!(version, "HTTP/2.0");
    assert!(
        body.contains(&format!("\"https://{}\"", server.address)),
        "{body}"
    );

    // What cannot be used changes nothing, and the log says why.
    std::fs::write(folder.join("c.pem"), "nonsense").unwrap();
    server.send("-HUP");
    server.wait_for_line("cannot be used; the old one stays");
    ask(&server, &first, "/healthz").unwrap();

    let second = certificate(folder);
    server.send("-HUP");
    let begun = Instant::now();
    while let Err(error) = ask(&server, &second, "/healthz") {
        assert!(begun.elapsed() < PATIENCE, "{error}\n{}", server.log());
    }
    assert!(
        ask(&server, &first, "/healthz").is_err(),
        "the old certificate is shown no more"
    );
    server.stop();
}

#[test]
fn silence_instead_of_a_handshake_is_cut_off() {
    use std::io::Read;
    let folder = house();
    std::fs::write(
        folder.path().join("prolong.toml"),
        format!("tls = {{ cert = \"c.pem\", key = \"k.pem\" }}\n{CONFIGURATION}[limits]\nhead_timeout = \"1s\"\n"),
    )
    .unwrap();
    certificate(folder.path());
    let server = Server::start(folder.path());
    let mut silent = server.connect();
    silent.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut nothing = Vec::new();
    assert_eq!(silent.read_to_end(&mut nothing).unwrap_or(0), 0);
    server.stop();
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let folder = house();
    let folder = folder.path();
    let start = || bad(&run(folder, &["serve", "--listen", "127.0.0.1:0"]));
    assert!(
        start().contains("there is no file k.pem: `tls.key` names it"),
        "{}",
        start()
    );
    certificate(folder);
    let key = folder.join("k.pem");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(start().contains("chmod 600 k.pem"), "{}", start());
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let other = tempfile::tempdir().unwrap();
    certificate(other.path());
    std::fs::copy(other.path().join("c.pem"), folder.join("c.pem")).unwrap();
    assert!(
        start().contains("does not go with the certificate"),
        "{}",
        start()
    );
    std::fs::write(folder.join("c.pem"), "").unwrap();
    assert!(
        start().contains("c.pem holds no certificate"),
        "{}",
        start()
    );
    std::fs::write(&key, "nonsense").unwrap();
    assert!(
        start().contains("c.pem holds no certificate"),
        "{}",
        start()
    );
    std::fs::remove_file(folder.join("c.pem")).unwrap();
    assert!(start().contains("`tls.cert` names"), "{}", start());
    let text = std::fs::read_to_string(folder.join("prolong.toml")).unwrap();
    std::fs::write(
        folder.join("prolong.toml"),
        text.replace(", key = \"k.pem\"", ""),
    )
    .unwrap();
    assert!(start().contains("tls.key: is needed"), "{}", start());
    assert!(good(&run(folder, &["--version"])).contains("prolong"));
}
