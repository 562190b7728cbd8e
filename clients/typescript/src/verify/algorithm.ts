// The signature algorithms that exist here. HMAC and `none` do not: they cannot even be named.

/** A JWS algorithm by its exact name (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2). A key has one of them, never two. */
export type Algorithm = 'ES256' | 'EdDSA' | 'Ed25519' | 'RS256' | 'PS256'

/** All of them. */
export const algorithms: readonly Algorithm[] = ['ES256', 'EdDSA', 'Ed25519', 'RS256', 'PS256']

/** The algorithm of a name, case-exact. */
export const algorithmNamed = (name: unknown): Algorithm | undefined => algorithms.find((one) => one === name)
