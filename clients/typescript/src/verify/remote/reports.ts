// Tells the authority which sessions were used, in batches, in the background.
//
// 1. Every 10 s, at most 1,000 sessions in a call, until none is left.
// 2. What was not acknowledged is kept and told again; the authority merges by maximum, so twice does no harm.
// 3. It is told how long ago, not when: no two clocks are compared.

import type { Activity, SessionUsed } from '../activity.js'
import type { ClientToken } from './client.js'
import { DiscoverError } from './error.js'
import type { Origin } from './origin.js'
import { rest } from './rest.js'

/** Milliseconds. */
const every = 10_000
const atMost = 1_000

export interface ReportsOptions {
  origin: Origin
  token: ClientToken
  activity: Activity
  /** Seconds since the epoch. */
  now: () => number
  /** Told of each fault; the loop goes on. */
  failed: (error: Error) => void
}

export class Reports {
  private readonly options: ReportsOptions

  constructor(options: ReportsOptions) {
    this.options = options
  }

  async keepTelling(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await rest(every, signal)
      if (!signal.aborted) await this.tellAll()
    }
  }

  /** Never rejects. */
  async tellAll(): Promise<void> {
    const { activity, token, failed } = this.options
    for (;;) {
      const used = activity.take(atMost)
      if (used.length === 0) return
      try {
        await this.tell(used)
      } catch (error) {
        activity.giveBack(used)
        if (error instanceof DiscoverError && (error.status === 401 || error.status === 403)) token.forget()
        return failed(error as Error)
      }
    }
  }

  private async tell(used: readonly SessionUsed[]): Promise<void> {
    const { origin, token, now } = this.options
    const sessions = used.map(([id, at]) => ({ id, idle_for: Math.max(0, Math.trunc(now() - at)) }))
    await origin.tell(origin.own('/v1/activity'), {
      method: 'POST',
      headers: { ...(await token.header()), 'content-type': 'application/json' },
      body: JSON.stringify({ sessions }),
    })
  }
}
