//! The accept loop.
//!
//! 1. So many connections at a time, and of one network: [`super::seats`].
//! 2. A connection whose first request has not arrived within `limits.head_timeout` is closed, and so is one that stops
//!    in the middle of a later head, and one that has not moved for six times as long ([`super::pace`]).
//! 3. TLS, where it is spoken, must be agreed on within the same time.
//! 4. The operator's socket has no such haste: a backup of a large store takes as long as it takes.
//! 5. When told to stop: no new connections, streams end, the requests under way are answered, and after `DRAIN` what is
//!    still open is cut.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use futures_util::future::join_all;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio_rustls::TlsAcceptor;

use super::guard::Guard;
use super::pace::{Pace, Paced};
use super::seats::{Seat, Seats};
use crate::Authority;
use crate::settings::Limits;

/// One place to listen at, and what answers there.
pub enum Listening {
    /// On a TCP address.
    Tcp(TcpListener, Router),
    /// On a TCP address, with TLS.
    Tls(TcpListener, Router, TlsAcceptor),
    /// On a Unix socket, to processes of the same user and of root only.
    #[cfg(unix)]
    Unix(UnixListener, Router, u32),
}

/// Serves until `stop` resolves, then drains.
pub async fn serve(
    authority: &Arc<Authority>,
    places: Vec<Listening>,
    stop: impl Future<Output = ()>,
) {
    let limits = &authority.settings.limits;
    let desk = Arc::new(Desk {
        authority: Arc::clone(authority),
        http: http(limits),
        seats: Seats::new(&authority.settings),
        head_timeout: limits.head_timeout,
        patience: (limits.head_timeout * 6).max(limits.request_timeout * 3),
        stop: watch::Sender::new(false),
    });
    let guard = Guard {
        authority: Arc::clone(authority),
        body_bytes: limits.body_bytes,
        patience: limits.request_timeout,
    };
    let accepting = join_all(
        places
            .into_iter()
            .map(|place| accept(Arc::clone(&desk), place, guard.clone())),
    );
    tokio::select! {
        _ = accepting => {}
        () = stop => {}
    }
    authority.streams.close();
    tracing::info!(connections = desk.stop.receiver_count(), "draining");
    desk.stop.send_replace(true);
    // Every connection holds a receiver.
    if tokio::time::timeout(DRAIN, desk.stop.closed())
        .await
        .is_err()
    {
        tracing::info!("cut the connections that were still open");
    }
}

/// Longer than any ordinary request may take, shorter than the 10 s that an operator waits.
const DRAIN: Duration = Duration::from_secs(8);

/// As long as an operator's command may take.
const UNHURRIED: Duration = Duration::from_hours(24);

struct Desk {
    authority: Arc<Authority>,
    http: Builder<TokioExecutor>,
    seats: Arc<Seats>,
    head_timeout: Duration,
    /// How long a connection need not move.
    patience: Duration,
    stop: watch::Sender<bool>,
}

fn http(limits: &Limits) -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        // Whoever has said all there is to say still hears the answer, and one that goes away does not stop a request
        // half-way.
        .half_close(true)
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(limits.head_bytes.max(8192));
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(128)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10));
    http
}

/// What answers at a place.
#[derive(Clone)]
struct Room {
    app: Router,
    guard: Arc<Guard>,
}

async fn accept(desk: Arc<Desk>, place: Listening, guard: Guard) {
    match place {
        Listening::Tcp(listener, app) => {
            let room = Room {
                app,
                guard: Arc::new(guard),
            };
            loop {
                let place = desk.seats.free().await;
                match listener.accept().await {
                    Ok((stream, peer)) => {
                        let Some(seat) = desk.seat(peer, place) else {
                            continue;
                        };
                        // Answers are small and written at once; waiting for more only delays them.
                        let _ = stream.set_nodelay(true);
                        tokio::spawn(Arc::clone(&desk).attend(
                            stream,
                            peer,
                            room.clone(),
                            desk.stop.subscribe(),
                            Some(seat),
                        ));
                    }
                    Err(error) => rest(&error).await,
                }
            }
        }
        Listening::Tls(listener, app, acceptor) => {
            let room = Room {
                app,
                guard: Arc::new(guard),
            };
            loop {
                let place = desk.seats.free().await;
                match listener.accept().await {
                    Ok((stream, peer)) => {
                        let Some(seat) = desk.seat(peer, place) else {
                            continue;
                        };
                        let _ = stream.set_nodelay(true);
                        let agreed =
                            tokio::time::timeout(desk.head_timeout, acceptor.accept(stream));
                        let (desk, room, stopping) =
                            (Arc::clone(&desk), room.clone(), desk.stop.subscribe());
                        tokio::spawn(async move {
                            match agreed.await {
                                Ok(Ok(stream)) => {
                                    desk.attend(stream, peer, room, stopping, Some(seat)).await;
                                }
                                Ok(Err(error)) => tracing::debug!(%error, "no TLS was agreed on"),
                                Err(_) => tracing::debug!("TLS was not agreed on in time"),
                            }
                        });
                    }
                    Err(error) => rest(&error).await,
                }
            }
        }
        #[cfg(unix)]
        Listening::Unix(listener, app, owner) => {
            let unhurried = Guard {
                patience: UNHURRIED,
                ..guard
            };
            let room = Room {
                app,
                guard: Arc::new(unhurried),
            };
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let trusted = stream
                            .peer_cred()
                            .is_ok_and(|peer| peer.uid() == owner || peer.uid() == 0);
                        if trusted {
                            tokio::spawn(Arc::clone(&desk).attend(
                                stream,
                                LOCAL,
                                room.clone(),
                                desk.stop.subscribe(),
                                None,
                            ));
                        } else {
                            tracing::warn!(
                                "another user's process knocked at the operator's socket; refused"
                            );
                        }
                    }
                    Err(error) => rest(&error).await,
                }
            }
        }
    }
}

/// Out of file descriptors, usually: some connection must end first.
async fn rest(error: &std::io::Error) {
    tracing::warn!(%error, "cannot accept a connection");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

pub(super) const LOCAL: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

impl Desk {
    /// `None`: nobody sits down here; its network has its share, or the server is gone.
    fn seat(&self, peer: SocketAddr, place: Option<OwnedSemaphorePermit>) -> Option<Seat> {
        let seat = self.seats.taken_by(peer.ip(), place?);
        if seat.is_none() {
            tracing::debug!("one network has half of all connections; refused one more");
        }
        seat
    }

    /// `seat` is none at the operator's socket, which is in no haste.
    async fn attend<S>(
        self: Arc<Self>,
        stream: S,
        peer: SocketAddr,
        room: Room,
        mut stopping: watch::Receiver<bool>,
        seat: Option<Seat>,
    ) where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let open = self.authority.metrics.connection();
        let patience = if seat.is_some() {
            self.patience
        } else {
            UNHURRIED
        };
        let pace = Pace::start();
        let spoke = Arc::new(AtomicBool::new(false));
        let (heard, moves) = (Arc::clone(&spoke), Arc::clone(&pace));
        let service = service_fn(move |request: http::Request<Incoming>| {
            heard.store(true, Ordering::Relaxed);
            moves.moved();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            let Room { app, guard } = room.clone();
            async move { Ok::<_, Infallible>(guard.stand(request, app).await) }
        });
        let stream = Paced {
            stream,
            pace: Arc::clone(&pace),
        };
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection.into_owned());
        // Hyper's own clock starts only when it knows which HTTP this is.
        let mut silence = std::pin::pin!(tokio::time::sleep(self.head_timeout));
        let (mut told, mut asked_to_go, mut listening) = (false, false, true);
        let result = loop {
            let still = if asked_to_go {
                patience + self.head_timeout
            } else {
                patience
            };
            tokio::select! {
                result = &mut connection => break result,
                () = stopped(&mut stopping), if !told => {
                    told = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = &mut silence, if listening => {
                    listening = false;
                    if !spoke.load(Ordering::Relaxed) { break Ok(()) }
                }
                () = pace.quiet(still) => {
                    if asked_to_go { break Ok(()) }
                    asked_to_go = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        };
        if let Err(error) = result {
            tracing::debug!(error, "a connection broke");
        }
        drop((open, seat));
    }
}

/// Resolves when the server stops.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // Gone with the server is stopped as well.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
