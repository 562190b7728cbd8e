import { fault } from './errors.js'
import type { Options, TokenAnswer } from './types.js'

/** What a session holds. Instants are milliseconds of the session's own elapsed time. */
export interface Held {
  access: string
  refresh: string | undefined
  generation: number
  /** When the sign-in happened that this comes from: wall clock; a later sign-in beats any generation. */
  signedIn: number
  life: number
  at: number
  expires: number
  renewAt: number
  idleEnds: number
  lifetimeEnds: number
}

/** Claims of a JWT, unverified; `undefined` for opaque tokens. */
export const claims = (token: string): { exp?: number; iat?: number; nbf?: number } | undefined => {
  try {
    const part = token.split('.')[1] ?? ''
    const found: unknown = JSON.parse(atob(part.replace(/-/g, '+').replace(/_/g, '/')))
    return found && typeof found === 'object' ? found : undefined
  } catch {
    return
  }
}

/** A token answer, or a bare access token, checked. */
export const answerOf = (given: unknown): TokenAnswer => {
  const answer = (typeof given === 'string' ? { access_token: given } : given) as TokenAnswer | null | undefined
  if (!answer || typeof answer !== 'object') throw bad('answer', 'must be a token or a token answer')
  if (typeof answer.access_token !== 'string' || !answer.access_token) throw bad('access_token', 'must be a string')
  for (const field of [
    'expires_in',
    'refresh_in',
    'refresh_token_timeout',
    'authorization_expires_in',
    'server_time',
  ] as const) {
    const value = answer[field]
    if (value != null && !Number.isFinite(+value)) throw bad(field, 'must be seconds')
  }
  return answer
}

const bad = (field: string, mend: string) => fault(`token answer: "${field}" ${mend}`, { code: 'BAD_ANSWER', field })

/** Life and remaining time of an answer's token, milliseconds; `fresh` when it was minted just now, so that `exp` minus `iat` needs no clock. */
export const lifeOf = (answer: TokenAnswer, fresh: boolean, server: number): { life: number; left: number } => {
  if (answer.expires_in != null) return { life: answer.expires_in * 1e3, left: answer.expires_in * 1e3 }
  const { exp, iat } = claims(answer.access_token) ?? {}
  if (typeof exp !== 'number') return { life: 1 / 0, left: 1 / 0 }
  const left = exp - server
  const life = typeof iat === 'number' && exp > iat ? exp - iat : Math.max(left, 60)
  return { life: life * 1e3, left: (fresh && typeof iat === 'number' ? life : Math.min(life, left)) * 1e3 }
}

/** True if `a` must give way to `b`; a later generation never gives way to an earlier one. */
export const olderThan = (a: Held | undefined, b: Held): boolean =>
  // The same token is never newer than itself: its instants differ by rounding after a turn through storage.
  !a ||
  b.signedIn > a.signedIn ||
  (b.signedIn === a.signedIn &&
    b.access !== a.access &&
    (b.generation > a.generation || (b.generation === a.generation && b.expires > a.expires)))

/** Mandatory window, milliseconds: in it, callers wait for the new token. */
export const mandatory = (life: number, roundTrip: number): number => Math.min(1e4 + roundTrip, life / 10)

/** Advisory window, milliseconds: in it, the token is renewed in the background. */
export const advisory = (life: number, random: number): number => Math.min(life / 5, 3e5) * (0.9 + random / 5)

/** What is held once an answer came to what was sent at `sent`, elapsed milliseconds. */
export const heldOf = (
  answer: TokenAnswer,
  sent: number,
  signedIn: number,
  { life, left }: { life: number; left: number },
  previous: Held | undefined,
  lead: Options['lead'],
  roundTrip: number,
  random: number,
): Held => {
  const early = lead && Math.min((typeof lead === 'function' ? lead({ lifetime: life / 1e3 }) : lead) * 1e3, life / 2)
  const wait = early
    ? left - early
    : answer.refresh_in != null
      ? answer.refresh_in * 1e3
      : left - advisory(life, random)
  return {
    access: answer.access_token,
    refresh: answer.refresh_token ?? previous?.refresh,
    generation: answer.session?.generation ?? (previous?.generation ?? 0) + 1,
    signedIn,
    life,
    at: sent,
    expires: sent + left,
    renewAt: sent + (Number.isNaN(wait) ? left - life / 5 : Math.min(wait, left - mandatory(life, roundTrip))),
    idleEnds: sent + (answer.refresh_token_timeout ?? 1 / 0) * 1e3,
    lifetimeEnds: sent + (answer.authorization_expires_in ?? 1 / 0) * 1e3,
  }
}
