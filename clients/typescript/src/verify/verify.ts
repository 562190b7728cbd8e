import type { Claims } from './claims.js'
import { type Expectation, Expected } from './expected.js'
import { judge } from './judge.js'
import type { Keys } from './keys.js'
import type { Revoked } from './revoked.js'
import { readToken } from './token.js'

/**
 * Verifies an access token. Pure: the same arguments always give the same answer, and nobody is asked or told: under a policy
 * with `activity = "request"`, a service that calls this by itself keeps no session alive. A {@link Verifier}'s `middleware` and
 * `handler` do, with `reportActivity`.
 *
 * @param now Seconds since the epoch.
 * @throws {Rejection} by rejecting: what is wrong, and what the client should do.
 * @throws {TypeError} by rejecting: an argument is not what it must be.
 */
export const verify = async (
  token: string,
  keys: Keys,
  expectation: Expectation | Expected,
  revoked: Revoked,
  now: number,
): Promise<Claims> => {
  const expected = expectation instanceof Expected ? expectation : new Expected(expectation)
  checkArguments(token, now)
  return judge(await readToken(token, keys, expected, revoked), expected, revoked, now)
}

/** A `now` that is no number would make every comparison false, and so every token good. */
export const checkArguments = (token: string, now: number): void => {
  if (typeof token !== 'string') throw new TypeError('prolong/verify: the token must be a text')
  if (!Number.isSafeInteger(now)) throw new TypeError('prolong/verify: now must be whole seconds since the epoch')
}
