import type { Environment } from './environment.js'

/** Time that passed, and how far the server's clock is from ours. Milliseconds. */
export const clockOf = ({ wall, steady }: Environment) => {
  let lastWall = wall()
  let lastSteady = steady()
  let elapsed = 0
  /** Device ahead of server, and the error bound; seconds. */
  let skew: { ahead: number; within: number } | undefined
  /** Elapsed time. Never goes back: of wall and steady clock it believes whichever moved further, since one can be set back and the other stops in sleep. */
  const now = () => {
    const wallMoved = wall() - lastWall
    const steadyMoved = steady() - lastSteady
    lastWall += wallMoved
    lastSteady += steadyMoved
    // A jump makes the measured offset worthless, whichever way it went.
    if (Math.abs(wallMoved - steadyMoved) > 2e3) skew = undefined
    elapsed += Math.max(wallMoved, steadyMoved, 0)
    return elapsed
  }
  return [
    now,
    /** Notes a server's time, seen in an answer to what was sent at `sent` (elapsed); a worse measurement never replaces a better one. Gives the server's clock as far as known. */
    (sent: number, serverTime?: number): number => {
      const half = (now() - sent) / 2e3
      const within = half + 1
      // The server cuts its seconds off: on average half a one.
      if (serverTime && !(skew && skew.within < within))
        skew = { ahead: (wall() - serverTime) / 1e3 - half - 0.5, within }
      return wall() - (skew?.ahead ?? 0) * 1e3
    },
    () => skew,
  ] as const
}
