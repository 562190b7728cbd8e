import type { Environment } from './environment.js'
import type { Meant } from './options.js'
import type { Packed } from './tabs.js'
import type { Held } from './tokens.js'
import type { RenewContext, Session, TokenStorage } from './types.js'

const PAGE = Symbol.for('prolong')
const GAP = 5e3

/** What outlives a page: tokens where the app asked for it, and three facts that are no secrets: attempt id, gate, tombstone. */
export const remember = (environment: Environment, { name, storage }: Meant) => {
  const key = (what: string) => `prolong:${name}:${what}`
  const fallback = new Map<string, string>()
  // Every access may throw: quota, private mode, blocked by the user. Memory then does.
  const get = (what: string): string | null => {
    try {
      return environment.shared?.getItem(key(what)) ?? fallback.get(what) ?? null
    } catch {
      return fallback.get(what) ?? null
    }
  }
  const set = (what: string, value?: string) => {
    if (value === undefined) fallback.delete(what)
    else fallback.set(what, value)
    try {
      if (value === undefined) environment.shared?.removeItem(key(what))
      else environment.shared?.setItem(key(what), value)
    } catch {}
  }
  const kept: TokenStorage | undefined =
    typeof storage === 'object' ? storage : storage === 'local' ? environment.shared : undefined
  // In order: a removal must not be overtaken by the write before it.
  let queue: Promise<unknown> = Promise.resolve()
  const later = (run: () => unknown): Promise<void> => {
    queue = queue.then(run).catch(() => {})
    return queue as Promise<void>
  }
  let pending: string | undefined
  const pages = environment.page as { [PAGE]?: Map<string, Session> } | undefined
  return {
    load: async (unpack: (packed: Packed) => Held | undefined): Promise<Held | undefined> => {
      let found: string | null | undefined
      await later(async () => {
        found = await kept?.getItem(key('tokens'))
      })
      return found ? unpack(found) : undefined
    },
    save: (packed: Packed) => later(() => kept?.setItem(key('tokens'), packed)),
    forget: () => {
      set('attempt')
      pending = undefined
      void later(() => kept?.removeItem(key('tokens')))
    },
    /** The id of the renewal that is under way, here or in a tab that closed, or a new one, stored before it is sent. */
    attempt: (): string => {
      const id = get('attempt') ?? pending ?? base64url(environment.bytes(16))
      pending = id
      set('attempt', id)
      return id
    },
    attemptDone: (id?: string) => {
      pending = undefined
      if (!id || get('attempt') === id) set('attempt')
    },
    closeGate: () => set('gate', String(environment.wall())),
    /** When, in elapsed time, another tab's renewal is 5 s old. A gate from the future (clock set back) counts for nothing. */
    sharedGate: (now: number): number => {
      const age = environment.wall() - Number(get('gate') ?? -1 / 0)
      return age >= 0 && age < GAP ? now + GAP - age : 0
    },
    /** Signed out, and the server does not know yet: its cookie must not resume the session. */
    bury: () => set('ended', '1'),
    buried: () => set('ended'),
    tombstone: () => get('ended') !== null,
    /** One scheduler per page and name: StrictMode and hot reload make seconds. */
    replace: (session: Session) => {
      if (!pages) return
      pages[PAGE] ??= new Map()
      pages[PAGE].get(name)?.dispose()
      pages[PAGE].set(name, session)
    },
    leave: (session: Session) => {
      if (pages?.[PAGE]?.get(name) === session) pages[PAGE].delete(name)
    },
  }
}

export const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=/g, '')

export const fetchContext = (
  held: Held | undefined,
  attemptId: string,
  idleFor: number | undefined,
  signal: AbortSignal,
  fetch: RenewContext['fetch'],
): RenewContext => ({ refreshToken: held?.refresh, accessToken: held?.access, attemptId, idleFor, signal, fetch })
