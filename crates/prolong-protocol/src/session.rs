//! Sessions as users see them.

use serde::{Deserialize, Serialize};

use crate::problem::Reason;

/// One of a user's sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionItem {
    /// `sid`.
    pub id: String,
    /// The client it was started through.
    pub client_id: String,
    /// What the user calls the device.
    pub device_name: Option<String>,
    /// What the device says of itself.
    pub user_agent: Option<String>,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339.
    pub last_active_at: String,
    /// RFC 3339; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_ends_at: Option<String>,
    /// RFC 3339; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<String>,
    /// Whether the caller's token belongs to it.
    pub current: bool,
    /// Of a session that is over: why, who ended it, and since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<SessionEnd>,
}

/// How a session ended, as its user is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionEnd {
    /// Why.
    pub reason: Reason,
    /// RFC 3339; absent where the point in time is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Who ended it: `user`, `client:ID`, `operator`, `authority`; absent where it ran out by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// A list of sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionList {
    /// Newest first.
    pub sessions: Vec<SessionItem>,
}
