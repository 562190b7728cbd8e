import type { Environment } from './environment.js'
import type { Reason } from './generated/codes.js'

/** A tab of the simulated world: hand `environment` to `prolong`. */
export interface Tab {
  environment: Environment
  hide(): void
  show(): void
  /** A person's input. */
  input(): void
  /** No timer runs and nothing is heard until thawed. */
  freeze(): void
  thaw(): void
  /** As if the tab were closed: nothing of it runs any more. */
  close(): void
}

/** How the network treats the next requests. */
export type Weather = 'fine' | 'offline' | 'lose-response' | 'hang' | { status: number; retryAfter?: number }

interface Timer {
  at: number
  run: () => void
  tab: Inner
}

interface Inner {
  frozen: boolean
  closed: boolean
  held: Array<() => void>
}

/** The storage as a tab sees it, and the number of the write that each key is of. */
interface Copy {
  tab: Inner
  items: Map<string, string>
  newest: Map<string, number>
}

/** A request as the simulated network saw it. */
export interface Seen {
  at: number
  url: string
  authorization: string | null
  body: string
}

/**
 * A world with its own time: tabs, sleep, clocks that jump, a network that loses answers, and an authority with
 * rotating refresh tokens and attempt ids. Nothing in it takes real time.
 */
export class World {
  /** Virtual milliseconds since the start. */
  time = 0
  /** Device clock minus true time, milliseconds. */
  skew = 0
  weather: Weather = 'fine'
  /** Life of access tokens, seconds. */
  life = 900
  /** How long the authority forgives a predecessor that another renewal replaced, seconds; 0 is the strictest policy. */
  grace = 0
  /** Milliseconds per request. */
  latency = 20
  locks: 'working' | 'absent' | 'frozen' = 'working'
  storageFails = false
  /** Milliseconds until a tab sees what another wrote into storage: in browsers, processes keep copies. */
  storageLag = 0
  /** Requests that reached the token endpoint. */
  readonly renewals: Seen[] = []
  readonly requests: Seen[] = []
  readonly shared = new Map<string, string>()
  /** Set to refuse every renewal. */
  refusal: Reason | undefined
  generation = 1
  /** Answers API requests; default: 200 for the newest token, else 401 `EXPIRED_TOKEN`. */
  api: (request: Request) => Response | Promise<Response> = (request) =>
    request.headers.get('Authorization') === `Bearer ${this.access}`
      ? new Response('ok')
      : Response.json({ code: 'EXPIRED_TOKEN', action: 'renew' }, { status: 401 })
  #timers: Timer[] = []
  #asleep = 0
  #seed: number
  #channels = new Map<string, Set<{ tab: Inner; receive: (message: unknown) => void }>>()
  #attempt: string | undefined
  #rotated = 0
  #minted = 1
  #start = 1_800_000_000_000

  constructor(seed = 1) {
    this.#seed = seed
  }

  /** The newest access token. */
  get access(): string {
    return `access-${this.generation}-${this.#minted}`
  }

  /** A token answer as the authority gives it now. */
  answer(): Record<string, unknown> & { access_token: string } {
    return {
      access_token: this.access,
      token_type: 'Bearer',
      expires_in: this.life,
      refresh_token: `refresh-${this.generation}`,
      server_time: Math.floor((this.#start + this.time) / 1e3),
      session: { id: 'one', generation: this.generation },
    }
  }

  tab(origin = 'https://app.example.com'): Tab {
    const inner: Inner = { frozen: false, closed: false, held: [] }
    let hidden = false
    const wakers = new Set<() => void>()
    const touchers = new Set<() => void>()
    const alive = (run: () => void) => {
      if (inner.closed) return
      if (inner.frozen) inner.held.push(run)
      else run()
    }
    const all = (runs: Set<() => void>) => [...runs].forEach((run) => alive(run))
    const copy: Copy = { tab: inner, items: new Map(this.shared), newest: new Map() }
    this.#copies.add(copy)
    const usable = () => {
      if (this.storageFails) throw new DOMException('quota', 'QuotaExceededError')
    }
    const write = (key: string, act: (items: Map<string, string>) => void) => {
      usable()
      act(this.shared)
      const order = ++this.#writes
      const apply = ({ items, newest }: Copy) => {
        // Late news of what was overwritten here since.
        if (order < (newest.get(key) ?? 0)) return
        newest.set(key, order)
        act(items)
      }
      for (const each of this.#copies)
        if (each === copy || !this.storageLag) apply(each)
        else this.#after(this.storageLag, () => apply(each), each.tab)
    }
    const environment: Environment = {
      wall: () => this.#start + this.time + this.skew,
      steady: () => this.time - this.#asleep,
      random: () => this.#random(),
      after: (delay, run) => this.#after(delay, run, inner),
      fetch: (input, init) => this.#fetch(new Request(input, init), inner),
      origin,
      base: origin,
      shared: {
        getItem: (key) => {
          usable()
          return copy.items.get(key) ?? null
        },
        setItem: (key, value) => write(key, (items) => items.set(key, value)),
        removeItem: (key) => write(key, (items) => items.delete(key)),
      },
      open: (name, receive) => {
        const listeners = this.#channels.get(name) ?? new Set()
        this.#channels.set(name, listeners)
        const me = { tab: inner, receive: (message: unknown) => alive(() => receive(message)) }
        listeners.add(me)
        return {
          postMessage: (message) => {
            const copy = structuredClone(message)
            if (inner.closed) return
            for (const other of listeners) if (other !== me) this.#after(1, () => other.receive(copy), other.tab)
          },
          close: () => void listeners.delete(me),
        }
      },
      locked: async (_name, patience, run) => {
        if (this.locks === 'frozen') await new Promise<void>((done) => this.#after(patience, done, inner))
        if (this.locks !== 'working') return run()
        const before = this.#lock
        const mine = Promise.race([before, new Promise<void>((done) => this.#after(patience, done, inner))]).then(run)
        this.#lock = mine.catch(() => {})
        return mine
      },
      hidden: () => hidden,
      listen: (wake, touch) => {
        wakers.add(wake)
        touchers.add(touch)
        return () => {
          wakers.delete(wake)
          touchers.delete(touch)
        }
      },
      page: {},
    }
    this.#wakers.add(() => all(wakers))
    return {
      environment,
      hide: () => {
        hidden = true
      },
      show: () => {
        hidden = false
        all(touchers)
        all(wakers)
      },
      input: () => all(touchers),
      freeze: () => {
        inner.frozen = true
      },
      thaw: () => {
        inner.frozen = false
        inner.held.splice(0).forEach((run) => run())
      },
      close: () => {
        inner.closed = true
      },
    }
  }

  #copies = new Set<Copy>()
  #writes = 0
  #lock: Promise<unknown> = Promise.resolve()
  #wakers = new Set<() => void>()

  /** The network is back, and every tab hears of it. */
  online(): void {
    this.weather = 'fine'
    for (const wake of this.#wakers) wake()
  }

  /** Lets so many seconds pass. */
  async pass(seconds: number): Promise<void> {
    const end = this.time + seconds * 1e3
    await settle()
    for (;;) {
      const next = this.#timers.reduce<Timer | undefined>((a, b) => (!a || b.at < a.at ? b : a), undefined)
      if (!next || next.at > end) break
      this.#timers.splice(this.#timers.indexOf(next), 1)
      this.time = Math.max(this.time, next.at)
      next.run()
      await settle()
    }
    this.time = end
    await settle()
  }

  /** The device sleeps: time passes, no timer runs, the steady clock stands. */
  async sleep(seconds: number): Promise<void> {
    this.time += seconds * 1e3
    this.#asleep += seconds * 1e3
    for (const timer of this.#timers) timer.at += seconds * 1e3
    await settle()
  }

  /** Waits for a promise while time passes, at most so many seconds. */
  async until<T>(promise: Promise<T>, seconds = 60): Promise<T> {
    let done = false
    promise.then(
      () => {
        done = true
      },
      () => {
        done = true
      },
    )
    const end = this.time + seconds * 1e3
    await settle()
    while (!done && this.time < end) await this.pass(0.01)
    if (!done) throw new Error(`simulator: nothing came of it in ${seconds} s`)
    return promise
  }

  #random(): number {
    this.#seed = (Math.imul(this.#seed, 1664525) + 1013904223) >>> 0
    return this.#seed / 2 ** 32
  }

  #after(delay: number, run: () => void, tab: Inner): () => void {
    // As browsers have it: what does not fit 31 bits fires at once.
    const timer: Timer = { at: this.time + (delay > 2147483647 || !(delay > 0) ? 1 : delay), run: () => {}, tab }
    timer.run = () => {
      if (tab.closed) return
      if (tab.frozen) tab.held.push(run)
      else run()
    }
    this.#timers.push(timer)
    return () => {
      const at = this.#timers.indexOf(timer)
      if (at >= 0) this.#timers.splice(at, 1)
    }
  }

  async #fetch(request: Request, tab: Inner): Promise<Response> {
    const url = new URL(request.url)
    const body = request.body ? await request.clone().text() : ''
    const seen: Seen = { at: this.time, url: request.url, authorization: request.headers.get('Authorization'), body }
    const token = url.pathname === '/oauth/token'
    this.requests.push(seen)
    if (token) this.renewals.push(seen)
    const wait = () => new Promise<void>((done) => this.#after(this.latency, done, tab))
    const weather = this.weather
    if (weather === 'offline') {
      await wait()
      throw new TypeError('fetch failed')
    }
    if (weather === 'hang') return new Promise(() => {})
    if (typeof weather === 'object') {
      await wait()
      return new Response('', {
        status: weather.status,
        headers: weather.retryAfter ? { 'Retry-After': String(weather.retryAfter) } : {},
      })
    }
    await wait()
    const answer = token
      ? this.#token(new URLSearchParams(body))
      : url.origin === 'https://auth.example.com'
        ? new Response(null, { status: 204 })
        : await this.api(request)
    await wait()
    if (weather === 'lose-response') throw new TypeError('fetch failed')
    return answer
  }

  /** Rotation as the authority has it: a predecessor is forgiven to the attempt that replaced it, and to others within `grace`. */
  #token(form: URLSearchParams): Response {
    const refuse = (reason: Reason) =>
      Response.json({ error: 'invalid_grant', reason, action: 'sign_in' }, { status: 400 })
    if (this.refusal) return refuse(this.refusal)
    const generation = Number(form.get('refresh_token')?.split('-')[1] ?? this.generation)
    const attempt = form.get('attempt_id') ?? undefined
    const retry = attempt !== undefined && attempt === this.#attempt
    if (generation === this.generation) {
      this.generation++
      this.#attempt = attempt
      this.#rotated = this.time
    } else if (generation !== this.generation - 1 || !(retry || this.time - this.#rotated < this.grace * 1e3)) {
      this.refusal = 'reuse_detected'
      return refuse('reuse_detected')
    }
    this.#minted++
    return Response.json(this.answer())
  }
}

/** Lets everything run that waits on nothing but promises. `Request` bodies are read in macrotasks. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn++) {
    for (let tick = 0; tick < 30; tick++) await undefined
    await new Promise<void>((done) => soon(done))
  }
}

/** One macrotask, without the 4 ms that nested `setTimeout`s cost. */
const soon: (run: () => void) => void =
  (globalThis as { setImmediate?: (run: () => void) => void }).setImmediate ?? ((run) => void setTimeout(run, 0))
