import { activityOf } from './activity.js'
import { gateOf } from './budget.js'
import { clockOf } from './clock.js'
import { ambient, withDeadline } from './environment.js'
import { badOption, type EndReason, fault, isProlongError, type ProlongError, unavailable } from './errors.js'
import { eventsOf } from './events.js'
import { nextStep } from './explain.js'
import { fetchWith } from './fetch.js'
import type { Reason } from './generated/codes.js'
import { fetchContext, remember } from './memory.js'
import { checked } from './options.js'
import { tabsOf } from './tabs.js'
import { answerOf, type Held, heldOf, lifeOf, mandatory, olderThan } from './tokens.js'
import type { Options, RenewContext, RenewResult, Session, State, TokenAnswer } from './types.js'

/** What one renewal came to. */
type Outcome = 'renewed' | 'ended' | 'unknown' | 'reauthenticate'

const SLICE = 3e4
const QUIET = 6e4

/** Makes a session that prolongs itself. */
export const prolong = (given: Options): Session => {
  const options = checked(given)
  const { name, idle, warn } = options
  const environment = options.environment ?? ambient()
  const clock = clockOf(environment)
  const memory = remember(environment, options)
  const { now } = clock
  const { log, note, emit, on } = eventsOf(now)
  const gate = gateOf(environment, now, memory.sharedGate)
  const activity = activityOf(now, (ago) => tabs.post({ kind: 'input', ago }))

  let state: State = 'unknown'
  let held: Held | undefined
  let reason: EndReason = 'unknown'
  let flight: Promise<Outcome> | undefined
  /** Counts ends and sign-ins: what was begun in an earlier era must not change this one. */
  let era = 0
  /** The sign-in that ended last: tokens of it, however late, bring nothing back. */
  let endedAt = 0
  let roundTrip = 0
  let warned: unknown
  let disposed = false
  let lastError: ProlongError | undefined
  let cancelTimer = () => {}

  const left = () => (held ? held.expires - now() : 0)
  const margin = () => (held ? mandatory(held.life, roundTrip) : 0)

  /** Takes newer tokens; false if what is held is newer. */
  const take = (next: Held): boolean => {
    if (!olderThan(held, next)) return false
    held = next
    state = flight ? 'renewing' : 'active'
    warned = undefined
    emit('renewed', { generation: next.generation, expiresIn: Math.floor(left() / 1e3) })
    arm()
    return true
  }

  const accept = (answer: TokenAnswer, sent: number, fresh: boolean, signedIn: number) => {
    // Counted from the sending: the latest instant at which the server's seconds can have begun.
    if (answer.server_time != null)
      clock.measure(answer.server_time, environment.wall() - (now() - sent), environment.wall())
    const previous = held?.signedIn === signedIn ? held : undefined
    const life = lifeOf(answer, fresh, clock.server())
    const next = heldOf(answer, sent, signedIn, life, previous, options.lead, roundTrip, environment.random())
    if (take(next)) tabs.post({ kind: 'tokens', held: tabs.pack(next) })
  }

  const finish = (why: EndReason, told = false) => {
    if (state === 'ended') return
    era++
    endedAt = held?.signedIn ?? environment.wall()
    held = undefined
    state = 'ended'
    reason = why
    cancelTimer()
    if (!told) tabs.post({ kind: 'ended', reason: why })
    emit('ended', { reason: why })
  }

  /** Renews at most once at a time, and never beyond the budget. */
  const renew = (why: string): Promise<Outcome> => {
    flight ??= attempt(why).finally(() => {
      flight = undefined
      if (state === 'renewing') state = held ? 'active' : 'unknown'
      if (!disposed && state !== 'ended') arm()
    })
    return flight
  }

  const allowedAt = () => gate.allowedAt(held)
  const blocked = () => allowedAt() > now() + 0.01

  const attempt = async (why: string): Promise<Outcome> => {
    const mine = era
    const before = held
    let outcome: Outcome = 'unknown'
    if (blocked()) return outcome
    await environment.locked(`prolong:${name}`, 2e3, async () => {
      // Another tab may have renewed, or another instance written, while this one waited.
      const stored = await memory.load(tabs.unpack)
      if (stored && era === mine) take(stored)
      if (held && held !== before) {
        outcome = 'renewed'
        return
      }
      if (era !== mine || disposed || blocked()) return
      outcome = await send(why, mine)
    })
    return era !== mine ? overtaken() : outcome
  }

  /** What a renewal came to whose session ended, or was replaced by a sign-in, meanwhile. */
  const overtaken = (): Outcome => (state === 'ended' ? 'ended' : 'renewed')

  const send = async (why: string, mine: number): Promise<Outcome> => {
    const sent = now()
    gate.attempted()
    memory.closeGate()
    tabs.post({ kind: 'trying' })
    state = 'renewing'
    note(`renew: ${why}`)
    const id = memory.attempt()
    try {
      const result: RenewResult = await timely((signal) => options.renew(context(id, signal)))
      if (era !== mine || disposed) return overtaken()
      roundTrip = now() - sent
      if (result && typeof result === 'object' && 'refused' in result) {
        memory.forget()
        finish(result.refused)
        return 'ended'
      }
      if (result && typeof result === 'object' && 'reauthenticate' in result) {
        gate.pause(QUIET)
        reauthenticate(result.reauthenticate)
        return 'reauthenticate'
      }
      const signedIn = held?.signedIn ?? environment.wall()
      accept(answerOf(result), sent, true, signedIn)
      gate.clear()
      if (held) await memory.save(tabs.pack(held))
      memory.attemptDone(id)
      return 'renewed'
    } catch (error) {
      if (era !== mine || disposed) return overtaken()
      gate.failed(isProlongError(error) && error.code === 'REFUSED' ? error.retryAfter : 0)
      const nextTryIn = seconds(Math.max(0, allowedAt() - now()))
      lastError = isProlongError(error) ? error : unavailable(nextTryIn)
      emit('delayed', { nextTryIn, error: lastError })
      return 'unknown'
    }
  }

  const timely = <T>(run: (signal: AbortSignal) => T | Promise<T>) => withDeadline(environment, run)

  const context = (attemptId: string, signal: AbortSignal): RenewContext =>
    fetchContext(held, attemptId, activity.idleFor(world.sees), signal, environment.fetch)

  const stay = async () => {
    activity.touch()
    await renew('the person stays')
  }

  const reauthenticate = (why: Reason) =>
    emit('warning', { kind: 'reauthenticate', reason: why, secondsLeft: seconds(left()), stay })

  const canRenew = () => state !== 'ended' && (held !== undefined || options.resume) && !memory.tombstone()

  const sleeping = () => environment.hidden() && now() - activity.last() > QUIET

  /** Looks at everything that time can change, and sets the next look. */
  const tick = () => {
    if (disposed || state === 'ended') return
    if (memory.tombstone()) void tellEnd()
    if (held && idle && now() - activity.last() >= idle) {
      note('idle here')
      void session.end()
      finish('idle_timeout')
      return
    }
    if (held) {
      const input = activity.last() > held.at
      // With input since the last renewal, a renewal moves the deadline; without, only the person can.
      const ends = Math.min(idle ? activity.last() + idle : 1 / 0, input ? 1 / 0 : held.idleEnds)
      const kind = held.lifetimeEnds < ends ? 'lifetime' : 'idle'
      const end = Math.min(ends, held.lifetimeEnds)
      if (end - now() <= warn && end > now() && warned !== end) {
        warned = end
        emit('warning', { kind, secondsLeft: seconds(end - now()), stay })
      }
      const near = input && held.idleEnds - now() <= warn * 2
      const over = Math.min(held.idleEnds, held.lifetimeEnds) <= now()
      if ((now() >= held.renewAt || near || over) && !sleeping() && canRenew())
        void renew(near || over ? 'a deadline nears' : 'due')
    }
    arm()
  }

  const arm = () => {
    cancelTimer()
    if (disposed || state === 'ended') return
    const at = held ? Math.max(held.renewAt, flight ? 0 : allowedAt()) : 1 / 0
    const ends = held ? Math.min(held.idleEnds, held.lifetimeEnds, idle ? activity.last() + idle : 1 / 0) - warn : 1 / 0
    const waits = [SLICE, at - now(), ends - now()].filter((wait) => wait > 0)
    cancelTimer = environment.after(Math.max(50, Math.min(...waits)), tick)
  }

  const wake = () => {
    // Back-off guarded against an absent network; the budget still holds.
    if (gate.failures()) gate.clear()
    tick()
  }

  const tellEnd = async () => {
    if (blocked() || telling) return
    telling = true
    try {
      await timely((signal) => options.end?.(context('', signal)))
      memory.buried()
    } catch {
      gate.pause(5e3)
    }
    telling = false
  }
  let telling = false

  const guard = () => {
    if (disposed) throw fault('disposed; make a new session', { code: 'DISPOSED' })
    if (state === 'ended') throw fault(`the session ended: ${reason}`, { code: 'SESSION_ENDED', reason })
  }

  const token = async ({ validFor = 0 }: { validFor?: number } = {}): Promise<string> => {
    if (!(validFor >= 0)) throw badOption('validFor', 'must be a number of seconds, 0 or more')
    await ready
    for (let waits = 0; ; waits++) {
      guard()
      const wanted = Math.max(margin(), Math.min(validFor * 1e3, (held?.life ?? 0) * 0.9))
      if (held && left() > wanted) {
        if (now() >= held.renewAt && canRenew()) void renew('due')
        return held.access
      }
      if (!canRenew()) throw fault('nobody is signed in; call signIn() or adopt()', { code: 'NOT_SIGNED_IN' })
      const before = held
      const outcome = await renew('a caller needs a token')
      guard()
      // A life shorter than what was wanted must not loop: what is new is the best there is.
      if (held && (outcome === 'renewed' || held !== before || left() > 0)) return held.access
      const wait = allowedAt() - now()
      if (waits || wait > 6e3) throw lastError?.code === 'REFUSED' ? lastError : unavailable(seconds(Math.max(0, wait)))
      await new Promise<void>((done) => environment.after(Math.max(wait, 1), done))
    }
  }

  const begin = async (answer: TokenAnswer, sent: number, fresh: boolean) => {
    era++
    state = 'active'
    held = undefined
    gate.clear()
    activity.touch()
    memory.buried()
    memory.attemptDone()
    accept(answer, sent, fresh, Math.max(environment.wall(), endedAt + 1))
    if (held) await memory.save(tabs.pack(held))
  }

  const session: Session = {
    get state() {
      return state
    },
    token,
    peek: () => (held && left() > 0 && !disposed ? held.access : undefined),
    fetch: fetchWith({
      origins: options.origins ?? [],
      environment,
      token,
      held: () => held,
      renew: async (why) => {
        const outcome = canRenew() ? await renew(why) : 'unknown'
        return outcome === 'renewed'
      },
      background: () => void (canRenew() && renew('the API says it is due')),
      reauthenticate,
      adopt: (access, from) => {
        // Only for the session that asked: a late answer must not bring tokens into the next one.
        if (!held || held.signedIn !== from.signedIn || held.generation !== from.generation) return
        accept({ access_token: access }, now(), true, from.signedIn)
      },
    }),
    on,
    async adopt(given) {
      await ready
      if (disposed) guard()
      await begin(answerOf(given), now(), typeof given !== 'string')
    },
    async signIn(credentials) {
      await ready
      if (disposed) guard()
      const { signIn } = options
      if (!signIn)
        throw badOption('signIn', 'is missing: give one, use prolongServer(), or adopt() tokens of your own sign-in')
      const sent = now()
      await begin(answerOf(await timely((signal) => signIn(credentials, context('', signal)))), sent, true)
    },
    async end() {
      if (disposed || state === 'ended') return
      const last = context('', new AbortController().signal)
      memory.bury()
      memory.forget()
      finish('signed_out')
      try {
        await timely((signal) => options.end?.({ ...last, signal }))
        memory.buried()
      } catch {
        note('the server will be told later')
        environment.after(5e3, tellLater)
      }
    },
    touch: () => activity.touch(),
    explain: () => ({
      state,
      next: nextStep(state, reason, !!held, !!flight, sleeping(), gate.failures()),
      expiresIn: held && seconds(left()),
      renewIn: held && seconds(Math.max(held.renewAt, allowedAt()) - now()),
      generation: held?.generation,
      clock: clock.skew(),
      log: [...log],
    }),
    dispose() {
      if (disposed) return
      disposed = true
      era++
      cancelTimer()
      world.stop()
      tabs.close()
      held = undefined
      memory.leave(session)
    },
  }

  const tellLater = () => {
    if (!disposed && memory.tombstone())
      void tellEnd().then(() => memory.tombstone() && environment.after(SLICE, tellLater))
  }

  const tabs = tabsOf(environment, name, clock, {
    tokens: (next) => {
      if (state !== 'ended' || next.signedIn > endedAt) {
        if (state === 'ended') {
          era++
          state = 'active'
        }
        take(next)
      }
    },
    ended: (why) => {
      memory.forget()
      finish(why === 'signed_out' ? 'signed_out_elsewhere' : why, true)
    },
    trying: gate.attempted,
    input: (ago) => activity.touch(now() - ago),
    hello: () => held && tabs.post({ kind: 'tokens', held: tabs.pack(held) }),
  })
  const world = environment.listen(
    () => (state === 'ended' ? tellLater() : wake()),
    () => activity.touch(),
  )
  memory.replace(session)
  options.signal?.addEventListener('abort', session.dispose, { once: true })
  if (options.signal?.aborted) session.dispose()

  const ready = (async () => {
    const began = era
    const stored = memory.tombstone() ? undefined : await memory.load(tabs.unpack)
    if (era !== began || disposed) return
    if (stored && olderThan(held, stored)) {
      held = stored
      state = 'active'
    }
    tabs.post({ kind: 'hello' })
    // Not in this turn: listeners are added after prolong() returned.
    await undefined
    emit('ready', { signedIn: held !== undefined })
    tick()
  })()

  return session
}

const seconds = (milliseconds: number): number => Math.round(milliseconds / 1e3)
