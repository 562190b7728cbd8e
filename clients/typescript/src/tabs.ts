import type { Clock } from './clock.js'
import type { Environment } from './environment.js'
import type { EndReason } from './errors.js'
import type { Held } from './tokens.js'

/** Tokens as they travel to other tabs and into storage: instants relative to `wall`, JSON (infinity is null). */
export type Packed = string

type Message =
  | { kind: 'tokens'; held: Packed }
  | { kind: 'ended'; reason: EndReason }
  | { kind: 'trying' | 'hello' }
  | { kind: 'input'; ago: number }

interface Hearing {
  tokens(held: Held): void
  ended(reason: EndReason): void
  trying(): void
  hello(): void
  input(ago: number): void
}

const INSTANTS = ['at', 'expires', 'renewAt', 'idleEnds', 'lifetimeEnds'] as const

/** The other tabs of the session. Nothing here is needed for correctness: the server makes renewals idempotent. */
export const tabsOf = (environment: Environment, name: string, clock: Clock, hearing: Hearing) => {
  const pack = (held: Held): Packed => {
    const packed: Record<string, unknown> = { ...held, wall: environment.wall() }
    for (const instant of INSTANTS) packed[instant] = held[instant] - clock.now()
    return JSON.stringify(packed)
  }
  const unpack = (packed: Packed): Held | undefined => {
    try {
      const found = JSON.parse(packed) as Held & { wall: number }
      if (typeof found.access !== 'string') return
      // A clock set back since: how old this is cannot be known, so it counts as expired.
      const age = environment.wall() - found.wall
      for (const instant of INSTANTS)
        found[instant] = clock.now() + (found[instant] ?? 1 / 0) - (age < -2e3 ? 1e12 : Math.max(age, 0))
      found.life ??= 1 / 0
      return found
    } catch {
      return
    }
  }
  const channel = environment.open(`prolong:${name}`, (data) => {
    const message = data as Message
    if (message?.kind === 'tokens') {
      const held = unpack(message.held)
      if (held) hearing.tokens(held)
    } else if (message?.kind === 'ended') hearing.ended(message.reason)
    else if (message?.kind === 'input') hearing.input(message.ago)
    else if (message) hearing[message.kind]?.()
  })
  let open = true
  return {
    pack,
    unpack,
    post: (message: Message) => {
      if (open) channel?.post(message)
    },
    close: () => {
      open = false
      channel?.close()
    },
  }
}
