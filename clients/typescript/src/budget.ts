import type { Environment } from './environment.js'
import type { Held } from './tokens.js'

const GAP = 5e3
const MOST = 12
const HOUR = 36e5

/**
 * Makes a storm impossible: when the next renewal may start, whatever the token, the errors and the callers.
 *
 * At most one per 5 s, 12 for one living token, and 12 per token life or hour, whichever is shorter. The gaps double so
 * that the twelve fill the window, and a recovered server is found again in about the time that it was away.
 *
 * @param attempts when renewals started, oldest first, this and other tabs'; milliseconds
 * @param token the newest: when it came, its life, and whether it expired; milliseconds, may be infinite
 */
export const nextAllowed = (
  attempts: readonly number[],
  now: number,
  token: { since: number; life: number; dead: boolean },
): number => {
  const last = attempts[attempts.length - 1]
  if (last === undefined) return 0
  const window = Math.min(token.life, HOUR)
  const recent = attempts.filter((at) => at > now - window).length
  const gap = window / 2 ** Math.max(1, MOST - recent)
  const twelfth = attempts[attempts.length - MOST]
  let from = last + Math.max(GAP, gap)
  if (twelfth !== undefined) {
    from = Math.max(from, twelfth + window)
    if (!token.dead && twelfth >= token.since && token.life < 1 / 0) from = Math.max(from, token.since + token.life)
  }
  return from
}

/** Back-off after the nth failure in a row: full jitter, 1 s doubling to 5 min; `retryAfter` (seconds) is honoured up to a day. */
export const backOff = (failures: number, random: number, retryAfter = 0): number =>
  Math.max(random * Math.min(1e3 * 2 ** failures, 3e5), Math.min(retryAfter, 86400) * 1e3)

/** When the session's next renewal may start: budget, back-off, and other tabs' attempts. */
export const gateOf = (environment: Environment, now: () => number, shared: (now: number) => number) => {
  const attempts: number[] = []
  let failures = 0
  let notBefore = 0
  return {
    attempted: () => {
      attempts.push(environment.steady())
      if (attempts.length > 24) attempts.shift()
    },
    /** In elapsed time. The budget counts in steady time: a wall clock set forward must not shorten a gap. */
    allowedAt: (held: Held | undefined): number => {
      const steady = environment.steady()
      const next = nextAllowed(attempts, steady, {
        since: steady - (now() - (held?.at ?? 0)),
        life: held?.life ?? 9e5,
        dead: !held || held.expires <= now(),
      })
      return Math.max(notBefore, now() + Math.max(0, next - steady), shared(now()))
    },
    pause: (delay: number) => {
      notBefore = now() + delay
    },
    failed: (retryAfter?: number) => {
      notBefore = now() + backOff(failures++, environment.random(), retryAfter)
    },
    failures: () => failures,
    clear: () => {
      failures = notBefore = 0
    },
  }
}
