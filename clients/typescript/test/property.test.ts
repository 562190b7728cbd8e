import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Reason } from '../src/index.js'
import { type Options, prolong, prolongServer, type Session } from '../src/index.js'
import { type Tab, type Weather, World } from '../src/testing.js'

const HOUR = 3600
const API = 'https://app.example.com/orders'

/** How a server writes its tokens. Seconds. */
const token = fc.record({
  life: fc.oneof(fc.constantFrom(1, 30, 300, 900, HOUR, 30 * 86_400), fc.integer({ min: 1, max: 60 * 86_400 })),
  /** Said by the answer, by the token itself, or by nobody. */
  told: fc.constantFrom('answer', 'jwt', 'nobody'),
  /** Wrong on the part of the server: its clock, and when it asks to be asked. */
  serverAhead: fc.constantFrom(0, 0, 600, -600, 86_400),
  refreshIn: fc.option(fc.integer({ min: -10, max: 5_000_000 }), { nil: undefined }),
  idle: fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: undefined }),
  lifetime: fc.option(fc.integer({ min: 1, max: 1_000_000 }), { nil: undefined }),
  generation: fc.boolean(),
})
const weather = fc.oneof(
  fc.constantFrom<Weather>('fine', 'offline', 'lose-response', 'hang'),
  fc.record({ status: fc.constantFrom(200, 204, 401, 403, 404, 409, 500, 502, 503) }),
  fc.record({ status: fc.constant(429), retryAfter: fc.integer({ min: 0, max: 600 }) }),
)
/** What an API says to a token, whatever the token. */
const verdict = fc.constantFrom<[number, Record<string, string>, object?]>(
  [200, {}],
  [200, { 'Prolong-Renew': 'due' }],
  [401, {}, { code: 'EXPIRED_TOKEN', action: 'renew' }],
  [401, {}, { code: 'INVALID_TOKEN', action: 'sign_in', reason: 'user_disabled' }],
  [401, { 'WWW-Authenticate': 'Bearer error="invalid_token"' }],
  [401, {}],
  [403, {}],
)
const of = <Name extends string>(...names: Name[]) => fc.constantFrom(...names)
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ what: of('pass'), seconds: fc.integer({ min: 1, max: 400 }) }) },
  fc.record({ what: of('sleep'), seconds: fc.integer({ min: 1, max: 40_000 }) }),
  fc.record({ what: of('skew'), seconds: fc.integer({ min: -100_000, max: 100_000 }) }),
  fc.record({ what: of('weather'), weather }),
  fc.record({ what: of('fetch'), tab: fc.nat(4), verdict }),
  fc.record({ what: of('open', 'storage') }),
  fc.record({ what: of('show', 'hide', 'input', 'token', 'freeze', 'thaw', 'close'), tab: fc.nat(4) }),
)
const setting = fc.record({
  token,
  tabs: fc.integer({ min: 1, max: 4 }),
  locks: of('working', 'absent', 'frozen'),
  transport: of('body', 'cookie'),
  storage: of('local', 'memory'),
  lag: fc.constantFrom(0, 0, 40),
  lead: fc.option(
    fc.oneof(
      fc.integer({ min: 1, max: 1e6 }),
      fc.constant(() => Number.NaN),
      fc.constant(() => -5),
    ),
    {
      nil: undefined,
    },
  ),
  seed: fc.nat(),
})

type Setting = Parameters<Parameters<typeof setting.map>[0]>[0]
type Step = Parameters<Parameters<typeof step.map>[0]>[0]

const fails = (steps: readonly Step[]) => steps.some(({ what }) => what === 'storage')

/** A world in which a person has signed in, in the first of some tabs. */
const begun = async ({ token, tabs, locks, transport, storage, lag, lead, seed }: Setting, steps: readonly Step[]) => {
  const world = new World(seed)
  // Tabs that cannot even share a note need an authority that forgives them a moment.
  world.grace = fails(steps) ? 10 : 0
  world.locks = locks
  world.storageLag = lag
  const now = () => 1_800_000_000 + Math.floor(world.time / 1e3) + token.serverAhead
  const part = (value: object) => btoa(JSON.stringify(value)).replace(/=/g, '')
  const plain = world.answer.bind(world)
  let newest = ''
  world.answer = () => {
    const { access_token, session, refresh_token } = plain()
    const claims = { iat: now(), exp: now() + token.life, jti: access_token }
    newest = token.told === 'jwt' ? `${part({ alg: 'ES256' })}.${part(claims)}.x` : access_token
    return {
      access_token: newest,
      ...(token.told === 'answer' && { expires_in: token.life }),
      ...(transport === 'body' && { refresh_token }),
      ...(token.refreshIn !== undefined && { refresh_in: token.refreshIn }),
      ...(token.idle !== undefined && { refresh_token_timeout: token.idle }),
      ...(token.lifetime !== undefined && { authorization_expires_in: token.lifetime }),
      ...(token.generation && { session }),
      server_time: now(),
    }
  }
  const all: Array<{ tab: Tab; session: Session; open: boolean; frozen: boolean }> = []
  const open = () => {
    const tab = world.tab()
    const options: Partial<Options> = { environment: tab.environment, storage, ...(lead !== undefined && { lead }) }
    const server = prolongServer({ authority: 'https://auth.example.com', client: 'web', transport })
    all.push({ tab, session: prolong({ ...server, ...options }), open: true, frozen: false })
  }
  for (let n = 0; n < tabs; n++) open()
  await all[0]?.session.adopt(world.answer())
  await world.pass(1)
  return { world, all, open, transport, newest: () => newest }
}

const act = async ({ world, all, open, newest, transport }: Awaited<ReturnType<typeof begun>>, each: Step) => {
  const one = 'tab' in each ? all[each.tab % all.length] : undefined
  // Nothing runs there that could call.
  const calls = one?.open && !one.frozen ? one.session : undefined
  if (each.what === 'pass') await world.pass(each.seconds)
  else if (each.what === 'sleep') await world.sleep(each.seconds)
  else if (each.what === 'skew') world.skew = each.seconds * 1e3
  else if (each.what === 'weather') world.weather = each.weather
  else if (each.what === 'storage') world.storageFails = !world.storageFails
  else if (each.what === 'open') {
    // Storage that failed may hold a spent token, and nothing can tell it from a stolen one: then some other tab has to be there
    // that is awake and knows a newer one. (With a cookie nothing is stored.)
    const awake = () => all.some(({ open, frozen, session }) => open && !frozen && session.peek() === newest())
    if (all.length < 6 && (!world.grace || transport === 'cookie' || awake())) open()
  } else if (each.what === 'token') calls?.token().catch(() => {})
  else if (each.what === 'fetch') {
    const [status, headers, body] = each.verdict
    world.api = () => (body ? Response.json(body, { status, headers }) : new Response('', { status, headers }))
    calls?.fetch(API, { method: 'POST', body: '{}' }).catch(() => {})
  } else if (one) {
    // The last one stays, to be looked at.
    if (each.what === 'close' && all.filter((tab) => tab.open).length === 1) return
    one.tab[each.what]()
    one.open &&= each.what !== 'close'
    one.frozen = each.what === 'freeze' || (one.frozen && each.what !== 'thaw')
  }
  await world.pass(0.1)
}

const LONG = { numRuns: 150, interruptAfterTimeLimit: 25_000 }

describe('for any token, clock, sleep, error and number of tabs', () => {
  test('renewals are bounded, and no failure signs anybody out', async () => {
    await fc.assert(
      fc.asyncProperty(setting, fc.array(step, { minLength: 3, maxLength: 30 }), async (given, steps) => {
        const scene = await begun(given, steps)
        for (const each of steps) await act(scene, each)
        const { world, all } = scene
        const at = world.renewals.map((seen) => seen.at)
        // What tabs know of each other is in storage (a lock is waited for two seconds only). And a page that was not there
        // knows of the last renewal by the wall clock, as long as nobody sets it back.
        const did = (name: Step['what']) => steps.some(({ what }) => what === name)
        const together = !fails(steps) && given.lag === 0 && !(did('open') && did('skew'))
        const burst = together ? 1 : all.length
        // A page that is loaded anew counts its own twelve.
        const most = 12 * (together ? 1 + all.length - given.tabs : all.length)
        const { life, told } = given.token
        const window = Math.min(told === 'nobody' ? HOUR : life, HOUR) * 1e3
        for (let n = burst; n < at.length; n++) expect(at[n]! - at[n - burst]!).toBeGreaterThanOrEqual(4999)
        for (let n = most; n < at.length; n++) expect(at[n]! - at[n - most]!).toBeGreaterThanOrEqual(window - 50)
        for (const { session } of all) expect(session.state).not.toBe('ended')
        for (const { session } of all) session.dispose()
      }),
      LONG,
    )
  }, 60_000)

  test('a refusal ends every tab, with its reason', async () => {
    const reasons: Reason[] = [
      'idle_timeout',
      'lifetime_reached',
      'user_disabled',
      'reuse_detected',
      'password_changed',
    ]
    const steps = fc.array(step, { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(setting, steps, fc.constantFrom(...reasons), fc.nat(), async (given, steps, reason, who) => {
        const scene = await begun(given, steps)
        for (const each of steps) await act(scene, each)
        const { world } = scene
        const all = scene.all.filter(({ open }) => open)
        for (const { tab } of all) tab.thaw()
        world.storageFails = false
        world.refusal = reason
        world.online()
        await world.sleep(61 * 86_400)
        world.api = () => Response.json({ code: 'EXPIRED_TOKEN', action: 'renew' }, { status: 401 })
        // The budget counts time awake: after the worst burst, and a server that wants to be left alone, within some hours.
        for (let hour = 0; hour < 5; hour++) {
          await world.pass(1000)
          all[who % all.length]?.session.fetch(API).catch(() => {})
        }
        await world.pass(5)
        for (const { session } of all) expect(session.explain().next).toBe(`nothing: ${reason}`)
        for (const { session } of all) expect(session.peek()).toBeUndefined()
        for (const { session } of all) session.dispose()
      }),
      LONG,
    )
  }, 60_000)
})

test('for any address: the token goes to the allowed origins, and nowhere else', async () => {
  const allowed = ['https://app.example.com', 'https://api.example.com:8443']
  const near = fc
    .tuple(
      fc.constantFrom('http:', 'https:', 'HTTPS:', 'wss:'),
      fc.constantFrom('', 'app.example.com@', 'app.example.com:443@'),
      fc.constantFrom(
        ...['app.example.com', 'APP.example.com', 'app.example.com.', 'app.example.com.evil.net', 'evil.net'],
        ...['xapp.example.com', 'example.com', 'api.example.com', 'api.example.com:8443', 'app.example.com:443'],
        ...[
          'app.example.com:8443',
          'evil.net#app.example.com',
          'evil.net?app.example.com',
          'evil.net\\@app.example.com',
        ],
      ),
      fc.constantFrom('', '/', '/orders', '//app.example.com'),
    )
    .map(([scheme, user, host, path]) => `${scheme}//${user}${host}${path}`)
  const relative = fc.constantFrom('/orders', 'orders', '//evil.net/x', '/\\evil.net', '\\\\evil.net', './x', '?x', '')
  const shape = of('string', 'url', 'request')
  await fc.assert(
    fc.asyncProperty(fc.oneof(near, relative, fc.webUrl()), shape, async (address, shape) => {
      const base = 'https://app.example.com'
      if (!URL.canParse(address, base)) return
      const absolute = new URL(address, base)
      const world = new World()
      const { environment } = world.tab()
      const gone: Array<[string, string | null]> = []
      const fetch: typeof globalThis.fetch = async (input, init) => {
        // As browsers do, against the page's own address.
        const target = new URL(input instanceof Request ? input.url : input, base)
        const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : {}))
        gone.push([target.origin, headers.get('Authorization')])
        return new Response('ok')
      }
      const session = prolong({
        renew: () => 'secret',
        origins: allowed,
        environment: { ...environment, fetch, origin: base },
      })
      await session.adopt({ access_token: 'secret', expires_in: 900 })
      let input: string | URL | Request = address
      if (shape === 'url') input = absolute
      else if (shape === 'request') {
        try {
          input = new Request(absolute)
        } catch {
          return
        }
      }
      await world.until(session.fetch(input))
      expect(gone.length).toBe(1)
      const [origin, authorization] = gone[0]!
      expect(origin).toBe(absolute.origin)
      expect(authorization).toBe(allowed.includes(origin) ? 'Bearer secret' : null)
      session.dispose()
    }),
    { numRuns: 300 },
  )
}, 30_000)
