import { unavailable } from './errors.js'

/** A small synchronous store that the tabs of an origin share. */
export interface SharedStore {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}

/** Everything a session takes from outside: clocks, timers, randomness, network, other tabs. Milliseconds. */
export interface Environment {
  /** The wall clock; may jump. */
  wall(): number
  /** A clock that never goes back; may stop during sleep. */
  steady(): number
  /** Uniform in [0, 1). */
  random(): number
  bytes(count: number): Uint8Array
  /** Runs once, later; returns what cancels it. Must not keep a process alive. */
  after(delay: number, run: () => void): () => void
  fetch: typeof fetch
  origin: string | undefined
  shared: SharedStore | undefined
  open(name: string, receive: (message: unknown) => void): { post(message: unknown): void; close(): void } | undefined
  /** Runs under a lock if it can be had within `patience`, and without it otherwise. */
  locked(name: string, patience: number, run: () => Promise<void>): Promise<void>
  hidden(): boolean
  /** `wake`: visible, focused, shown, online, resumed. `touch`: a person's input. False if input cannot be seen. */
  listen(wake: () => void, touch: () => void): { stop: () => void; sees: boolean }
  /** Where the sessions of one page are kept, so that a second of the same name replaces the first. */
  page: object | undefined
}

const HEARING = { passive: true, capture: true }

/** The browser, Node, Deno, Bun, React Native or worker that this runs in. */
export const ambient = (): Environment => {
  const g = globalThis
  const page = typeof document === 'object' ? document : undefined
  return {
    wall: () => Date.now(),
    steady: () => performance.now(),
    random: () => Math.random(),
    bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
    after: (delay, run) => {
      const timer = setTimeout(run, delay)
      ;(timer as { unref?: () => void }).unref?.()
      return () => clearTimeout(timer)
    },
    fetch: (input, init) => g.fetch(input, init),
    origin: g.location?.origin,
    shared: page && storageOf(g),
    open: (name, receive) => {
      if (!page || !g.BroadcastChannel) return
      const channel = new BroadcastChannel(name)
      channel.onmessage = (event) => receive(event.data)
      return { post: (message) => channel.postMessage(message), close: () => channel.close() }
    },
    locked: async (name, patience, run) => {
      const locks = page && g.navigator?.locks
      if (!locks) return run()
      const impatient = new AbortController()
      const timer = setTimeout(() => impatient.abort(), patience)
      let ran: Promise<void> | undefined
      const once = () => {
        clearTimeout(timer)
        ran ??= run()
        return ran
      }
      try {
        await locks.request(name, { signal: impatient.signal }, once)
      } catch {
        await once()
      }
    },
    hidden: () => page?.visibilityState === 'hidden',
    listen: (wake, touch) => {
      const off: Array<() => void> = []
      const hear = (target: EventTarget, names: string, run: () => void) => {
        for (const name of names.split(' ')) {
          target.addEventListener(name, run, HEARING)
          off.push(() => target.removeEventListener(name, run, HEARING))
        }
      }
      if (page) {
        hear(g.window, 'focus pageshow online', wake)
        hear(page, 'visibilitychange resume', () => {
          if (page.visibilityState === 'hidden') return
          touch()
          wake()
        })
        hear(page, 'pointerdown keydown touchstart wheel', touch)
      }
      return { stop: () => off.forEach((stop) => stop()), sees: !!page }
    },
    page,
  }
}

/** `localStorage`, if there is one: reading the property alone throws in some private modes. */
const storageOf = (g: typeof globalThis): SharedStore | undefined => {
  try {
    return g.localStorage ?? undefined
  } catch {
    return
  }
}

/** Runs what may throw, reject or never settle; after 10 s it is aborted and rejects. */
export const withDeadline = <T>(environment: Environment, run: (signal: AbortSignal) => T | Promise<T>): Promise<T> => {
  const stop = new AbortController()
  return new Promise<T>((resolve, reject) => {
    const cancel = environment.after(1e4, () => {
      stop.abort()
      reject(unavailable(0))
    })
    new Promise<T>((done) => done(run(stop.signal))).then(resolve, reject).finally(cancel)
  })
}
