import type { Claims } from './claims.js'
import { isListOf, isText, option, seconds } from './expected.js'
import { Rejection } from './rejection.js'

/** What one route asks beyond a good token; if empty, that it is a user's. */
export interface Requirement {
  /** Every one of these scopes: printable ASCII without space, `"` and `\` (RFC 6749 §3.3). */
  scopes?: readonly string[]
  /** At most so many seconds since `auth_time` (RFC 9470); a token without `auth_time` fails. */
  maxAge?: number
  /** One of these `acr` values. */
  acrValues?: readonly string[]
  /** A person's session, which has a `sid`, or a client's own token (RFC 9068 §5). Users only by default. */
  caller?: 'any' | 'user' | 'machine'
}

/**
 * Checks verified claims. `now` is in seconds since the epoch.
 *
 * @throws {Rejection} `WrongSubjectKind`, `InsufficientScope` or `InsufficientAuthentication`, in that order.
 */
export const checkRequirement = (requirement: Requirement, claims: Claims, now: number): void => {
  const { scopes = [], maxAge, acrValues = [], caller = 'user' } = requirement
  if (caller !== 'any' && (caller === 'user') !== (claims.sessionId !== undefined))
    throw new Rejection('WrongSubjectKind')
  if (!scopes.every((scope) => claims.hasScope(scope))) throw new Rejection('InsufficientScope')
  const recent = maxAge === undefined || (claims.authTime !== undefined && now < claims.authTime + maxAge)
  const strong = acrValues.length === 0 || (claims.acr !== undefined && acrValues.includes(claims.acr))
  if (!recent || !strong) throw new Rejection('InsufficientAuthentication')
}

/** @throws {TypeError} naming the option that is wrong. */
export const checkedRequirement = ({ scopes, maxAge, acrValues, caller = 'user' }: Requirement): Requirement => {
  const scope = (one: unknown): boolean => isText(one) && /^[!#-[\]-~]+$/.test(one)
  if (scopes !== undefined && scopes.length > 0 && !isListOf(scopes, scope))
    throw option('scopes', 'must be a list of scopes, each without spaces')
  if (acrValues !== undefined && acrValues.length > 0 && !isListOf(acrValues, isText))
    throw option('acrValues', 'must be a list of acr values')
  if (!['any', 'user', 'machine'].includes(caller)) throw option('caller', 'must be "any", "user" or "machine"')
  return {
    ...(scopes ? { scopes: [...scopes] } : {}),
    ...(acrValues ? { acrValues: [...acrValues] } : {}),
    ...(maxAge === undefined ? {} : { maxAge: seconds('maxAge', maxAge) }),
    caller,
  }
}
