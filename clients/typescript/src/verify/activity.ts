import type { Claims } from './claims.js'

/** So many sessions are kept between two reports: a flood of them costs idle time, never memory. */
const atMost = 100_000

/** A session that was used, and when: seconds since the epoch. */
export type SessionUsed = readonly [session: string, at: number]

/** Which sessions were used since somebody last told the authority (policies with `activity = "request"`). */
export class Activity {
  private readonly seen = new Map<string, number>()

  /** Machines' tokens have no session. */
  note({ sessionId }: Pick<Claims, 'sessionId'>, at: number): void {
    if (sessionId === undefined) return
    const known = this.seen.get(sessionId)
    if (known === undefined && this.seen.size >= atMost) return
    this.seen.set(sessionId, Math.max(at, known ?? at))
  }

  /** Gives so many at most, and forgets them. */
  take(count: number): SessionUsed[] {
    const taken: SessionUsed[] = []
    for (const used of this.seen) {
      if (taken.length === count) break
      taken.push(used)
    }
    for (const [session] of taken) this.seen.delete(session)
    return taken
  }

  /** Takes back what could not be told. */
  giveBack(used: readonly SessionUsed[]): void {
    for (const [sessionId, at] of used) this.note({ sessionId }, at)
  }
}

/** Whether what is said of a request makes it one that no person made: `Prolong-Activity: background`. */
export const isBackground = (field: string | null | undefined): boolean => field?.trim().toLowerCase() === 'background'
