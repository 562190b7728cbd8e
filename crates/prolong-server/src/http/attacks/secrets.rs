//! How clients prove themselves.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use prolong_core::Preset;

use super::change;
use crate::settings::ClientKind;
use crate::world::{FORM, preset, world, world_with};

const MACHINE: &str = "grant_type=client_credentials&scope=prolong:admin";

#[tokio::test]
async fn while_one_secret_takes_the_place_of_another_both_are_good() {
    let hash = |secret: &[u8]| digest(&SHA256, secret).as_ref().try_into().unwrap();
    let w = world_with(preset(Preset::Refresh), |settings| {
        change(settings, "ops", |ops| {
            ops.kind = ClientKind::Confidential {
                secret_hashes: vec![hash(b"new"), hash(b"old")],
            };
        });
    })
    .await;
    for (secret, status) in [("new", 200), ("old", 200), ("older", 401), ("", 401)] {
        let form = format!("{MACHINE}&client_id=ops&client_secret={secret}");
        let answer = w.form("/oauth/token", &form).await;
        assert_eq!(answer.status.as_u16(), status, "{secret}");
    }
}

#[tokio::test]
async fn of_two_headers_that_name_clients_none_is_believed() {
    let w = world(preset(Preset::Refresh)).await;
    let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
    let (good, other) = (basic("ops:s3cret"), basic("helpdesk:s3cret"));
    for second in [&good, &other] {
        let headers = [
            FORM,
            ("authorization", good.as_str()),
            ("authorization", second),
        ];
        let answer = w.send("POST", "/oauth/token", &headers, MACHINE).await;
        assert_eq!(
            (answer.status, answer.text("error")),
            (StatusCode::BAD_REQUEST, "invalid_request")
        );
    }
}
