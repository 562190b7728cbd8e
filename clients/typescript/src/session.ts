import { GAP, MOST, NEVER, waitFor } from './budget.js'
import { clockOf } from './clock.js'
import { ambient } from './environment.js'
import { type EndReason, fault, isProlongError, must, type ProlongError, unavailable } from './errors.js'
import type { Reason } from './generated/codes.js'
import { checked } from './options.js'
import { storeOf } from './store.js'
import { type Held, heldOf, mandatory, olderThan } from './tokens.js'
import type { Events, Options, RenewContext, Session } from './types.js'
import { challenged } from './verdict.js'

/** Timers are hints: none is armed for longer. */
const SLICE = 3e4
const QUIET = 6e4

type Message = ['tokens', string] | ['ended', { reason: EndReason; signedIn: number }] | ['trying' | 'hello' | 'input']

/** Makes a session that prolongs itself. */
export const prolong = (given: Options): Session => {
  const options = checked(given)
  const { name, idle, warn, signal } = options
  const environment = options.environment ?? ambient()
  const { after, wall, steady, random, fetch } = environment
  const [now, server, skew] = clockOf(environment)
  const shared = `prolong:${name}`
  const origins: readonly (string | undefined)[] = options.origins ?? [environment.origin]
  const [notes, load, save, unsaved] = storeOf(environment, shared, options.storage)
  const { get, set } = notes

  let held: Held | undefined
  /** Why the session is over, once it is. */
  let over: EndReason | undefined
  let disposed = false
  let flight: Promise<void> | undefined
  /** Counts ends and sign-ins: what was begun in an earlier era must not change this one. */
  let era = 0
  /** The sign-in that ended last: tokens of it, however late, bring nothing back. */
  let endedAt = 0
  /** What the server needs to be told of the end, until it was. */
  let owed: Partial<Held> | undefined

  const seconds = (milliseconds: number) => (milliseconds < 1e14 ? Math.round(milliseconds / 1e3) : 1 / 0)
  const left = () => (held ? held.times[1] - now() : 0)

  // What happened, and who wants to know.

  const listeners: Record<string, Set<(event: never) => void>> = {}
  let log: readonly string[] = []
  const note = (what: string) => {
    log = [...log, `${seconds(now())} ${what}`].slice(-50)
  }
  const emit = <Name extends keyof Events>(event: Name, details: Events[Name]) => {
    note(event)
    // Each by itself: a listener's fault is its owner's, must not stop the session, and is reported as an unhandled rejection.
    for (const listener of listeners[event] ?? []) void Promise.resolve(details as never).then(listener)
  }

  // When renewals may start.

  let attempts: readonly number[] = []
  /** When the newest token came, in the steady time that attempts are counted in: the sleep of a night must not age it. */
  let born = 0
  let failures = 0
  let lastError: ProlongError | undefined
  let roundTrip = 0
  /** Back-off, which a waking page need not wait for; and what the server asked for, which it must. */
  let backOff = 0
  let notBefore = 0
  const settled = () => {
    failures = backOff = notBefore = 0
    lastError = undefined
  }
  const attempted = () => {
    attempts = [...attempts, steady()].slice(-MOST)
  }
  /** Milliseconds. The budget counts in steady time: a wall clock set forward must not shorten a gap. */
  const wait = () => {
    if (over || disposed) return NEVER
    // Another page's renewal. None, or one from the future (clock set back), counts for nothing.
    const ago = wall() - +get('gate')!
    return Math.max(
      0,
      backOff - now(),
      notBefore - now(),
      ago >= 0 ? GAP - ago : 0,
      waitFor(attempts, steady(), born, held?.life ?? NEVER, left()),
    )
  }

  // The person.

  let lastInput = now()
  let toldInput = -NEVER
  let sees = false
  const seen = () => {
    sees = true
    lastInput = now()
  }
  const touch = () => {
    seen()
    if (lastInput - toldInput < 1e3) return
    toldInput = lastInput
    post(['input'])
  }
  const sleeping = () => environment.hidden() && now() - lastInput > QUIET
  const stay = async () => {
    touch()
    await renew('stay')
  }

  // Tokens.

  const pack = () => JSON.stringify({ ...held, now: now(), wall: wall() })
  const unpack = (packed: string | null | undefined) => {
    try {
      const found = JSON.parse(packed!) as Held & { now: number; wall: number }
      // A clock set back since: how old this is cannot be known, so it counts as expired.
      const age = wall() - found.wall
      const shift = now() - found.now - (age < -2e3 ? 1e12 : Math.max(age, 0))
      found.times = found.times.map((instant) => instant + shift) as Held['times']
      // Anything may have been written there: no budget is safe from what is no number, nothing from what is no string.
      found.access.trim()
      if ([found.life, found.generation, found.signedIn, ...found.times].every(Number.isFinite)) take(found)
    } catch {}
  }
  /** Takes newer tokens, here or from elsewhere; false if what is held is newer, or they are of a session that ended. */
  const take = (next: Held) => {
    if (!olderThan(held, next) || next.signedIn <= endedAt) return false
    over = undefined
    held = next
    born = steady()
    emit('renewed', { generation: next.generation, expiresIn: seconds(left()) })
    arm()
    return true
  }
  const share = () => {
    if (held) post(['tokens', pack()])
  }
  const accept = (answer: unknown, sent: number, signedIn: number, fresh = true) => {
    const previous = held?.signedIn === signedIn ? held : undefined
    if (take(heldOf(answer, sent, signedIn, previous, server, fresh, options.lead, roundTrip, random()))) share()
  }
  const begin = async (answer: () => unknown, fresh = true) => {
    await ready
    if (disposed) guard()
    const sent = now()
    const given = await answer()
    accept(given, sent, Math.max(wall(), endedAt + 1, (held?.signedIn ?? 0) + 1), fresh)
    era++
    owed = undefined
    settled()
    touch()
    set('ended')
    await keep()
  }
  /** Only once the tokens are stored: until then, the id belongs to those that are. */
  const keep = async () => {
    await save(pack())
    set('attempt', options.attempt?.())
  }
  const finish = (reason: EndReason, signedIn?: number) => {
    if (over) return
    era++
    endedAt = signedIn ?? held?.signedIn ?? wall()
    if (!signedIn) post(['ended', { reason, signedIn: endedAt }])
    held = undefined
    over = reason
    void save()
    arm()
    emit('ended', { reason })
  }
  /** Ends the session from here, and tells the server: now, or when it can be reached. */
  const close = (reason: EndReason) => {
    owed = held ?? {}
    set('ended', '1')
    finish(reason)
    return tell()
  }
  const tell = () =>
    timely(async (signal) => {
      const mine = owed
      await options.end?.(context(signal, mine))
      if (owed === mine) {
        owed = undefined
        set('ended')
      }
    }).catch(() => {})

  // Renewals.

  const context = (signal: AbortSignal, of: Partial<Held> = held ?? {}): RenewContext => ({
    refreshToken: of.refresh,
    accessToken: of.access,
    idleFor: sees || stopListening ? Math.floor((now() - lastInput) / 1e3) : undefined,
    notes,
    signal,
    fetch,
  })
  /** Runs what may throw, reject or never settle; after 10 s it is aborted and rejects. */
  const timely = <T>(run: (signal: AbortSignal) => T | Promise<T>) => {
    const stop = new AbortController()
    return new Promise<T>((resolve, reject) => {
      const cancel = after(1e4, () => {
        stop.abort()
        reject(unavailable(0))
      })
      Promise.resolve(stop.signal).then(run).then(resolve, reject).finally(cancel)
    })
  }
  /** Renews at most once at a time, and never beyond the budget. Never rejects. */
  const renew = (why: string): Promise<void> | undefined => {
    if (!flight && wait() > 0) return
    flight ??= attempt(why).finally(() => {
      flight = undefined
      arm()
    })
    return flight
  }
  const attempt = (why: string) => {
    const mine = era
    const before = held
    return environment.locked(shared, 2e3, async () => {
      // Another tab may have renewed, or another instance written, while this one waited.
      const stored = await load()
      if (era !== mine) return
      unpack(stored)
      if (held !== before || wait() > 0) return
      const sent = now()
      attempted()
      set('gate', `${wall()}`)
      post(['trying'])
      note(`renew: ${why}`)
      try {
        const result = await timely((signal) => options.renew(context(signal)))
        if (era !== mine) return
        roundTrip = now() - sent
        const { refused, reauthenticate } = (result ?? {}) as { refused?: EndReason; reauthenticate?: Reason }
        if (refused) finish(refused)
        else if (reauthenticate) {
          notBefore = now() + QUIET
          ask(reauthenticate)
        } else {
          accept(result, sent, held?.signedIn ?? wall())
          settled()
          await keep()
        }
      } catch (error) {
        if (era !== mine) return
        backOff = now() + Math.min(1e3 * 2 ** failures++, 3e5) * random()
        notBefore = now() + (Number((error as { retryAfter?: number } | undefined)?.retryAfter) || 0) * 1e3
        const nextTryIn = seconds(wait())
        lastError = isProlongError(error) ? error : unavailable(nextTryIn)
        emit('delayed', { nextTryIn, error: lastError })
      }
    })
  }
  const ask = (reason: Reason) =>
    emit('warning', { kind: 'reauthenticate', reason, secondsLeft: seconds(left()), stay })

  // Time.

  let cancelTimer: (() => void) | undefined
  let warnedOf = -NEVER
  /** Looks at everything that time can change, and sets the next look. */
  const tick = () => {
    if (owed) void tell()
    // Storage may work again. What another tab wrote meanwhile counts first.
    if (unsaved())
      void load()
        .then(unpack)
        .then(() => save(held && pack()))
    const time = now()
    if (held && time >= lastInput + idle) return void close('idle_timeout')
    const [due, end, lifetime] = deadlines()
    if (end > time && end - time <= warn && Math.abs(end - warnedOf) > 1e3) {
      warnedOf = end
      emit('warning', { kind: lifetime ? 'lifetime' : 'idle', secondsLeft: seconds(end - time), stay })
    }
    if (due <= time && !sleeping()) void renew('due')
    arm()
  }
  const deadlines = (): [due: number, end: number, lifetime?: boolean] => {
    if (!held) return [lastError ? 0 : NEVER, NEVER]
    const [at, , renewAt, idleEnds, lifetimeEnds] = held.times
    const active = lastInput > at
    // With input since the last renewal, a renewal moves the idle deadline; without, only the person can.
    const idleEnd = Math.min(lastInput + idle, active ? NEVER : idleEnds)
    return [
      Math.min(renewAt, active ? idleEnds - warn * 2 : idleEnds, lifetimeEnds),
      Math.min(idleEnd, lifetimeEnds),
      lifetimeEnds < idleEnd,
    ]
  }
  const arm = () => {
    cancelTimer?.()
    if (disposed || (over && !owed)) return
    const [due, end] = deadlines()
    const waits = [SLICE, Math.max(due - now(), flight ? 0 : wait()), end - now(), end - now() - warn]
    cancelTimer = after(Math.max(50, Math.min(...waits.filter((each) => each > 0))), tick)
  }
  const wake = () => {
    // Back-off guarded against an absent network; the budget still holds.
    failures = backOff = 0
    tick()
  }

  // Callers.

  const guard = () => {
    if (disposed) throw fault('disposed', { code: 'DISPOSED' })
    if (over) throw fault(`session ended: ${over}`, { code: 'SESSION_ENDED', reason: over })
  }
  const token: Session['token'] = async ({ validFor = 0 } = {}) => {
    must(validFor >= 0, 'validFor', 'seconds above 0')
    await ready
    for (let tries = 0; ; ) {
      guard()
      const before = held
      if (held && left() > Math.max(mandatory(held.life, roundTrip), Math.min(validFor * 1e3, held.life * 0.9))) {
        if (now() >= held.times[2]) void renew('due')
        return held.access
      }
      if (!held && !options.resume) throw fault('call signIn() or adopt() first', { code: 'NOT_SIGNED_IN' })
      if (wait() <= 0) tries++
      await renew('token()')
      guard()
      // A life shorter than what was wanted must not loop: what is new is the best there is.
      if (held && (held !== before || left() > 0)) return held.access
      if (tries > 1 || wait() > GAP + 1e3) throw lastError ?? unavailable(seconds(wait()))
      // Another tab's answer may come meanwhile.
      await new Promise<void>((go) => after(100, go))
    }
  }
  const dispose = () => {
    disposed = true
    era++
    held = undefined
    cancelTimer?.()
    stopListening?.()
    channel?.close()
    if (page[place] === dispose) delete page[place]
  }
  /** To allowed origins only, and sent once more if a 401 is about the token. */
  const send: Session['fetch'] = async (input, { prolong, ...init } = {}) => {
    // Strings and URLs have none of the members of a `Request`.
    const request = input as Partial<Request>
    const isForeign = (address: string) => !origins.includes(new URL(address, environment.base).origin)
    if (isForeign(request.url ?? (input as string))) return fetch(input, init)
    const body = init.body as { getReader?: unknown; [Symbol.asyncIterator]?: unknown } | null | undefined
    const once = prolong?.replay === 'never' || body?.getReader || body?.[Symbol.asyncIterator]
    for (let again = false; ; again = true) {
      // What cannot be sent twice goes with a token that has time left.
      const access = await token(once ? { validFor: 60 } : {})
      const used = held
      const headers = new Headers(init.headers ?? request.headers)
      headers.set('Authorization', `Bearer ${access}`)
      const response = await fetch(once || again ? input : (request.clone?.() ?? input), { ...init, headers })
      // Redirected elsewhere (the token is left behind then): a stranger's word on the session counts for nothing.
      if (response.url && isForeign(response.url)) return response
      const verdict = await (options.verdict ?? challenged)(response)
      if (verdict.reauthenticate) ask(verdict.reauthenticate)
      // Only for the token that asked: a late answer must not bring tokens into the next session.
      if (held && held === used) {
        if (verdict.token) accept({ access_token: verdict.token, session: used }, now(), used.signedIn)
        if (verdict.due) void renew('an API')
      }
      if (!verdict.refused || again) return response
      if (held === used) await renew('an API')
      if (once || init.signal?.aborted || held === used || held?.signedIn !== used?.signedIn) return response
    }
  }
  const session: Session = {
    get state() {
      return over ? 'ended' : flight ? 'renewing' : held ? 'active' : 'unknown'
    },
    token,
    peek: () => (left() > 0 ? held?.access : undefined),
    fetch: send,
    on(event, listener) {
      listeners[event] ??= new Set()
      listeners[event].add(listener)
      return () => listeners[event]?.delete(listener)
    },
    adopt: (answer) => begin(() => answer, typeof answer !== 'string'),
    signIn: (credentials) =>
      begin(() => {
        const { signIn } = options
        must(signIn, 'signIn', 'a function; see prolongServer()')
        return timely((signal) => signIn(credentials, context(signal)))
      }),
    end: async () => {
      if (!over && !disposed) await close('signed_out')
    },
    touch,
    explain: () => ({
      state: session.state,
      next: over ? `nothing: ${over}` : !held ? 'needs a sign-in' : sleeping() ? 'sleeps: hidden and idle' : 'renews',
      expiresIn: held && seconds(left()),
      renewIn: held && seconds(Math.max(held.times[2] - now(), wait())),
      generation: held?.generation,
      clock: skew(),
      log,
    }),
    dispose,
  }

  // The other tabs. Nothing here is needed for correctness: the server makes renewals idempotent.

  const post = (message: Message) => {
    if (!disposed) channel?.postMessage(message)
  }
  const hearing = {
    tokens: unpack,
    trying: attempted,
    hello: share,
    input: seen,
    ended: ({ reason, signedIn }: { reason: EndReason; signedIn: number }) => {
      if (!(held && held.signedIn > signedIn))
        finish(reason === 'signed_out' ? 'signed_out_elsewhere' : reason, signedIn)
    },
  }
  const channel = environment.open(shared, (message) => {
    // From a page of another version, say: not understood is not heard.
    try {
      const [kind, content] = message as ['tokens', never]
      hearing[kind](content)
    } catch {}
  })
  const stopListening = environment.listen(wake, touch)

  // One scheduler per page and name: StrictMode and hot reload make seconds.
  const page = environment.page as Record<symbol, (() => void) | undefined>
  const place = Symbol.for(shared)
  page[place]?.()
  page[place] = dispose
  signal?.addEventListener('abort', dispose)
  if (signal?.aborted) dispose()

  const ready = load().then((stored) => {
    if (disposed) return
    if (get('ended')) {
      // Signed out, and the server does not know yet: its cookie must not resume the session.
      owed = {}
      over = 'signed_out'
    } else {
      unpack(stored)
      post(['hello'])
      // Storage may have failed for a while: a tab that knows newer tokens answers before these are presented.
      if (channel && held) notBefore = now() + 100
    }
    emit('ready', { signedIn: !!held })
    tick()
  })

  return session
}
