// Following the feed (docs/reference/feed.md), without I/O: what to apply, what to ask for next, and how fresh that is.
//
// 1. A frame is applied only if it begins right after the last entry, has no holes, and its chain holds; all or nothing.
// 2. A gap asks for the range; a range that does not fit either, or another epoch or chain, asks for a snapshot.
// 3. A snapshot is merged by union: what was learnt stays until it is over, whatever the snapshot lacks.
// 4. Freshness moves only by a heartbeat whose head and chain are ours, and never backwards.
// 5. An entry of an unknown kind is passed over and the verifier stays stale from then on: stale, never blind.

import { type Cursor, type Entry, extend, type Frame, follows, type Heartbeat, type Snapshot } from './feed.js'
import { Revoked } from './revoked.js'

/** What the I/O side should do next: go on reading, fetch what comes after the cursor, or fetch a snapshot. */
export type Need = 'nothing' | 'range' | 'snapshot'

/** The state of one follower. */
export class Follower {
  private at: Cursor | undefined
  private known = new Revoked()
  private freshAsOf: number | undefined
  private metUnknownKind = false
  private rangeFailed = false

  /** Learns a snapshot. It says nothing of freshness: it may come from a cache. */
  snapshot({ epoch, seq, chain, salt, entries }: Snapshot): void {
    const before = this.known
    this.known = new Revoked(salt)
    this.learn(entries)
    this.known.merge(before)
    this.at = { epoch, seq, chain }
    this.rangeFailed = false
  }

  /** Applies a frame of the current epoch, or says what is missing. */
  frame({ first, last, chain: promised, entries }: Frame): Need {
    if (!this.at) return 'snapshot'
    if (last <= this.at.seq) return 'nothing' // seen already
    if (!follows(first, this.at.seq)) return this.behind()
    const whole =
      BigInt(entries.length) === BigInt(last) - BigInt(first) + 1n &&
      entries.every(({ seq }, index) => BigInt(seq) === BigInt(first) + BigInt(index))
    if (!whole || entries.reduce(extend, this.at.chain) !== promised) return this.lost()
    this.at = { epoch: this.at.epoch, seq: last, chain: promised }
    this.rangeFailed = false
    this.learn(entries)
    return 'nothing'
  }

  /**
   * Takes a heartbeat: proof of freshness if we are at the head, as of then, but never later than `now`: an authority whose
   * clock is ahead must not hide that it has gone silent.
   */
  heartbeat({ head, chain, asOf }: Heartbeat, now: number): Need {
    if (!this.at) return 'snapshot'
    if (head > this.at.seq) return this.behind()
    if (head < this.at.seq || chain !== this.at.chain) return this.lost()
    const fresh = asOf < now ? Number(asOf) : now
    this.freshAsOf = Math.max(fresh, this.freshAsOf ?? fresh)
    return 'nothing'
  }

  /** The authority did not accept our cursor: another epoch, or a chain that it does not know. */
  cursorRefused(): Need {
    return this.lost()
  }

  /** Forgets what is over. `now` is in seconds since the epoch. */
  prune(now: number): void {
    this.known.prune(now)
  }

  /** What is revoked, as far as is known. It goes on learning. */
  get revoked(): Revoked {
    return this.known
  }

  /** Where we stand; `undefined` before the first snapshot and after the cursor was lost. */
  get cursor(): Cursor | undefined {
    return this.at
  }

  /** As of which second the state is known to be complete; `undefined`: it never was, or an unknown kind came. */
  get fresh(): number | undefined {
    return this.metUnknownKind ? undefined : this.freshAsOf
  }

  private learn(entries: readonly Entry[]): void {
    for (const entry of entries) if (!this.known.apply(entry)) this.metUnknownKind = true
  }

  /** First the range; if we are still behind after it, a snapshot. */
  private behind(): Need {
    if (this.rangeFailed) return this.lost()
    this.rangeFailed = true
    return 'range'
  }

  private lost(): Need {
    this.at = undefined
    return 'snapshot'
  }
}
