import { type Body, Claims } from './claims.js'
import type { Expected } from './expected.js'
import { Rejection } from './rejection.js'
import type { Revoked, Subjects } from './revoked.js'
import type { Authentic } from './token.js'

/**
 * Everything that is asked on every sight, once the signature is known to hold, in this order: issuer and audience →
 * times → revocation.
 *
 * @throws {Rejection}
 */
export const judge = (
  { key, body }: Authentic,
  expected: Expected,
  revoked: Revoked,
  now: number,
  known?: Subjects,
): Claims => {
  if (body.iss !== expected.issuer) throw new Rejection('WrongIssuer')
  if (!expected.acceptsAudience(body.aud)) throw new Rejection('WrongAudience')
  const { expired, renewalDue } = times(body, expected, now)
  revoked.check(key.kid, body, known)
  return new Claims(body, expired, renewalDue)
}

/** Every limit is half-open: at `exp` it is over. */
const times = (body: Body, expected: Expected, now: number): { expired: boolean; renewalDue: boolean } => {
  const latestStart = now + expected.futureLeeway
  if (body.iat > latestStart || (body.nbf !== undefined && body.nbf > latestStart)) throw new Rejection('NotYetValid')
  const enforced = expected.softExpiry === 'reject' && body.softexp !== undefined
  const end = body.exp + expected.expLeeway
  const expired = now >= end
  if (expired && now >= end + expected.expiredFor) throw new Rejection(enforced ? 'RenewalMissed' : 'Expired')
  const renewalDue = body.softexp !== undefined && now >= body.softexp
  if (enforced && renewalDue && !expired) throw new Rejection('SoftExpired')
  return { expired, renewalDue }
}
