//! `POST /v1/sessions`: sign in, by password or with a ticket.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use prolong_protocol::problem::Code;

use super::fields::{Body, Fields, invalid};
use super::{place, slot};
use crate::Authority;
use crate::authority::sign_in::SignIn;
use crate::http::cors::Concerns;
use crate::http::problem::Failure;
use crate::settings::{Client, ClientKind, Transport};

pub(super) async fn post(
    State(authority): State<Arc<Authority>>,
    parts: Parts,
    Body(body): Body,
) -> Response {
    let read = Fields::read(&parts.headers, &body)
        .and_then(|fields| client(&authority, &fields).map(|client| (client, fields)));
    let (concerned, result) = match read {
        Ok((client, fields)) => {
            let result = sign_in(&authority, &parts, &fields, Arc::clone(&client)).await;
            (Some(client), result)
        }
        Err(failure) => (None, Err(failure)),
    };
    authority.metrics.sign_in(
        result
            .as_ref()
            .map_or_else(|failure| failure.code.as_str(), |_| "ok"),
    );
    let mut response = result.unwrap_or_else(IntoResponse::into_response);
    if let Some(client) = concerned {
        response.extensions_mut().insert(Concerns(client));
    }
    response
}

async fn sign_in(
    authority: &Authority,
    parts: &Parts,
    fields: &Fields,
    client: Arc<Client>,
) -> Result<Response, Failure> {
    if client.transport == Transport::Cookie {
        slot::refuse_forgery(authority, &client, parts)?;
    }
    let remember = fields.flag("remember")?;
    let device = place::device(&authority.settings, parts, fields.line("device_name", 100)?);
    let signed_in = match credentials(fields)? {
        Credentials::Ticket(ticket) => {
            authority
                .redeem_ticket(&client, ticket, remember, device)
                .await?
        }
        Credentials::Password { username, password } => {
            first_party(&client)?;
            let network = place::network(&authority.settings, parts);
            let sign_in = SignIn {
                client: Arc::clone(&client),
                remember: remember.unwrap_or(false),
                device,
                authenticated_at: None,
                acr: None,
                claims: None,
                actor: "user".to_owned(),
                how: "password",
            };
            authority
                .sign_in_with_password(username, password, &network, &sign_in)
                .await?
        }
    };
    Ok(slot::answer(authority, StatusCode::CREATED, signed_in))
}

enum Credentials<'a> {
    Password {
        username: &'a str,
        password: &'a str,
    },
    Ticket(&'a str),
}

fn credentials(fields: &Fields) -> Result<Credentials<'_>, Failure> {
    if let Some(ticket) = fields.text("ticket")? {
        if fields.names("username") || fields.names("password") {
            return Err(invalid("ticket", "goes without `username` and `password`"));
        }
        return Ok(Credentials::Ticket(ticket));
    }
    let username = fields.required_text("username")?;
    let password = fields.required_text("password")?;
    if username.is_empty() || username.len() > 1024 {
        return Err(invalid("username", "must have 1 to 1,024 bytes"));
    }
    if password.len() > 1024 {
        return Err(invalid("password", "must have at most 1,024 bytes"));
    }
    Ok(Credentials::Password { username, password })
}

fn client(authority: &Authority, fields: &Fields) -> Result<Arc<Client>, Failure> {
    let id = fields.required_text("client_id")?;
    let client = authority.client(id).cloned();
    client.ok_or_else(|| {
        Failure::new(
            Code::InvalidClient,
            "`client_id` names no registered client",
        )
    })
}

/// A password is for the operator's own applications alone (RFC 9700 §2.4 bans the password grant for all others).
fn first_party(client: &Client) -> Result<(), Failure> {
    if client.password_sign_in && client.kind == ClientKind::Public {
        return Ok(());
    }
    let detail = if client.password_sign_in {
        "a confidential client signs users in through /v1/admin/users/{sub}/sessions"
    } else {
        "this client may not ask users for their password (`password_sign_in`)"
    };
    Err(Failure::new(Code::UnauthorizedClient, detail))
}
