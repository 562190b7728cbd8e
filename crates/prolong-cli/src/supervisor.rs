//! What the supervisor that started this process is told, by the protocol of `sd_notify(3)`.

use std::io;

/// Says that the server is ready, where `NOTIFY_SOCKET` says that somebody waits for it.
///
/// # Errors
/// The socket is not there, or is not to be written to.
#[cfg(target_os = "linux")]
pub(crate) fn ready() -> io::Result<()> {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else {
        return Ok(());
    };
    let address = match name.as_bytes().strip_prefix(b"@") {
        Some(abstract_name) => SocketAddr::from_abstract_name(abstract_name)?,
        None => SocketAddr::from_pathname(&name)?,
    };
    UnixDatagram::unbound()?.send_to_addr(b"READY=1", &address)?;
    Ok(())
}

/// Nobody asks elsewhere.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "as on Linux")]
pub(crate) fn ready() -> io::Result<()> {
    Ok(())
}
