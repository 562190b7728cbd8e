//! The authority: API, token minting, keys, pages, background work
