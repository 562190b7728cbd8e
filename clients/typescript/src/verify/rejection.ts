import type { Action, Code, Reason } from '../generated/codes.js'
import { problems } from '../generated/problems.js'

/** One sentence for the developer of a client, by kind of refusal. The kinds are those of the Rust crate. */
const sentences = {
  TooLarge: 'the token is over 8 KiB',
  NotCompact: 'the token is not a JWS in compact serialization',
  BadEncoding: 'a part of the token is not strict base64url',
  BadHeader: "the token's header is not sound",
  CriticalExtension: "the token's header demands an extension (crit or b64)",
  WrongType: "the token's typ is not the expected one",
  WrongAlgorithm: "the token's algorithm is not an accepted one",
  UnknownKey: "the token's kid names no known key",
  KeyAlgorithm: "the token's algorithm is not its key's",
  BadSignature: "the token's signature does not match",
  BadClaims: "the token's claims are not sound",
  BadClaim: 'a claim of the token is missing or has the wrong type',
  WrongIssuer: "the token is another issuer's",
  WrongAudience: 'the token is for another audience',
  NotYetValid: 'the token is not valid yet',
  Expired: 'the token has expired',
  RenewalMissed: 'the token has expired',
  SoftExpired: 'the token is due for renewal',
  KeyDistrusted: 'the key that signed the token is no longer trusted',
  IssuedBeforeCut: 'tokens issued so early are no longer accepted',
  VersionRaised: "the user's tokens of this version are no longer accepted",
  SessionEnded: 'the session has ended',
  NotActive: 'the authority does not accept the token any more',
  Superseded: 'a newer token of this session was issued',
  InsufficientScope: 'the token lacks a required scope',
  InsufficientAuthentication: 'a more recent or stronger sign-in is required',
  WrongSubjectKind: 'the token is not for this kind of caller',
} as const

/** The closed list of refusals. */
export type RejectionKind = keyof typeof sentences

const codes: { readonly [Kind in RejectionKind]?: Code } = {
  TooLarge: 'TOO_LARGE',
  Expired: 'EXPIRED_TOKEN',
  SoftExpired: 'EXPIRED_TOKEN',
  Superseded: 'EXPIRED_TOKEN',
  KeyDistrusted: 'EXPIRED_TOKEN',
  InsufficientScope: 'INSUFFICIENT_SCOPE',
  WrongSubjectKind: 'INSUFFICIENT_SCOPE',
  InsufficientAuthentication: 'INSUFFICIENT_AUTHENTICATION',
}
const reasons: { readonly [Kind in RejectionKind]?: Reason } = {
  VersionRaised: 'version_raised',
  Superseded: 'superseded',
  KeyDistrusted: 'key_distrusted',
}

/** Why a token was refused. Never holds the token or a part of it. */
export class Rejection extends Error {
  override readonly name = 'Rejection'
  readonly kind: RejectionKind
  /** With `BadClaim`: the claim. */
  readonly claim: string | undefined
  readonly code: Code
  /** What the client should do. A token of a distrusted key is renewed: its session goes on. */
  readonly action: Action
  /** Why, where the feed tells. */
  readonly reason: Reason | undefined

  constructor(kind: RejectionKind, more: { claim?: string; reason?: Reason | undefined } = {}) {
    super(more.claim ? `the claim ${more.claim} is missing or has the wrong type` : sentences[kind])
    this.kind = kind
    this.claim = more.claim
    this.code = codes[kind] ?? 'INVALID_TOKEN'
    this.reason = more.reason ?? reasons[kind]
    const again = this.reason === 'reauth_required' || this.reason === 'sign_in_too_old'
    this.action = kind === 'SessionEnded' && again ? 'reauthenticate' : problems[this.code].action
  }
}
