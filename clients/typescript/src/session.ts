import { GAP, MOST, NEVER, seconds, waitFor } from './budget.js'
import { clockOf } from './clock.js'
import { type EndReason, fault, isProlongError, must, type ProlongError, unavailable } from './errors.js'
import { eventsOf } from './events.js'
import type { Reason } from './generated/codes.js'
import { checked } from './options.js'
import { storeOf } from './store.js'
import { timelyOf } from './timely.js'
import { type Held, heldOf, olderThan, unpacked } from './tokens.js'
import type { Options, RenewContext, Session } from './types.js'
import { challenged } from './verdict.js'

/** Timers are hints: none is armed for longer. */
const SLICE = 3e4
const QUIET = 6e4

type Message = ['tokens', unknown] | ['ended', { reason: EndReason; signedIn: number }] | ['trying' | 'hello' | 'input']

/** Makes a session that prolongs itself. */
export const prolong = (given: Options): Session => {
  const options = checked(given)
  const { name, idle, warn, signal, environment } = options
  const { after, wall, steady, random, fetch } = environment
  const [now, server, skew] = clockOf(environment)
  const shared = `prolong.${name}.` // Of what SecureStore allows in a key.
  const origins: readonly (string | undefined)[] = options.origins ?? [environment.origin]
  const [notes, load, save, unsaved] = storeOf(environment, shared, options.storage)
  const timely = timelyOf(after)

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
  let telling: Promise<void> | undefined
  const left = () => (held ? held.times[1] - now() : 0)
  const [on, emit, note, log] = eventsOf(now)

  // When renewals may start.

  let attempts: readonly number[] = []
  /** When the newest token came, in the steady time that attempts are counted in: the sleep of a night must not age it. */
  let born = 0
  let failures = 0
  let lastError: ProlongError | undefined
  /** Back-off, which a waking page need not wait for; and what the server asked for, which it must. */
  let backOff = 0
  let notBefore = 0
  const attempted = () => {
    attempts = [...attempts, steady()].slice(-MOST)
  }
  /** Milliseconds. The budget counts in steady time: a wall clock set forward must not shorten a gap. */
  const wait = () => {
    if (over || disposed) return NEVER
    // Another page's renewal. None, or one from the future (clock set back), counts for nothing.
    const ago = wall() - +notes.get('gate')!
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
  let sees = false
  const seen = () => {
    sees = true
    lastInput = now()
  }
  const touch = () => {
    // Once a second is enough, for the other tabs, too.
    if (sees && now() - lastInput < 1e3) return
    seen()
    post(['input'])
  }
  const sleeping = () => environment.hidden() && now() - lastInput > QUIET
  const stay = async () => {
    touch()
    await renew('stay')
  }

  // Tokens.

  const pack = () => held && JSON.stringify({ ...held, now: now(), wall: wall() })
  const store = () => save(pack())
  const unpack = (text: string | null | undefined) => take(unpacked(text, now(), wall()))
  /** Takes newer tokens, here or from elsewhere; none if what is held is newer, or they are of a session that ended. */
  const take = (next: Held | undefined) => {
    if (!next || !olderThan(held, next) || next.signedIn <= endedAt) return
    over = undefined
    held = next
    born = steady()
    emit('renewed', { generation: next.generation, expiresIn: seconds(left()) })
    // Not at once: what names the next renewal is noted only when they are stored.
    arm(50)
  }
  const share = () => post(['tokens', pack()])
  const accept = (answer: unknown, sent: number, signedIn: number, fresh = true) => {
    const previous = held?.signedIn === signedIn ? held : undefined
    take(heldOf(answer, sent, now(), signedIn, previous, server, fresh, options.lead, random()))
    share()
  }
  const begin = async (answer: () => unknown, fresh = true) => {
    await ready
    if (disposed) guard()
    const sent = now()
    const given = await answer()
    // Somebody is here: first, or tokens for who was idle would end at once.
    touch()
    accept(given, sent, Math.max(wall(), endedAt + 1, (held?.signedIn ?? 0) + 1), fresh)
    era++
    owed = undefined
    notes.set('ended')
    await keep()
  }
  const keep = async () => {
    failures = backOff = notBefore = 0
    lastError = undefined
    await store()
    // Only now: until they are stored, the id belongs to those that are.
    notes.set('attempt', options.attempt?.())
  }
  const finish = (reason: EndReason, signedIn?: number) => {
    if (over) return
    era++
    endedAt = signedIn ?? held?.signedIn ?? wall()
    if (!signedIn) post(['ended', { reason, signedIn: endedAt }])
    held = undefined
    over = reason
    void store()
    emit('ended', { reason })
    tick()
  }
  /** Ends the session from here, and tells the server: now, or when it can be reached. */
  const close = (reason: EndReason) => {
    owed = held ?? {}
    notes.set('ended', '1')
    finish(reason)
    return telling
  }

  // Renewals.

  const context = (signal: AbortSignal, of: Partial<Held> | undefined = held): RenewContext => ({
    refreshToken: of?.refresh,
    accessToken: of?.access,
    idleFor: sees || stopListening ? Math.floor((now() - lastInput) / 1e3) : undefined,
    notes,
    signal,
    fetch,
  })
  /** Renews at most once at a time, and never beyond the budget. Never rejects. */
  const renew = (why: string): Promise<void> | undefined => {
    if (flight || wait() > 0) return flight
    const mine = era
    const before = held
    const locked = environment.locked(shared, 2e3, async () => {
      // Another tab may have renewed, or another instance written, while this one waited.
      const stored = await load()
      if (era !== mine) return
      unpack(stored)
      if (held !== before || wait() > 0) return
      const sent = now()
      attempted()
      notes.set('gate', `${wall()}`)
      post(['trying'])
      note(`renew: ${why}`)
      try {
        const result = await timely((signal) => options.renew(context(signal)))
        if (era !== mine) return
        const { refused, reauthenticate } = Object(result) as { refused?: EndReason; reauthenticate?: Reason }
        if (refused) finish(refused)
        else if (reauthenticate) {
          notBefore = now() + QUIET
          ask(reauthenticate)
        } else {
          accept(result, sent, held?.signedIn ?? wall())
          await keep()
        }
      } catch (error) {
        if (era !== mine) return
        backOff = now() + Math.min(1e3 * 2 ** failures++, 3e5) * random()
        notBefore = now() + (1e3 * Object(error).retryAfter || 0)
        const nextTryIn = seconds(wait())
        lastError = isProlongError(error) ? error : unavailable(nextTryIn)
        emit('delayed', { nextTryIn, error: lastError })
      }
    })
    flight = locked.finally(() => {
      flight = undefined
      tick()
    })
    return flight
  }
  const ask = (reason: Reason) =>
    emit('warning', { kind: 'reauthenticate', reason, secondsLeft: seconds(left()), stay })

  // Time.

  let cancelTimer: (() => void) | undefined
  const arm = (delay: number) => {
    cancelTimer?.()
    cancelTimer = after(delay, tick)
  }
  let warnedOf = -NEVER
  /** Looks at everything that time can change, and sets the next look. */
  const tick = () => {
    if (disposed) return
    if (owed)
      telling = timely(async (signal) => {
        const mine = owed
        await options.end?.(context(signal, mine))
        if (owed === mine) {
          owed = undefined
          notes.set('ended')
        }
      }).catch(() => {})
    // Storage may work again. What another tab wrote meanwhile counts first.
    if (unsaved()) void load().then(unpack).then(store)
    const time = now()
    let due = lastError ? 0 : NEVER
    let end = NEVER
    if (held) {
      if (time >= lastInput + idle) return void close('idle_timeout')
      const [at, , renewAt, idleEnds, lifetimeEnds] = held.times
      const active = lastInput > at
      // With input since the last renewal, a renewal moves the idle deadline; without, only the person can.
      const idleEnd = Math.min(lastInput + idle, active ? NEVER : idleEnds)
      due = Math.min(renewAt, active ? idleEnds - warn * 2 : idleEnds, lifetimeEnds)
      end = Math.min(idleEnd, lifetimeEnds)
      if (end > time && end - time <= warn && Math.abs(end - warnedOf) > 1e3) {
        warnedOf = end
        emit('warning', { kind: end < idleEnd ? 'lifetime' : 'idle', secondsLeft: seconds(end - time), stay })
      }
    }
    if (due <= time && !sleeping()) void renew('due')
    const waits = [SLICE, Math.max(due - time, flight ? 0 : wait()), end - time, end - time - warn]
    arm(Math.max(50, Math.min(...waits.filter((each) => each > 0))))
  }

  // Callers.

  const guard = () => {
    if (disposed) throw fault('DISPOSED', 'by dispose()')
    if (over) throw fault('SESSION_ENDED', over, { reason: over })
  }
  const token: Session['token'] = async ({ validFor = 0 } = {}) => {
    must(validFor >= 0, 'validFor', 'seconds above 0')
    await ready
    for (let tries = 0; ; ) {
      guard()
      const before = held
      if (held && now() < Math.min(held.times[5], held.times[1] - Math.min(validFor * 1e3, held.life * 0.9))) {
        if (now() >= held.times[2]) void renew('due')
        return held.access
      }
      if (!held && !options.resume) throw fault('NOT_SIGNED_IN', 'call signIn() or adopt()')
      if (wait() <= 0) tries++
      await renew('token()')
      guard()
      // A life shorter than what was wanted must not loop: what is new is the best there is.
      if (held !== before || left() > 0) return held!.access
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
      const access = await token({ validFor: once ? 60 : 0 })
      const used = held
      const sent = now()
      const headers = new Headers(init.headers ?? request.headers)
      headers.set('Authorization', `Bearer ${access}`)
      const response = await fetch(once || again ? input : (request.clone?.() ?? input), { ...init, headers })
      // Redirected elsewhere (the token is left behind then): a stranger's word on the session counts for nothing.
      if (response.url && isForeign(response.url)) return response
      const verdict = await (options.verdict ?? challenged)(response)
      if (verdict.reauthenticate) ask(verdict.reauthenticate)
      // Only for the token that asked: a late answer must not bring tokens into the next session.
      if (held && held === used) {
        if (verdict.token) accept({ access_token: verdict.token, session: used }, sent, used.signedIn)
        if (verdict.due) void renew('API')
      }
      if (!verdict.refused || again) return response
      if (held === used) await renew('API')
      if (once || held === used || held?.signedIn !== used?.signedIn) return response
    }
  }
  const session: Session = {
    get state() {
      return over ? 'ended' : flight ? 'renewing' : held ? 'active' : 'unknown'
    },
    token,
    peek: () => (left() > 0 ? held!.access : undefined),
    fetch: send,
    on,
    adopt: (answer) => begin(() => answer, typeof answer !== 'string'),
    signIn: (credentials) =>
      begin(() => {
        const { signIn } = options
        must(signIn, 'signIn', 'a function (README.md)')
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
      log: log(),
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
      if (!held || held.signedIn <= signedIn)
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
  const stopListening = environment.listen(() => {
    // Back-off guarded against an absent network; the budget still holds.
    failures = backOff = 0
    tick()
  }, touch)

  // One scheduler per page and name: StrictMode and hot reload make seconds.
  const page = Object(environment.page) as Record<string, (() => void) | undefined>
  page[shared]?.()
  page[shared] = dispose
  signal?.addEventListener('abort', dispose)
  if (signal?.aborted) dispose()

  const ready = load().then((stored) => {
    if (disposed) return
    if (notes.get('ended')) {
      // Signed out, and the server does not know yet: its cookie must not resume the session.
      owed = {}
      over = 'signed_out'
    } else {
      post(['hello'])
      // Storage may have failed for a while: a tab that knows newer tokens answers before these are presented.
      if (channel && stored) notBefore = now() + 100
      unpack(stored)
    }
    emit('ready', { signedIn: !!held })
    tick()
  })

  return session
}
