import { Keys, maxJwksBytes, phraseOf } from '../keys.js'
import { DiscoverError } from './error.js'
import type { Origin } from './origin.js'
import { rest } from './rest.js'

/** Milliseconds. */
const refresh = 5 * 60_000
const retry = 30_000
const cooldown = 30_000

/** Whether the issuer could be asked because of an unknown `kid`. */
export type Refetched = 'current' | 'failed'

/**
 * Fetches an issuer's keys: every 5 minutes, and where a token names an unknown one, at most once in 30 s; at once if a key died.
 * A fetch that failed has told nothing, and those tokens may be good: the next is made a second later, then two, four …
 */
export class KeySource {
  private readonly origin: Origin
  private readonly url: URL
  private readonly place: (keys: Keys) => void
  private last: { at: number; outcome: Promise<Refetched> } | undefined
  /** How often asking has failed since it worked. */
  private failures = 0

  /** `place` is given every good set. */
  constructor(origin: Origin, url: URL, place: (keys: Keys) => void) {
    this.origin = origin
    this.url = url
    this.place = place
  }

  /** An issuer without any usable key counts as a fault. */
  async fetch(): Promise<void> {
    const document = await this.origin.bytes(this.url, maxJwksBytes)
    let keys: Keys
    try {
      keys = await Keys.fromJwks(document)
    } catch (cause) {
      throw new DiscoverError('BAD_KEYS', (cause as Error).message, { cause })
    }
    if (keys.size === 0) {
      const why = ['the issuer publishes no key that can be used', ...keys.leftOut.map(phraseOf)].join('; ')
      throw new DiscoverError('BAD_KEYS', why)
    }
    this.place(keys)
  }

  /** Asks once for all who wait, and answers from memory until the pause is over. */
  refetch(): Promise<Refetched> {
    if (!this.last || performance.now() - this.last.at >= restAfter(this.failures)) return this.ask()
    return this.last.outcome
  }

  /** A key is dead: fetches its successor, however lately the keys were fetched. Who meets an unknown key meanwhile waits. */
  succeed(): void {
    void this.ask()
  }

  /** One after the other, so that the answer that counts is the newest. */
  private ask(): Promise<Refetched> {
    const before = this.last?.outcome ?? Promise.resolve()
    const outcome = before
      .then(() => this.fetch())
      .then<Refetched, Refetched>(
        () => {
          this.failures = 0
          return 'current'
        },
        () => {
          this.failures++
          return 'failed'
        },
      )
      .finally(() => {
        // It may have taken long, and whoever waited has its answer: the pause begins now.
        if (this.last?.outcome === outcome) this.last.at = performance.now()
      })
    this.last = { at: Number.POSITIVE_INFINITY, outcome }
    return outcome
  }

  async keepFresh(signal: AbortSignal): Promise<void> {
    let pause = refresh
    for (;;) {
      await rest(pause, signal)
      if (signal.aborted) return
      pause = await this.fetch().then(
        () => refresh,
        () => retry,
      )
    }
  }
}

/** How long after a fetch the next unknown key is not asked for, in milliseconds. */
export const restAfter = (failures: number): number =>
  failures === 0 ? cooldown : Math.min(cooldown, 1_000 * 2 ** (failures - 1))
