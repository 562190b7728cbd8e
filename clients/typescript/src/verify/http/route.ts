import { Expected, option } from '../expected.js'
import { checkedRequirement, type Requirement } from '../requirement.js'

/**
 * What to do when the revocations may be incomplete: the feed was last known to be at its head over 5 s ago. `open`: serve,
 * and count it in `servedStale`. `shrink`: serve tokens issued less than 120 s ago; others are told to renew. `closed`:
 * ask the authority by introspection if the verifier has a client for it, otherwise serve nobody: 503 with `Retry-After`.
 */
export type Staleness = 'open' | 'shrink' | 'closed'

/** The rules of one route; the default asks for a good token and nothing more. */
export interface RouteOptions extends Requirement {
  /** `open` by default. */
  staleness?: Staleness
  /** A passed `softexp`: a hint (`Prolong-Renew: due`), or refused with `EXPIRED_TOKEN`. As the verifier has it by default. */
  softExpiry?: 'hint' | 'reject'
  /** Lets requests without credentials pass, without claims. Bad credentials are refused still. */
  optional?: boolean
  /**
   * Requests here do not count as activity of a person: polling, prefetching. A single request is marked so by
   * `Prolong-Activity: background`. See `reportActivity`.
   */
  background?: boolean
}

/** {@link RouteOptions}, checked once. */
export interface Route {
  readonly expected: Expected
  readonly requirement: Requirement
  readonly staleness: Staleness
  readonly optional: boolean
  readonly background: boolean
}

const known = ['scopes', 'maxAge', 'acrValues', 'caller', 'staleness', 'softExpiry', 'optional', 'background']

/** @throws {TypeError} naming the option that is wrong, or that does not exist: a misspelt rule is no rule. */
export const routeOf = (expected: Expected, options: RouteOptions): Route => {
  for (const name of Object.keys(options))
    if (!known.includes(name)) throw option(name, `is not one of ${known.join(', ')}`)
  const { staleness = 'open', softExpiry = expected.softExpiry, optional = false, background = false } = options
  if (!['open', 'shrink', 'closed'].includes(staleness))
    throw option('staleness', 'must be "open", "shrink" or "closed"')
  if (typeof optional !== 'boolean') throw option('optional', 'must be true or false')
  if (typeof background !== 'boolean') throw option('background', 'must be true or false')
  return {
    expected: softExpiry === expected.softExpiry ? expected : new Expected({ ...expected, softExpiry }),
    requirement: checkedRequirement(options),
    staleness,
    optional,
    background,
  }
}
