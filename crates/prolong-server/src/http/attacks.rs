//! What a hostile user, page, client or network tried, and what came of it. `TEST-NOTES-attack.md` lists them with the
//! attacks that other tests answer.

mod browsers;
mod rights;
mod secrets;
mod tickets;
mod tokens;
mod words;

use std::sync::Arc;

use crate::authority::{Authority, Parts, StartFault};
use crate::keys::MasterKeys;
use crate::settings::{Client, Settings};
use crate::world::{Answer, World};

const PAGE: (&str, &str) = ("origin", "https://app.example.com");
const EVIL: (&str, &str) = ("origin", "https://evil.example");
const GUARD: (&str, &str) = ("prolong-request", "1");
const JSON: (&str, &str) = ("content-type", "application/json");

fn cookies(answer: &Answer) -> Vec<&str> {
    let all = answer.headers.get_all("set-cookie").iter();
    all.map(|one| one.to_str().unwrap()).collect()
}

/// The authority once more on the same store, by other decisions.
async fn restarted(w: &World, decide: impl FnOnce(&mut Settings)) -> Result<World, StartFault> {
    let mut settings = w.authority.settings.clone();
    decide(&mut settings);
    let parts = Parts {
        settings,
        store: w.store.clone(),
        clock: Arc::clone(&w.authority.clock),
        entropy: Arc::clone(&w.authority.entropy),
        master_keys: MasterKeys::parse("1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap(),
    };
    Authority::new(parts)
        .await
        .map(|authority| w.with(Arc::new(authority)))
}

fn change(settings: &mut Settings, id: &str, change: impl FnOnce(&mut Client)) {
    change(Arc::make_mut(settings.clients.get_mut(id).unwrap()));
}
