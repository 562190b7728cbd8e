import { type Json, type JsonObject, parseObject } from './json.js'
import { Rejection } from './rejection.js'

/** What a signature covers: independent of time, expectation and revocation. */
export interface Body {
  readonly iss: string
  readonly sub: string
  readonly aud: readonly string[]
  readonly clientId: string
  readonly exp: number
  readonly iat: number
  readonly jti: string
  readonly nbf: number | undefined
  readonly authTime: number | undefined
  readonly softexp: number | undefined
  readonly sid: string | undefined
  readonly jwtVersion: number | bigint | undefined
  readonly generation: number | bigint | undefined
  readonly scope: string | undefined
  readonly acr: string | undefined
  readonly raw: JsonObject
}

/** Claims of a token that was verified (RFC 9068 §2.2, and Prolong's own). Moments are seconds since the epoch. */
export class Claims {
  readonly issuer: string
  /** The user's id, or a machine's client id. */
  readonly subject: string
  /** As a list; never empty. */
  readonly audience: readonly string[]
  readonly clientId: string
  /** Over at that second. Fractions are rounded up, as for `notBefore` and `softExpiresAt`. */
  readonly expiresAt: number
  /** Fractions are rounded down, as for `authTime`. */
  readonly issuedAt: number
  readonly notBefore: number | undefined
  readonly tokenId: string
  /** When the person last proved who they are. */
  readonly authTime: number | undefined
  /** From then on the token is due for renewal. */
  readonly softExpiresAt: number | undefined
  /** The session; `undefined` for a machine's token. */
  readonly sessionId: string | undefined
  readonly jwtVersion: number | bigint | undefined
  /** The generation of the session, where its policy supersedes. */
  readonly generation: number | bigint | undefined
  /** `scope` as it stands. */
  readonly scope: string | undefined
  readonly acr: string | undefined
  /** Every member, public claims and `cnf` included. Has no prototype; do not change it. */
  readonly raw: JsonObject
  /** Whether `exp` had passed; only possible with `expiredFor`. */
  readonly expired: boolean
  /** Whether `softexp` had passed. */
  readonly renewalDue: boolean

  constructor(body: Body, expired: boolean, renewalDue: boolean) {
    this.issuer = body.iss
    this.subject = body.sub
    this.audience = body.aud
    this.clientId = body.clientId
    this.expiresAt = body.exp
    this.issuedAt = body.iat
    this.notBefore = body.nbf
    this.tokenId = body.jti
    this.authTime = body.authTime
    this.softExpiresAt = body.softexp
    this.sessionId = body.sid
    this.jwtVersion = body.jwtVersion
    this.generation = body.generation
    this.scope = body.scope
    this.acr = body.acr
    this.raw = body.raw
    this.expired = expired
    this.renewalDue = renewalDue
  }

  /** Whether `scope` holds this one. */
  hasScope(scope: string): boolean {
    return scope !== '' && this.scope !== undefined && this.scope.split(' ').includes(scope)
  }
}

/** Reads the claims of a token whose signature holds. A member of the wrong type is refused, `null` included. */
export const parseBody = (json: Uint8Array): Body => {
  const raw = parseObject(json)
  if (!raw) throw new Rejection('BadClaims')
  const optional = <Value>(name: string, read: (value: Json) => Value | undefined): Value | undefined => {
    if (!(name in raw)) return undefined
    const value = read(raw[name] as Json)
    if (value === undefined) throw new Rejection('BadClaim', { claim: name })
    return value
  }
  const required = <Value>(name: string, read: (value: Json) => Value | undefined): Value => {
    const value = optional(name, read)
    if (value === undefined) throw new Rejection('BadClaim', { claim: name })
    return value
  }
  return {
    iss: required('iss', text),
    sub: required('sub', text),
    aud: required('aud', audience),
    clientId: required('client_id', text),
    exp: required('exp', upper),
    iat: required('iat', lower),
    jti: required('jti', text),
    nbf: optional('nbf', upper),
    authTime: optional('auth_time', lower),
    softexp: optional('softexp', upper),
    sid: optional('sid', text),
    jwtVersion: optional('jwt_version', counter),
    generation: optional('gen', counter),
    scope: optional('scope', (value) => (typeof value === 'string' ? value : undefined)),
    acr: optional('acr', text),
    raw,
  }
}

const text = (value: Json): string | undefined => (typeof value === 'string' && value ? value : undefined)

const audience = (value: Json): readonly string[] | undefined => {
  const all = Array.isArray(value) ? value : [value]
  return all.length > 0 && all.every((one) => text(one) !== undefined) ? (all as string[]) : undefined
}

/** Any JSON number (RFC 7519 §2), saturated at 64 bits so that nothing that is added to it overflows. */
const moment = (value: Json, round: (seconds: number) => number): number | undefined =>
  typeof value === 'number' || typeof value === 'bigint'
    ? Math.max(-(2 ** 63), Math.min(2 ** 63, round(Number(value))))
    : undefined
/** For limits: `now >= exp` has the same answer as with the fraction, since `now` is whole. */
const upper = (value: Json): number | undefined => moment(value, Math.ceil)
/** For moments that passed. */
const lower = (value: Json): number | undefined => moment(value, Math.floor)

/** Not a date. `1.0` and `1e0` are the number 1 (RFC 8259 §6), as far as a double tells whole numbers apart. */
const counter = (value: Json): number | bigint | undefined =>
  typeof value === 'bigint'
    ? value >= 0n && value < 2n ** 64n
      ? value
      : undefined
    : typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
      ? value
      : undefined
