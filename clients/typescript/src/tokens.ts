import { NEVER } from './budget.js'
import { must } from './errors.js'
import { isFunction } from './options.js'
import type { Options, TokenAnswer } from './types.js'

/** What a session holds. Instants are milliseconds of the session's own elapsed time. */
export interface Held {
  access: string
  refresh: string | undefined
  generation: number
  /** When the sign-in happened that this comes from: wall clock; a later sign-in beats any generation. */
  signedIn: number
  /** Milliseconds. */
  life: number
  times: [at: number, expires: number, renewAt: number, idleEnds: number, lifetimeEnds: number, waitFrom: number]
}

type Seconds = 'expires_in' | 'refresh_in' | 'refresh_token_timeout' | 'authorization_expires_in' | 'server_time'

/** Claims of a JWT, unverified; none for opaque tokens. */
export const claims = (token: string): { exp?: number; iat?: number; nbf?: number } => {
  try {
    return JSON.parse(atob(token.split('.')[1]!.replace(/-/g, '+').replace(/_/g, '/'))) ?? {}
  } catch {
    return {}
  }
}

/** True if `a` must give way to `b`; a later generation never gives way to an earlier one. */
export const olderThan = (a: Held | undefined, b: Held): boolean =>
  !a ||
  b.signedIn > a.signedIn ||
  (b.signedIn === a.signedIn &&
    // Of one generation, the same token is never newer than itself: its instants differ by rounding after a turn through storage.
    (b.generation - a.generation || (b.access === a.access ? 0 : b.times[1] - a.times[1])) > 0)

/**
 * What is held once an answer came to what was sent at `sent`, elapsed milliseconds.
 *
 * @param given a token answer, or a bare access token
 * @param server notes the server's time and gives its clock, milliseconds
 * @param fresh the token was minted just now, so that `exp` minus `iat` needs no clock
 */
export const heldOf = (
  given: unknown,
  sent: number,
  now: number,
  signedIn: number,
  previous: Held | undefined,
  server: (sent: number, serverTime?: number) => number,
  fresh: boolean,
  lead: Options['lead'],
  random: number,
): Held => {
  const answer = Object(given) as TokenAnswer
  const { access_token: access = given as string, session } = answer
  // RFC 6749 §A.12. The platform's own refusal of a header would quote the token.
  must(typeof access === 'string' && /^[ -~]+$/.test(access), 'access_token', 'visible ASCII', 'BAD_ANSWER')
  /** Milliseconds. */
  const span = <Otherwise>(field: Seconds, otherwise: Otherwise) => {
    const seconds = answer[field]
    must(seconds == null || Math.abs(seconds) < NEVER, field, 'seconds', 'BAD_ANSWER')
    return seconds == null ? otherwise : seconds * 1e3
  }
  const clock = server(sent, span('server_time', 0))
  // Claims may be anything; what comes of them must be numbers, and survive JSON.
  const told = answer.expires_in == null ? claims(access) : {}
  const exp = +told.exp! || 0
  const iat = +told.iat! || 0
  const counted = exp * 1e3 - clock || 0
  const claimed = exp > iat && iat ? (exp - iat) * 1e3 : exp ? Math.max(counted, 6e4) : NEVER
  const life = Math.min(span('expires_in', claimed), NEVER)
  const left = exp && !(fresh && iat) ? Math.min(life, counted) : life
  const early = lead && Math.min((isFunction(lead) ? lead({ lifetime: life / 1e3 }) : lead) * 1e3, life / 2)
  // Advisory window, jittered: in it, the token is renewed in the background.
  const advisory = Math.min(life / 5, 3e5) * (0.9 + random / 5)
  // Mandatory window, the round trip as measured just now: in it, callers wait for the new token.
  const waitFrom = left - Math.min(1e4 + now - sent, life / 10)
  return {
    access,
    refresh: answer.refresh_token ?? previous?.refresh,
    generation: session?.generation ?? (previous?.generation ?? 0) + 1,
    signedIn,
    life,
    // Counted from the sending: the latest instant at which the server's seconds can have begun.
    times: [
      sent,
      sent + left,
      sent + Math.min(early ? left - early : span('refresh_in', left - advisory), waitFrom),
      sent + span('refresh_token_timeout', NEVER),
      sent + span('authorization_expires_in', NEVER),
      sent + waitFrom,
    ],
  }
}

/**
 * What was stored, or told by another tab, in the elapsed time of here; nothing if it is no such thing, for anything may have
 * been written there.
 *
 * @param now elapsed time of here, milliseconds
 * @param wall the wall clock, milliseconds
 */
export const unpacked = (text: string | null | undefined, now: number, wall: number): Held | undefined => {
  try {
    const found = JSON.parse(text!) as Held & { now: number; wall: number }
    const age = wall - found.wall
    // A clock set back since: how old this is cannot be known, so it counts as expired.
    const shift = now - found.now - (age < -2e3 ? 1e12 : Math.max(age, 0))
    found.times = found.times.map((instant) => instant + shift) as Held['times']
    // No budget is safe from what is no number, nothing from what is no string.
    found.access.trim()
    if ([found.life, found.generation, found.signedIn, ...found.times].every(Number.isFinite)) return found
  } catch {}
}
