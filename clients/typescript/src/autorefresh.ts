import { ambient, type Environment } from './environment.js'
import { must } from './errors.js'
import { prolong } from './session.js'
import { claims } from './tokens.js'

/** Options of `autorefresh`, as `jwt-autorefresh` has them. */
export interface AutorefreshOptions {
  /** Gets the next access token; you keep the refresh token. */
  refresh: () => string | Promise<string>
  /** Renew so many seconds before expiry (at most half a life); a function may add jitter. */
  leadSeconds: number | (() => number)
  /** Told, once per failure, why a refresh did not succeed; it is tried again by itself. */
  onError?: (error: Error) => void
  environment?: Environment
}

/**
 * The call shape of `jwt-autorefresh`: `autorefresh({ refresh, leadSeconds })` gives `start(token)`, which gives `cancel()`.
 *
 * Starting again replaces the schedule; cancelling during a refresh leaves nothing behind; a failed refresh is tried again.
 */
export const autorefresh = ({
  refresh,
  leadSeconds,
  onError,
  environment,
}: AutorefreshOptions): ((token: string) => () => void) => {
  must(typeof refresh === 'function', 'refresh', 'a function that returns the next access token, or a promise of it')
  const lead = (): number => {
    const seconds = typeof leadSeconds === 'function' ? leadSeconds() : leadSeconds
    must(
      Number.isFinite(seconds) && seconds >= 0,
      'leadSeconds',
      'a number of seconds, 0 or more, or a function that returns one',
    )
    return Math.max(seconds, 0.001)
  }
  lead()
  let name = 0
  let cancelLast = () => {}
  return (token) => {
    check(token)
    cancelLast()
    // Nothing is shared with other tabs, or left behind: the caller's own storage is the only common ground, as it was.
    const session = prolong({
      name: `autorefresh:${Math.random()}:${name++}`,
      lead,
      renew: async () => {
        const next = await refresh()
        check(next)
        return next
      },
      environment: Object.create(environment ?? ambient(), { shared: {} }) as Environment,
    })
    session.on('delayed', ({ error }) => onError?.(error))
    void session.adopt(token)
    cancelLast = () => session.dispose()
    return cancelLast
  }
}

/** Refuses what cannot be scheduled; the token itself is never part of the message. */
const check = (token: string) => {
  must(
    typeof token === 'string',
    'access_token',
    'a string; let refresh() return the access_token itself',
    'BAD_ANSWER',
  )
  const { exp, nbf } = claims(token)
  must(
    typeof exp === 'number',
    'exp',
    'a number, in a JWT; for opaque tokens use prolong() with expires_in',
    'BAD_ANSWER',
  )
  must(nbf === undefined || nbf < exp, 'nbf', 'before "exp"', 'BAD_ANSWER')
}
