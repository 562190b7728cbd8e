//! A system that has no more threads to give: the limit of a container is reached, say.

use std::time::Duration;

use reqwest::StatusCode;

use crate::calls::PASSWORD;
use crate::house::House;
use crate::world::NO_THREAD;

/// What blocks is done by the thread that is there, also when nothing has blocked for longer than threads are kept.
#[tokio::test]
async fn without_another_thread_it_goes_on() {
    let house = House::open("");
    house.calls().add_user("maryo").await;
    let mut token = house.sign_in("maryo").await;
    for _ in 0..20 {
        token = house.refreshed(&token).await;
    }
    tokio::time::sleep(Duration::from_secs(12)).await;
    house.world.fail_threads(NO_THREAD);
    for _ in 0..20 {
        token = house.refreshed(&token).await;
    }
    let answer = house.calls().sign_in("web", "maryo", PASSWORD).await;
    assert_eq!(answer.unwrap().status, StatusCode::CREATED);
    let said = house.server().log().text();
    assert!(!said.contains("panicked"), "{said}");
    house.world.fail_threads(0);
    house.stop();
}
