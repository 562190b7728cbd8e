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
  /** Runs once, later; returns what cancels it. Must not keep a process alive. */
  after(delay: number, run: () => void): () => void
  fetch: typeof fetch
  /** The page's own. */
  origin: string | undefined
  /** What `fetch` resolves relative addresses against: not always below `origin` (`<base href>`). */
  readonly base: string | undefined
  /** Reading it may throw, as some private modes have it. */
  readonly shared: SharedStore | undefined
  open(
    name: string,
    receive: (message: unknown) => void,
  ): { postMessage(message: unknown): void; close(): void } | undefined
  /** Runs under a lock if it can be had within `patience`, and without it otherwise. */
  locked(name: string, patience: number, run: () => Promise<void>): Promise<void>
  hidden(): boolean
  /** `wake`: visible, focused, shown, online, resumed. `touch`: a person's input. Returns what stops it; nothing where input cannot be seen. */
  listen(wake: () => void, touch: () => void): (() => void) | undefined
  /** Where the sessions of one page are kept, so that a second of the same name replaces the first. */
  page: object
}

/** The browser, Node, Deno, Bun, React Native or worker that this runs in. */
export const ambient = (): Environment => {
  const g = globalThis
  const page = g.document as Document | undefined
  const hidden = () => !!page?.hidden
  return {
    wall: Date.now,
    steady: () => performance.now(),
    random: Math.random,
    after: (delay, run) => {
      const timer = setTimeout(run, delay)
      ;(timer as { unref?: () => void }).unref?.()
      return () => clearTimeout(timer)
    },
    fetch: (...request) => g.fetch(...request),
    origin: g.location?.origin,
    get base() {
      return page?.baseURI ?? g.location?.href
    },
    get shared() {
      return page && g.localStorage
    },
    open: (name, receive) => {
      const channel = page && g.BroadcastChannel && new BroadcastChannel(name)
      if (channel) channel.onmessage = ({ data }) => receive(data)
      return channel
    },
    locked: (name, patience, run) => {
      let ran: Promise<void> | undefined
      const once = () => (ran ??= run())
      const locks = page && g.navigator.locks
      return locks ? locks.request(name, { signal: AbortSignal.timeout(patience) }, once).catch(once) : once()
    },
    hidden,
    listen: (wake, touch) => {
      if (!page) return
      const stop = new AbortController()
      const hear = (names: string, run: () => void) => {
        for (const name of names.split(' '))
          g.addEventListener(name, run, { capture: true, passive: true, signal: stop.signal })
      }
      // The order matters: what becomes visible is no longer idle when it wakes.
      hear('pointerdown keydown wheel visibilitychange resume', () => hidden() || touch())
      hear('focus pageshow online visibilitychange resume', wake)
      return () => stop.abort()
    },
    page: page ?? {},
  }
}
