//! Tokens: the refresh token and the access token.
