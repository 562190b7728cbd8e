// The loop that follows the feed: snapshot, then the stream, and again from where it stood.
//
// 1. A stream without an event for 3 s is given up: the authority beats every second.
// 2. Between two attempts there is a pause, 0.1 s at first, twice as long each time, at most 1 s.
// 3. A refused cursor costs the cursor; a refused token costs the token.
// 4. A dead key has the keys fetched at once: tokens are signed with another one from now on.

import { type Cursor, isFrame, readEvent, readSnapshot } from '../feed.js'
import { Follower, type Need } from '../follower.js'
import { parseObject } from '../json.js'
import type { ClientToken } from './client.js'
import { badAnswer, DiscoverError } from './error.js'
import { nameOf, type Origin } from './origin.js'
import { rest } from './rest.js'
import { Events } from './sse.js'

const maxSnapshotBytes = 256 * 1024 * 1024
/** Milliseconds. */
const silence = 3_000
const firstPause = 100
const longestPause = 1_000

export interface FeedSourceOptions {
  origin: Origin
  /** Where the feed is not public. */
  token: ClientToken | undefined
  /** Seconds since the epoch. */
  now: () => number
  /** Called after each thing learnt, and after each proof of freshness. */
  learnt: (follower: Follower) => void
  /** Called with each proof of freshness: how many seconds ago we were complete. */
  proved: (age: number) => void
  /** Called when a signing key is said to be dead. */
  keyDied: () => void
  /** Told of each fault; the loop goes on. */
  failed: (error: Error) => void
}

export class FeedSource {
  private readonly options: FeedSourceOptions
  private readonly follower = new Follower()

  constructor(options: FeedSourceOptions) {
    this.options = options
  }

  /** Loads the first snapshot. */
  async begin(): Promise<void> {
    await this.snapshot()
  }

  async follow(signal: AbortSignal): Promise<void> {
    let pause = firstPause
    while (!signal.aborted) {
      try {
        await this.stream()
        pause = firstPause
      } catch (error) {
        if (signal.aborted) return
        this.heed(error)
        this.options.failed(error as Error)
        pause = Math.min(longestPause, pause * 2)
      }
      await rest(pause, signal)
    }
  }

  /** One stream, from its beginning to its end or to a loss that it cannot repair. */
  private async stream(): Promise<void> {
    const { origin, token } = this.options
    const cursor = this.follower.cursor ?? (await this.snapshot())
    const url = origin.own('/v1/feed')
    url.searchParams.set('cursor', `${cursor.epoch}.${cursor.seq}.${cursor.chain}`)
    const silent = new AbortController()
    const wait = () => setTimeout(() => silent.abort(badAnswer(nameOf(url))), silence)
    let timer = wait()
    try {
      const headers = { ...(await token?.header()), accept: 'text/event-stream' }
      const response = await origin.ask(url, { headers }, silent.signal)
      const events = new Events()
      for await (const chunk of response.body ?? []) {
        clearTimeout(timer)
        timer = wait()
        if (events.push(chunk).some((event) => this.take(event, url) !== 'nothing')) return
      }
    } catch (cause) {
      throw cause instanceof DiscoverError
        ? cause
        : new DiscoverError('UNREACHABLE', `${nameOf(url)} broke off`, { cause })
    } finally {
      clearTimeout(timer)
      silent.abort()
    }
  }

  private take(text: string, url: URL): Need {
    const event = readEvent(parseObject(new TextEncoder().encode(text)))
    if (!event) throw badAnswer(nameOf(url))
    const now = this.options.now()
    const need = isFrame(event) ? this.follower.frame(event) : this.follower.heartbeat(event, now)
    if (!isFrame(event) && need === 'nothing') this.options.proved(Math.max(0, now - Number(event.asOf)))
    if (isFrame(event)) {
      this.follower.prune(now)
      if (event.entries.some(({ kind }) => kind === 'K')) this.options.keyDied()
    }
    this.options.learnt(this.follower)
    return need
  }

  private async snapshot(): Promise<Cursor> {
    const { origin, token, now, learnt } = this.options
    const url = origin.own('/v1/feed/snapshot')
    const snapshot = readSnapshot(await origin.json(url, maxSnapshotBytes, { headers: { ...(await token?.header()) } }))
    if (!snapshot) throw badAnswer(nameOf(url))
    this.follower.snapshot(snapshot)
    this.follower.prune(now())
    learnt(this.follower)
    return snapshot
  }

  private heed(error: unknown): void {
    const status = error instanceof DiscoverError ? error.status : undefined
    if (status === 401 || status === 403) this.options.token?.forget()
    else if (status !== undefined && [400, 404, 409, 410, 422].includes(status)) this.follower.cursorRefused()
  }
}
