//! TLS for a server without a proxy in front: certificate and key from PEM files, looked at again while it runs.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use prolong_server::serve::TlsAcceptor;
use prolong_server::serve::rustls::ServerConfig;
use prolong_server::serve::rustls::crypto::{CryptoProvider, aws_lc_rs};
use prolong_server::serve::rustls::pki_types::pem::PemObject;
use prolong_server::serve::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use prolong_server::serve::rustls::server::{ClientHello, ResolvesServerCert};
use prolong_server::serve::rustls::sign::CertifiedKey;

use crate::config::TlsFiles;
use crate::master_key::check_private;

/// What this server shows to those who connect.
#[derive(Debug)]
pub(crate) struct Certificate {
    files: TlsFiles,
    current: RwLock<(Arc<CertifiedKey>, Stamp)>,
}

/// By what a change of the two files is seen.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Certificate {
    /// Reads both files.
    pub(crate) fn load(files: &TlsFiles) -> anyhow::Result<Arc<Self>> {
        let stamp = stamp(files);
        let key = read(files)?;
        Ok(Arc::new(Self {
            files: files.clone(),
            current: RwLock::new((Arc::new(key), stamp)),
        }))
    }

    /// What agrees on TLS 1.2 or 1.3 and on HTTP/2 or 1.1, with the certificate of the moment.
    pub(crate) fn acceptor(self: &Arc<Self>) -> anyhow::Result<TlsAcceptor> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Self>::clone(self));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Reads the files again if they have changed, or if `asked`. `Ok(true)` where a new certificate is shown now; what
    /// cannot be used changes nothing.
    pub(crate) fn renew(&self, asked: bool) -> anyhow::Result<bool> {
        let stamp = stamp(&self.files);
        {
            let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
            if current.1 == stamp && !asked {
                return Ok(false);
            }
            // A pair that cannot be used is complained about once, not every few seconds.
            current.1 = stamp;
        }
        let key = read(&self.files)?;
        self.current
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .0 = Arc::new(key);
        Ok(true)
    }

    /// Looks at the files every few seconds, and when `hung_up` says so.
    pub(crate) async fn keep_fresh(self: Arc<Self>, mut hung_up: tokio::sync::mpsc::Receiver<()>) {
        let mut look = tokio::time::interval(LOOK);
        loop {
            let asked = tokio::select! {
                _ = look.tick() => false,
                Some(()) = hung_up.recv() => true,
            };
            match self.renew(asked) {
                Ok(true) => {
                    tracing::info!(file = %self.files.cert.display(), "a new TLS certificate is in use");
                }
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(
                        error = format!("{error:#}"),
                        "the new TLS certificate cannot be used; the old one stays"
                    );
                }
            }
        }
    }
}

const LOOK: Duration = Duration::from_secs(5);

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current.0))
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn read(files: &TlsFiles) -> anyhow::Result<CertifiedKey> {
    let TlsFiles { cert, key } = files;
    let no = |path: &Path, what: &str| format!("{} holds no {what} (PEM)", path.display());
    let missing = || format!("there is no file {}: `tls.key` names it", key.display());
    check_private(key, "the TLS key", missing)?;
    let chain = std::fs::read(cert)
        .with_context(|| format!("cannot read {}, which `tls.cert` names", cert.display()))?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&chain)
        .collect::<Result<_, _>>()
        .with_context(|| no(cert, "certificate"))?;
    anyhow::ensure!(!chain.is_empty(), no(cert, "certificate"));
    let private = std::fs::read(key).with_context(|| format!("cannot read {}", key.display()))?;
    let private = PrivateKeyDer::from_pem_slice(&private)
        .map_err(|_| anyhow::anyhow!(no(key, "private key")))?;
    CertifiedKey::from_der(chain, private, &provider()).with_context(|| {
        format!(
            "the key {} does not go with the certificate {}",
            key.display(),
            cert.display()
        )
    })
}

fn stamp(files: &TlsFiles) -> Stamp {
    let of = |path: &Path| {
        let facts = std::fs::metadata(path).ok()?;
        Some((facts.modified().ok()?, facts.len()))
    };
    [of(&files.cert), of(&files.key)]
}
