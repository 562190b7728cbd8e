import type { Environment } from './environment.js'

/** Time that passed, and how far the server's clock is from ours. Milliseconds. */
export interface Clock {
  /** Elapsed time. Never goes back: of wall and steady clock it believes whichever moved further, since one can be set back and the other stops in sleep. */
  now(): number
  /** Notes a server's time, seconds, seen between two instants of `wall`; a worse measurement never replaces a better one. */
  measure(serverTime: number, sent: number, received: number): void
  /** The server's clock as far as known, seconds. */
  server(): number
  /** Device ahead of server, and the error bound; seconds. */
  skew(): { ahead: number; within: number } | undefined
}

export const clockOf = (environment: Environment): Clock => {
  let wall = environment.wall()
  let steady = environment.steady()
  let elapsed = 0
  let offset: { by: number; within: number } | undefined
  const now = () => {
    const wallMoved = environment.wall() - wall
    const steadyMoved = environment.steady() - steady
    wall += wallMoved
    steady += steadyMoved
    // A jump makes the measured offset worthless, whichever way it went.
    if (Math.abs(wallMoved - steadyMoved) > 2e3) offset = undefined
    elapsed += Math.max(wallMoved, steadyMoved, 0)
    return elapsed
  }
  return {
    now,
    measure(serverTime, sent, received) {
      now()
      const within = Math.abs(received - sent) / 2 + 1e3
      if (!offset || within <= offset.within) offset = { by: serverTime * 1e3 + 500 - (sent + received) / 2, within }
    },
    server: () => (environment.wall() + (offset?.by ?? 0)) / 1e3,
    skew: () => offset && { ahead: -offset.by / 1e3, within: offset.within / 1e3 },
  }
}
