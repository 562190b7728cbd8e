//! Guessing for many accounts, and what the time of an answer tells.

use prolong_core::PolicyDraft;
use prolong_protocol::problem::Code;
use prolong_store::Store as _;

use crate::users::PasswordHash;
use crate::world::{World, world};

const PASSWORD: &str = "correct horse battery";

async fn guess(w: &World, login: &str, password: &str, network: &str) -> Result<(), Refused> {
    let signed_in = w
        .authority
        .sign_in_with_password(login, password, network, &w.sign_in("web"))
        .await;
    signed_in
        .map(drop)
        .map_err(|failure| (failure.code, failure.retry_after))
}

type Refused = (Code, Option<u64>);
const WRONG: Result<(), Refused> = Err((Code::InvalidCredentials, None));
const LATER: Result<(), Refused> = Err((Code::TooManyRequests, Some(10)));

#[tokio::test]
async fn one_password_for_many_accounts_is_slowed_down_and_nobody_is_locked_out() {
    let w = world(PolicyDraft::default()).await;
    w.user("ann", PASSWORD).await;
    for n in 0..w.authority.settings.limits.network_failures {
        let account = format!("user{n}");
        assert_eq!(guess(&w, &account, "summer", "10.0.0.0/24").await, WRONG);
    }
    // Whether the name or the password is right makes no difference now.
    assert_eq!(guess(&w, "ann", PASSWORD, "10.0.0.0/24").await, LATER);
    assert_eq!(guess(&w, "nobody", "summer", "10.0.0.0/24").await, LATER);
    assert_eq!(guess(&w, "ann", PASSWORD, "10.0.1.0/24").await, Ok(()));
    w.later(9);
    let soon = Err((Code::TooManyRequests, Some(1)));
    assert_eq!(guess(&w, "ann", PASSWORD, "10.0.0.0/24").await, soon);
    w.later(1);
    assert_eq!(guess(&w, "ann", PASSWORD, "10.0.0.0/24").await, Ok(()));
    // Her success does not give the guesser more than the one that came back.
    assert_eq!(guess(&w, "nobody", "summer", "10.0.0.0/24").await, WRONG);
    assert_eq!(
        guess(&w, "nobody else", "summer", "10.0.0.0/24").await,
        LATER
    );
}

#[tokio::test]
async fn an_imported_hash_does_not_tell_by_its_work_that_its_user_exists() {
    let w = world(PolicyDraft::default()).await;
    let bcrypt = bcrypt::hash("summer", 4).unwrap();
    let django = "pbkdf2_sha256$7$salt$pOxA/IVkpSSqhK4pl1F0tfYYWXIVVgwMdVg2EIsIvXg=";
    for n in 0..30 {
        let hash = if n < 20 { bcrypt.as_str() } else { django };
        w.user_with_hash(&format!("user{n}"), Some(hash.to_owned()))
            .await;
    }
    let passwords = &w.authority.passwords;
    let works_like = |hash: &str| {
        let work = PasswordHash::parse(hash).unwrap().work();
        let names = (0..300).map(|n| format!("nobody{n}"));
        names
            .filter(|name| passwords.work_of_a_stranger(name) == Some(work))
            .count()
    };
    let own = w.authority.hash_password("x").await.unwrap();
    assert_eq!(works_like(&own), 300, "before anything is known");
    w.authority.sample_password_hashes().await.unwrap();
    let (like_bcrypt, like_django) = (works_like(&bcrypt), works_like(django));
    assert!((150..250).contains(&like_bcrypt), "{like_bcrypt}");
    assert!((50..150).contains(&like_django), "{like_django}");
    assert!(
        (1..30).contains(&works_like(&own)),
        "somebody's was replaced, or may be"
    );
}

/// More users than one page, of which the sample sees some.
#[tokio::test]
async fn the_sample_is_of_users_wherever_their_ids_begin() {
    let w = world(PolicyDraft::default()).await;
    for n in 0..300 {
        let new = super::users::NewUser {
            sub: Some(format!("customer-{n:04}")),
            login: Some(format!("user{n}")),
            password_hash: Some(bcrypt_like(4)),
            claims: "{}".to_owned(),
        };
        w.authority.create_user(new, "client:ops").await.unwrap();
    }
    w.authority.sample_password_hashes().await.unwrap();
    let work = PasswordHash::parse(&bcrypt_like(4)).unwrap().work();
    let alike = (0..300)
        .map(|n| format!("nobody{n}"))
        .filter(|name| w.authority.passwords.work_of_a_stranger(name) == Some(work))
        .count();
    assert!(alike > 280, "{alike}");
}

fn bcrypt_like(cost: u32) -> String {
    format!("$2b${cost:02}${}", ".".repeat(53))
}

/// Guesses that are under way when the delay begins: all were let through to the password, four are answered.
#[tokio::test]
async fn of_many_guesses_at_once_no_more_are_answered_than_of_as_many_in_a_row() {
    let w = world(PolicyDraft::default()).await;
    w.user("ann", PASSWORD).await;
    let guesses = (0..20).map(|n| {
        let password = if n == 19 { PASSWORD } else { "wrong" };
        guess(&w, "ann", password, "net")
    });
    let answers = futures_util::future::join_all(guesses).await;
    let told = answers.iter().filter(|answer| **answer == WRONG).count();
    assert_eq!(told, 4, "{answers:?}");
    assert!(!answers.contains(&Ok(())), "{answers:?}");
}

/// The right password of somebody who may not sign in is a failure like any other.
#[tokio::test]
async fn whoever_is_disabled_is_slowed_down_too() {
    let w = world(PolicyDraft::default()).await;
    let ann = w.user("ann", PASSWORD).await;
    let disabled = w.authority.disable_user(ann.key, "client:ops").await;
    disabled.unwrap();
    for _ in 0..4 {
        assert_eq!(guess(&w, "ann", PASSWORD, "net").await, WRONG);
    }
    let later = Err((Code::TooManyRequests, Some(1)));
    assert_eq!(guess(&w, "ann", PASSWORD, "net").await, later);
}

/// A user whose hash is like nobody else's, and how many names of nobody take its time: none, until it was verified.
async fn imported(w: &World) -> (prolong_store::User, impl Fn() -> usize) {
    let user = w
        .user_with_hash("ann", Some(bcrypt::hash(PASSWORD, 4).unwrap()))
        .await;
    let work = PasswordHash::parse(&bcrypt_like(4)).unwrap().work();
    let passwords = &w.authority.passwords;
    let alike = move || {
        let names = (0..300).map(|n| format!("nobody{n}"));
        names
            .filter(|name| passwords.work_of_a_stranger(name) == Some(work))
            .count()
    };
    (user, alike)
}

/// The wait is looked at before the work, too: whoever has to wait costs none.
#[tokio::test]
async fn no_password_is_verified_while_the_account_waits() {
    let w = world(PolicyDraft::default()).await;
    for _ in 0..4 {
        assert_eq!(guess(&w, "ann", "wrong", "net").await, WRONG);
    }
    let (_, alike) = imported(&w).await;
    let later = Err((Code::TooManyRequests, Some(1)));
    assert_eq!(guess(&w, "ann", PASSWORD, "net").await, later);
    assert_eq!(alike(), 0, "it was verified");
    w.later(1);
    assert_eq!(guess(&w, "ann", PASSWORD, "net").await, Ok(()));
    assert!(alike() > 0);
}

/// Their own hash is verified, so that the time of the answer does not tell that they may not sign in.
#[tokio::test]
async fn whoever_is_disabled_takes_their_own_time() {
    let w = world(PolicyDraft::default()).await;
    let (ann, alike) = imported(&w).await;
    let disabled = w.authority.disable_user(ann.key, "client:ops").await;
    disabled.unwrap();
    assert_eq!(alike(), 0);
    assert_eq!(guess(&w, "ann", PASSWORD, "net").await, WRONG);
    assert!(alike() > 0, "it was not verified");
}

/// A session gives no further tries: what fails at reauthentication, and what fails at sign-in, is one count.
#[tokio::test]
async fn guesses_behind_a_session_and_before_one_are_counted_together() {
    let w = world(PolicyDraft::default()).await;
    w.user("ann", PASSWORD).await;
    let session = w.try_password("ann", PASSWORD).await.unwrap().session;
    let caller = w.store.session(session.id).await.unwrap().unwrap();
    for _ in 0..3 {
        assert_eq!(guess(&w, "ann", "wrong", "net").await, WRONG);
    }
    let behind = async |password: &str| {
        let answer = w.authority.reauthenticate(&caller, password, "net").await;
        answer.map(drop).map_err(|failure| failure.code)
    };
    assert_eq!(behind("wrong").await, Err(Code::InvalidCredentials));
    let later = Err((Code::TooManyRequests, Some(1)));
    assert_eq!(guess(&w, "ann", PASSWORD, "net").await, later);
    assert_eq!(behind(PASSWORD).await, Err(Code::TooManyRequests));
}

#[tokio::test]
async fn a_success_gives_the_free_failures_back() {
    let w = world(PolicyDraft::default()).await;
    w.user("ann", PASSWORD).await;
    for _ in 0..3 {
        for _ in 0..3 {
            assert_eq!(guess(&w, "ann", "wrong", "net").await, WRONG);
        }
        assert_eq!(guess(&w, "ann", PASSWORD, "net").await, Ok(()));
    }
}
