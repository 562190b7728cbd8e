use super::*;
use prolong_store::MemoryStore;
use prolong_verify::{Expected, Revoked, verify};

struct Counting(std::sync::atomic::AtomicU8);
impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

const OLD: &str = "1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const BOTH: &str =
    "2 ICECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const NEW: &str = "2 ICECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const DAY: Duration = Duration::from_hours(24);

fn entropy() -> Counting {
    Counting(std::sync::atomic::AtomicU8::new(0))
}

async fn load(
    store: &MemoryStore,
    master: &str,
    algorithm: Algorithm,
) -> Result<SigningRing, RingFault> {
    let master = MasterKeys::parse(master).unwrap();
    SigningRing::load(store, &master, algorithm, Timestamp::EPOCH, &entropy()).await
}

fn good(ring: &SigningRing, token: &str) -> bool {
    let expected = Expected::new("https://a.example", "api");
    let salt = [0; 16];
    verify(
        token,
        &ring.verification_keys(),
        &expected,
        &Revoked::new(salt),
        1_000,
    )
    .is_ok()
}

const CLAIMS: &[u8] = br#"{"iss":"https://a.example","aud":"api","sub":"u","client_id":"web","iat":900,"exp":2000,"jti":"j"}"#;

#[tokio::test]
async fn every_algorithm_signs_what_the_verifier_accepts() {
    for algorithm in Algorithm::ALL {
        let ring = load(&MemoryStore::new([0; 16]), OLD, algorithm)
            .await
            .unwrap();
        let token = ring.sign(CLAIMS).unwrap();
        assert!(good(&ring, &token), "{algorithm:?}");
        assert!(!ring.jwks().contains("\"d\""));
    }
}

#[tokio::test]
async fn keys_survive_a_restart_and_a_new_master_key() {
    let store = MemoryStore::new([0; 16]);
    let token = load(&store, OLD, Algorithm::Es256)
        .await
        .unwrap()
        .sign(CLAIMS)
        .unwrap();
    assert!(load(&store, NEW, Algorithm::Es256).await.is_err());
    assert!(good(
        &load(&store, BOTH, Algorithm::Es256).await.unwrap(),
        &token
    ));
    assert!(
        good(&load(&store, NEW, Algorithm::Es256).await.unwrap(), &token),
        "it was resealed"
    );
}

#[tokio::test]
async fn a_rotation_keeps_old_tokens_and_a_distrust_does_not() {
    let store = MemoryStore::new([0; 16]);
    let ring = load(&store, OLD, Algorithm::Es256).await.unwrap();
    let old = ring.sign(CLAIMS).unwrap();
    let old_kid = ring.list()[0].kid.clone();
    ring.rotate(&store, Timestamp::from_secs(10), &entropy(), |_| Vec::new())
        .await
        .unwrap();
    let new = ring.sign(CLAIMS).unwrap();
    assert!(good(&ring, &old) && good(&ring, &new));
    ring.distrust(
        &store,
        &old_kid,
        Timestamp::from_secs(20),
        &entropy(),
        Vec::new(),
    )
    .await
    .unwrap();
    assert!(!good(&ring, &old) && good(&ring, &new));
    let again = load(&store, OLD, Algorithm::Es256).await.unwrap();
    assert!(!good(&again, &old) && good(&again, &new));
}

#[tokio::test]
async fn a_row_that_no_master_key_sealed_verifies_nothing() {
    let store = MemoryStore::new([0; 16]);
    let ring = load(&store, OLD, Algorithm::Es256).await.unwrap();
    let elsewhere = load(&MemoryStore::new([0; 16]), NEW, Algorithm::Es256)
        .await
        .unwrap();
    let mut planted = elsewhere.list()[0].clone();
    planted.state = KeyState::Retiring;
    let kid = planted.kid.clone();
    store
        .commit(Transaction::of(Change::PutSigningKey(planted)))
        .await
        .unwrap();
    ring.tick(&store, Timestamp::EPOCH, 30 * DAY, DAY, 2 * DAY, &entropy())
        .await
        .unwrap();
    assert!(!good(&ring, &elsewhere.sign(CLAIMS).unwrap()));
    assert!(!ring.jwks().contains(&kid));
}

#[tokio::test]
async fn what_another_node_changed_is_learnt_and_never_undone() {
    let store = MemoryStore::new([0; 16]);
    let here = load(&store, OLD, Algorithm::Es256).await.unwrap();
    let there = load(&store, OLD, Algorithm::Es256).await.unwrap();
    let first = here.list()[0].kid.clone();
    let old = here.sign(CLAIMS).unwrap();
    there
        .distrust(
            &store,
            &first,
            Timestamp::from_secs(1),
            &entropy(),
            Vec::new(),
        )
        .await
        .unwrap();
    here.rotate(&store, Timestamp::from_secs(2), &entropy(), |_| Vec::new())
        .await
        .unwrap();
    assert!(
        !good(&here, &old),
        "rotating here does not bring the dead key back"
    );
    there
        .tick(
            &store,
            Timestamp::from_secs(3),
            30 * DAY,
            DAY,
            2 * DAY,
            &entropy(),
        )
        .await
        .unwrap();
    assert!(good(&there, &here.sign(CLAIMS).unwrap()));
}

#[tokio::test]
async fn a_key_is_published_before_it_signs_and_kept_after() {
    let store = MemoryStore::new([0; 16]);
    let ring = load(&store, OLD, Algorithm::Es256).await.unwrap();
    let first = ring.sign(CLAIMS).unwrap();
    let tick = async |days: u32| {
        let now = Timestamp::EPOCH.plus(DAY * days);
        ring.tick(&store, now, 30 * DAY, DAY, 2 * DAY, &entropy())
            .await
            .unwrap();
        ring.list().iter().map(|key| key.state).collect::<Vec<_>>()
    };
    assert_eq!(tick(28).await, [KeyState::Active]);
    assert_eq!(tick(29).await, [KeyState::Active, KeyState::Pending]);
    // Published for longer than it must be, and the old one not of age yet: a shorter `publish_ahead`, say.
    let early = Timestamp::EPOCH.plus(DAY * 29 + DAY / 2);
    ring.tick(&store, early, 30 * DAY, DAY / 4, 2 * DAY, &entropy())
        .await
        .unwrap();
    let states = ring.list().iter().map(|key| key.state).collect::<Vec<_>>();
    assert_eq!(states, [KeyState::Active, KeyState::Pending]);
    let mut states = tick(30).await;
    states.sort_by_key(|state| state.number());
    assert_eq!(states, [KeyState::Active, KeyState::Retiring]);
    assert!(good(&ring, &first));
    assert_eq!(tick(31).await.len(), 2);
    assert!(good(&ring, &first), "its tokens live for two days");
    assert_eq!(tick(32).await, [KeyState::Active]);
    assert!(!good(&ring, &first));
}

#[tokio::test]
async fn another_algorithm_is_published_ahead_and_then_takes_over() {
    let store = MemoryStore::new([0; 16]);
    let first = load(&store, OLD, Algorithm::Es256)
        .await
        .unwrap()
        .sign(CLAIMS)
        .unwrap();
    let ring = load(&store, OLD, Algorithm::EdDsa).await.unwrap();
    let tick = async |hours: u32| {
        let now = Timestamp::EPOCH.plus(DAY / 24 * hours);
        ring.tick(&store, now, 30 * DAY, DAY, 2 * DAY, &entropy())
            .await
            .unwrap();
        let header = ring.sign(CLAIMS).unwrap();
        header.split('.').next().unwrap().len()
    };
    let es256 = first.split('.').next().unwrap().len();
    assert_eq!(tick(0).await, es256, "not before verifiers could learn it");
    let states: Vec<_> = ring
        .list()
        .into_iter()
        .map(|key| (key.algorithm, key.state))
        .collect();
    assert!(
        states.contains(&("EdDSA".to_owned(), KeyState::Pending)),
        "{states:?}"
    );
    assert!(ring.jwks().contains("EdDSA"));
    tick(23).await;
    let active = |ring: &SigningRing| {
        let keys = ring.list();
        let active = keys.iter().find(|key| key.state == KeyState::Active);
        active.unwrap().algorithm.clone()
    };
    assert_eq!(active(&ring), "ES256");
    tick(24).await;
    assert_eq!(active(&ring), "EdDSA");
    assert!(good(&ring, &first), "what the old one signed goes on");
    assert!(good(&ring, &ring.sign(CLAIMS).unwrap()));
}

#[tokio::test]
async fn a_successor_of_an_algorithm_that_is_not_wanted_never_signs() {
    let store = MemoryStore::new([0; 16]);
    let tick = async |ring: &SigningRing, days: u32| {
        let now = Timestamp::EPOCH.plus(DAY * days);
        ring.tick(&store, now, 30 * DAY, DAY, 2 * DAY, &entropy())
            .await
            .unwrap();
    };
    load(&store, OLD, Algorithm::Es256).await.unwrap();
    tick(&load(&store, OLD, Algorithm::EdDsa).await.unwrap(), 0).await;
    let back = load(&store, OLD, Algorithm::Es256).await.unwrap();
    tick(&back, 1).await;
    assert_eq!(back.list().len(), 1, "{:?}", back.list());
    tick(&load(&store, OLD, Algorithm::EdDsa).await.unwrap(), 1).await;
    let back = load(&store, OLD, Algorithm::Es256).await.unwrap();
    back.rotate(&store, Timestamp::from_secs(9), &entropy(), |_| Vec::new())
        .await
        .unwrap();
    let algorithms: Vec<_> = back.list().into_iter().map(|key| key.algorithm).collect();
    assert_eq!(algorithms, ["ES256", "ES256"]);
}

#[tokio::test]
async fn what_belongs_to_a_change_of_the_ring_is_committed_with_it() {
    let store = MemoryStore::new([0; 16]);
    let ring = load(&store, OLD, Algorithm::Es256).await.unwrap();
    let fact = |value: &str| Change::SetFact {
        name: "noted",
        value: value.to_owned(),
    };
    let (kid, _) = ring
        .rotate(&store, Timestamp::EPOCH, &entropy(), |kid| vec![fact(kid)])
        .await
        .unwrap();
    assert_eq!(store.fact("noted").await.unwrap(), Some(kid.clone()));
    let unknown = ring
        .distrust(
            &store,
            "nobody",
            Timestamp::EPOCH,
            &entropy(),
            vec![fact("wrong")],
        )
        .await;
    assert!(matches!(unknown, Err(RingFault::Unknown(_))));
    assert_eq!(store.fact("noted").await.unwrap(), Some(kid.clone()));
    // A change that the store refuses leaves the ring as it was.
    let token = ring.sign(CLAIMS).unwrap();
    let guarded = Change::RenameSession {
        id: prolong_core::SessionId([7; 16]),
        device_name: None,
    };
    let refused = ring
        .distrust(&store, &kid, Timestamp::EPOCH, &entropy(), vec![guarded])
        .await;
    assert!(matches!(refused, Err(RingFault::NotCommitted(_))));
    assert!(good(&ring, &token));
    let stored = store.signing_keys().await.unwrap();
    assert!(stored.iter().all(|key| key.state != KeyState::Dead));
}

#[tokio::test]
async fn a_key_that_is_dead_already_keeps_its_date() {
    let store = MemoryStore::new([0; 16]);
    let ring = load(&store, OLD, Algorithm::Es256).await.unwrap();
    let kid = ring.list()[0].kid.clone();
    for seconds in [5, 50] {
        ring.distrust(
            &store,
            &kid,
            Timestamp::from_secs(seconds),
            &entropy(),
            Vec::new(),
        )
        .await
        .unwrap();
    }
    let dead = ring.list().into_iter().find(|key| key.kid == kid).unwrap();
    assert_eq!(dead.state_since, Timestamp::from_secs(5));
    assert!(dead.sealed.is_empty(), "the private half is gone");
    assert_eq!(ring.list().len(), 2, "one successor, not two");
}

/// Verifiers know the published successor already, so it is the one that takes over.
#[tokio::test]
async fn rotating_by_hand_takes_the_published_successor() {
    let store = MemoryStore::new([0; 16]);
    let ring = load(&store, OLD, Algorithm::Es256).await.unwrap();
    let now = Timestamp::EPOCH.plus(DAY * 29);
    ring.tick(&store, now, 30 * DAY, DAY, 2 * DAY, &entropy())
        .await
        .unwrap();
    let keys = ring.list();
    let published = keys.iter().find(|key| key.state == KeyState::Pending);
    let published = published.unwrap().kid.clone();
    let (kid, _) = ring
        .rotate(&store, now, &entropy(), |_| Vec::new())
        .await
        .unwrap();
    assert_eq!(kid, published);
    assert_eq!(ring.list().len(), 2, "and no third was made");
}

/// A row whose private half is another key than it says, sealed under the right name all the same.
#[tokio::test]
async fn a_row_is_the_key_that_it_says_or_none() {
    let store = MemoryStore::new([0; 16]);
    let ring = load(&store, OLD, Algorithm::Es256).await.unwrap();
    let sealing = Sealing::derive(&MasterKeys::parse(OLD).unwrap());
    let mut row = ring.list()[0].clone();
    let private = sealing.open(&row.kid, &row.sealed).unwrap();
    row.kid = "chosen".to_owned();
    row.state = KeyState::Retiring;
    row.sealed = sealing.seal("chosen", &private, &entropy()).unwrap();
    store
        .commit(Transaction::of(Change::PutSigningKey(row)))
        .await
        .unwrap();
    let again = load(&store, OLD, Algorithm::Es256).await.unwrap();
    assert!(!again.jwks().contains("chosen"), "{}", again.jwks());
    assert_eq!(again.verification_keys().len(), 1);
}
