//! Who may be connected at one time.
//!
//! 1. At most `limits.connections`; more wait in the kernel's queue.
//! 2. At most half of them for one network (a /24 of IPv4, a /64 of IPv6), so that one stranger cannot shut out everybody.
//!    Trusted proxies speak for many, and loopback is this machine: for them only 1 counts.
//!
//! Deployment: a reverse proxy that is not named in `trusted_proxies` is one network.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::settings::{Network, Settings};
use crate::users::guessing_network;

/// The seats.
#[derive(Debug)]
pub(super) struct Seats {
    all: Arc<Semaphore>,
    share: usize,
    exempt: Vec<Network>,
    held: Mutex<HashMap<String, usize>>,
}

/// One of them; free again when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    _place: OwnedSemaphorePermit,
    of: Option<(Arc<Seats>, String)>,
}

impl Seats {
    pub(super) fn new(settings: &Settings) -> Arc<Self> {
        let most = settings.limits.connections.max(1);
        Arc::new(Self {
            all: Arc::new(Semaphore::new(most)),
            share: most.div_ceil(2),
            exempt: settings.trusted_proxies.clone(),
            held: Mutex::default(),
        })
    }

    /// Waits until one is free. Nobody sits there yet.
    pub(super) async fn free(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.all).acquire_owned().await.ok()
    }

    /// Gives it to this peer; `None`: its network has its share.
    pub(super) fn taken_by(
        self: &Arc<Self>,
        peer: IpAddr,
        place: OwnedSemaphorePermit,
    ) -> Option<Seat> {
        let peer = peer.to_canonical();
        if peer.is_loopback() || self.exempt.iter().any(|network| network.contains(peer)) {
            return Some(Seat {
                _place: place,
                of: None,
            });
        }
        let network = guessing_network(Some(peer));
        let mut held = self.held.lock();
        let count = held.entry(network.clone()).or_default();
        if *count >= self.share {
            return None;
        }
        *count += 1;
        Some(Seat {
            _place: place,
            of: Some((Arc::clone(self), network)),
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some((seats, network)) = self.of.take() else {
            return;
        };
        let mut held = seats.held.lock();
        if let Some(count) = held.get_mut(&network) {
            *count -= 1;
            if *count == 0 {
                held.remove(&network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sit(seats: &Arc<Seats>, peer: &str) -> Option<Seat> {
        let place = seats.free().await.unwrap();
        seats.taken_by(peer.parse().unwrap(), place)
    }

    #[tokio::test]
    async fn no_network_takes_more_than_half() {
        let proxy = Network {
            address: "10.0.0.1".parse().unwrap(),
            prefix: 32,
        };
        let seats = Arc::new(Seats {
            all: Arc::new(Semaphore::new(8)),
            share: 4,
            exempt: vec![proxy],
            held: Mutex::default(),
        });
        let mut of_one = Vec::new();
        for n in 0..4 {
            of_one.push(sit(&seats, &format!("192.0.2.{n}")).await.unwrap());
        }
        assert!(sit(&seats, "192.0.2.200").await.is_none());
        assert!(sit(&seats, "::ffff:192.0.2.7").await.is_none());
        assert_eq!(seats.all.available_permits(), 4, "no seat is lost by that");
        let other = sit(&seats, "198.51.100.1").await;
        assert!(other.is_some());
        of_one.pop();
        assert!(sit(&seats, "192.0.2.200").await.is_some());
        drop((of_one, other));
        assert!(seats.held.lock().is_empty());
        let mut many = Vec::new();
        for peer in ["10.0.0.1", "127.0.0.1"] {
            for _ in 0..4 {
                many.push(sit(&seats, peer).await.unwrap());
            }
        }
        assert_eq!(seats.all.available_permits(), 0);
    }
}
