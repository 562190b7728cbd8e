/** Least time between two renewals of a session, milliseconds. */
export const GAP = 5e3
/** Most renewals in the life of a token. */
export const MOST = 12
const HOUR = 36e5
/** No deadline: finite, so that it survives JSON. Milliseconds. */
export const NEVER = 1e15

/** Milliseconds as whole seconds; no deadline is none. */
export const seconds = (milliseconds: number) => (milliseconds < 1e14 ? Math.round(milliseconds / 1e3) : 1 / 0)

/**
 * Makes a storm impossible: how long the next renewal must still wait, whatever the token, the errors and the callers.
 *
 * At most one per 5 s, 12 for one living token, and 12 per token life or hour, whichever is shorter. The gaps double so
 * that the twelve fill the window, and a recovered server is found again in about the time that it was away.
 *
 * @param attempts when renewals started, oldest first, this and other tabs'; milliseconds
 * @param born when the newest token came, in the time of `now`; its life, and what is left of it (1e14 and more: no end); milliseconds
 * @returns milliseconds; 0 or less: now
 */
export const waitFor = (attempts: readonly number[], now: number, born: number, life: number, left: number): number => {
  const window = Math.min(life, HOUR)
  const since = (nth: number) => now - (attempts.at(-nth) ?? -NEVER)
  const recent = attempts.filter((at) => at > now - window).length
  return Math.max(
    GAP - since(1),
    window / 2 ** Math.max(1, MOST - recent) - since(1),
    window - since(MOST),
    since(MOST) > now - born || left >= 1e14 ? 0 : left,
  )
}
