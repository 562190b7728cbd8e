import { describe, expect, test } from 'vitest'
import { isProlongError, type Options, prolong, prolongServer } from '../src/index.js'
import { type Tab, World } from '../src/testing.js'

const API = 'https://app.example.com/orders'
const server = (tab: Tab, more: Partial<Options> = {}) =>
  prolong({
    ...prolongServer({ authority: 'https://auth.example.com', client: 'web' }),
    environment: tab.environment,
    storage: 'local',
    ...more,
  })

const signedIn = async (world: World, more: Partial<Options> = {}) => {
  const tab = world.tab()
  const session = server(tab, more)
  await session.adopt(world.answer())
  await world.pass(0)
  return { tab, session }
}

/** Presses a key every 30 s. */
const busy = async (world: World, tab: Tab, seconds: number) => {
  for (let passed = 0; passed < seconds; passed += 30) {
    tab.input()
    await world.pass(Math.min(30, seconds - passed))
  }
}

describe('two windows', () => {
  test('a token is renewed in the background before its end, and the old one served meanwhile', async () => {
    const world = new World()
    const { tab, session } = await signedIn(world)
    await busy(world, tab, 690)
    expect(world.renewals.length).toBe(0)
    await busy(world, tab, 60)
    expect(world.renewals.length).toBe(1)
    world.weather = 'offline'
    await busy(world, tab, 720)
    expect(await session.token()).toBe(world.access)
  })
  test.each([
    ['F1', 30 * 86400],
    ['F3', 1],
    ['', 60],
    ['', 86400],
  ])('%s a life of %i s makes no storm', async (_id, life) => {
    const world = new World()
    world.life = life
    const { tab } = await signedIn(world)
    await busy(world, tab, 300)
    expect(world.renewals.length).toBeLessThanOrEqual(life === 1 ? 61 : 8)
    if (life >= 86400) expect(world.renewals.length).toBe(0)
  })
  test.each([
    ['opaque', 'opaque'],
    ['a JWT', `x.${btoa(JSON.stringify({ sub: 'maryo' }))}.x`],
  ])(
    'F4 a token without an end (%s) is renewed when an API refuses it, and not before',
    async (_what, access_token) => {
      const world = new World()
      const tab = world.tab()
      const session = server(tab)
      await session.adopt({ access_token, refresh_token: 'refresh-1' })
      await busy(world, tab, 7200)
      expect(session.peek()).toBe(access_token)
      expect(world.renewals.length).toBe(0)
      expect((await world.until(session.fetch(API))).status).toBe(200)
      expect(world.renewals.length).toBe(1)
    },
  )
  test('F2 a lead longer than the life is cut to half of it', async () => {
    const world = new World()
    const { tab } = await signedIn(world, { lead: 1e6 })
    await busy(world, tab, 440)
    expect(world.renewals.length).toBe(0)
    await busy(world, tab, 40)
    expect(world.renewals.length).toBe(1)
  })
  test('validFor asks for more', async () => {
    const world = new World()
    const { session } = await signedIn(world)
    await world.pass(600)
    world.renewals.length = 0
    const token = await world.until(session.token({ validFor: 800 }))
    expect(token).toBe(world.access)
  })
})

describe('clocks', () => {
  test.each([
    ['F5', 3600],
    ['F5', -3600],
    ['F6', 600],
    ['F6', -600],
  ])('%s a clock %i s off changes nothing', async (_id, off) => {
    const world = new World()
    world.skew = off * 1e3
    const { session } = await signedIn(world)
    for (let call = 0; call < 20; call++) await session.token()
    expect(world.renewals.length).toBe(0)
    expect(Math.abs((session.explain().clock?.ahead ?? 0) - off)).toBeLessThanOrEqual(2)
  })
  test('F7 a clock set back does not make an expired token good', async () => {
    const world = new World()
    const { session } = await signedIn(world)
    world.skew = -7.2e6
    await world.pass(0)
    world.weather = 'offline'
    await world.pass(901)
    expect(session.peek()).toBeUndefined()
  })
  test('a wall clock that stands still does not keep a token good', async () => {
    const world = new World()
    const { session } = await signedIn(world)
    world.weather = 'offline'
    for (let passed = 0; passed < 901; passed += 20) {
      await world.pass(20)
      world.skew -= 20e3
    }
    expect(session.peek()).toBeUndefined()
  })
  test('a token that only says when it ends is measured by the server’s clock, as far as that is known', async () => {
    const world = new World()
    const { session } = await signedIn(world)
    world.skew = 3600e3
    // The clock jumped: what was measured counts for nothing.
    expect(session.explain().clock).toBeUndefined()
    await session.adopt(world.answer())
    expect(session.explain().clock?.ahead).toBeGreaterThan(3590)
    const now = Math.floor(1_800_000_000 + world.time / 1e3)
    await session.adopt(`x.${btoa(JSON.stringify({ iat: now - 600, exp: now + 300 }))}.x`)
    expect(session.explain().expiresIn).toBeGreaterThan(297)
    expect(session.explain().expiresIn).toBeLessThan(303)
  })
  test('F8 after eight hours of sleep the first token() is new', async () => {
    const world = new World()
    const { session } = await signedIn(world)
    await world.sleep(8 * 3600)
    expect(session.peek()).toBeUndefined()
    expect(await world.until(session.token())).toBe(world.access)
    expect(world.renewals.length).toBe(1)
  })
  test('F10 woken inside the lead, when the token still has time: renewed at once', async () => {
    const world = new World()
    const { tab, session } = await signedIn(world)
    // Between the advisory window (at 702 s at the earliest, 738 at the latest) and the end.
    await world.sleep(800)
    tab.show()
    await world.pass(1)
    expect(world.renewals.length).toBe(1)
    expect(session.peek()).toBe(world.access)
  })
  test('F11 woken offline, then online after 20 s: renewed at once', async () => {
    const world = new World()
    const { tab, session } = await signedIn(world)
    await world.sleep(8 * 3600)
    world.weather = 'offline'
    tab.show()
    await world.pass(20)
    expect(session.state).not.toBe('ended')
    const before = world.renewals.length
    world.online()
    // Five failures stand in the budget: 7 s from the last.
    await world.pass(8)
    expect(world.renewals.length).toBe(before + 1)
    expect(session.peek()).toBe(world.access)
  })
  test('F9 ten minutes hidden in the life of a token, and back: nothing was asked, and the token is good', async () => {
    const world = new World()
    const { tab, session } = await signedIn(world)
    tab.hide()
    await world.pass(600)
    expect(world.renewals.length).toBe(0)
    tab.show()
    expect(session.peek()).toBe(world.access)
  })
  test('a hidden, idle tab does not renew; shown again, it does', async () => {
    const world = new World()
    const { tab } = await signedIn(world)
    tab.hide()
    await world.pass(3600)
    expect(world.renewals.length).toBe(0)
    tab.show()
    await world.pass(1)
    expect(world.renewals.length).toBe(1)
  })
})

describe('the budget', () => {
  test.each(['a week', 'no end'])(
    'renewed every hour of five days, a token with %s is renewed after the weekend, too',
    async (what) => {
      const world = new World()
      world.life = 7 * 86400
      const plain = world.answer.bind(world)
      world.answer = () => ({ ...plain(), refresh_in: 3600, ...(what === 'no end' && { expires_in: undefined }) })
      const { tab, session } = await signedIn(world)
      for (let day = 0; day < 5; day++) {
        await busy(world, tab, 12 * 3600)
        await world.sleep(12 * 3600)
      }
      const friday = world.renewals.length
      expect(friday).toBeGreaterThan(50)
      await world.sleep(60 * 3600)
      await busy(world, tab, 60)
      expect(world.renewals.length).toBe(friday + 1)
      expect(session.peek()).toBe(world.access)
    },
    20_000,
  )
})

describe('outcomes', () => {
  test.each(['offline', 'hang', { status: 500 }, { status: 503 }, { status: 429, retryAfter: 40 }] as const)(
    '%o keeps the session and recovers',
    async (weather) => {
      const world = new World()
      const { tab, session } = await signedIn(world)
      await busy(world, tab, 690)
      world.weather = weather
      await busy(world, tab, 600)
      expect(session.state).not.toBe('ended')
      expect(world.renewals.length).toBeLessThanOrEqual(12)
      world.online()
      await busy(world, tab, 660)
      expect(session.peek()).toBe(world.access)
    },
  )
  test('F31 Retry-After is honoured', async () => {
    const world = new World()
    const { tab, session } = await signedIn(world)
    world.weather = { status: 429, retryAfter: 100 }
    const delays: number[] = []
    session.on('delayed', ({ nextTryIn }) => delays.push(nextTryIn))
    await busy(world, tab, 750)
    const seen = world.renewals.map(({ at }) => at / 1e3)
    for (let n = 1; n < seen.length; n++) expect(seen[n]! - seen[n - 1]!).toBeGreaterThanOrEqual(100)
    expect(delays[0]).toBeGreaterThanOrEqual(99)
  })
  test('F32 503 for ten minutes while the token is good, and then beyond its end: the session is kept', async () => {
    const world = new World()
    const { tab, session } = await signedIn(world)
    await busy(world, tab, 690)
    world.weather = { status: 503 }
    const delays: number[] = []
    session.on('delayed', ({ nextTryIn }) => delays.push(nextTryIn))
    await busy(world, tab, 180)
    expect(session.peek()).toBe(world.access)
    await busy(world, tab, 420)
    expect(session.peek()).toBeUndefined()
    expect(session.state).toBe('active')
    await expect(world.until(session.token())).rejects.toMatchObject({ code: 'REFUSED', status: 503 })
    expect(delays.length).toBe(world.renewals.length)
    world.weather = 'fine'
    // A server that recovered is found again in about the time that it was away.
    await busy(world, tab, 600)
    expect(session.peek()).toBe(world.access)
  })
  test('F33 a ban while the token is good ends the session at the first request that an API refuses', async () => {
    const world = new World()
    const { session } = await signedIn(world)
    const heard: string[] = []
    session.on('ended', ({ reason }) => heard.push(reason))
    world.refusal = 'user_disabled'
    world.api = () =>
      Response.json({ code: 'INVALID_TOKEN', action: 'sign_in', reason: 'user_disabled' }, { status: 401 })
    expect((await world.until(session.fetch(API))).status).toBe(401)
    expect(heard).toEqual(['user_disabled'])
    expect(session.peek()).toBeUndefined()
  })
  test('a refusal ends the session in every tab, with its reason', async () => {
    const world = new World()
    const { session } = await signedIn(world)
    const other = server(world.tab())
    await world.pass(1)
    expect(other.state).toBe('active')
    const heard: string[] = []
    session.on('ended', ({ reason }) => heard.push(reason))
    other.on('ended', ({ reason }) => heard.push(reason))
    world.refusal = 'user_disabled'
    await world.sleep(3600)
    const error = await world.until(session.token()).catch((error: unknown) => error)
    expect(isProlongError(error) && error.code === 'SESSION_ENDED' && error.reason).toBe('user_disabled')
    await world.pass(1)
    expect(heard).toEqual(['user_disabled', 'user_disabled'])
  })
  test('a server that answers with the same token, and more time, is believed', async () => {
    const world = new World()
    let asked = 0
    const renew = () => {
      asked++
      return { access_token: 'same', expires_in: 900 }
    }
    const { session } = await signedIn(world, { renew })
    await session.adopt({ access_token: 'same', expires_in: 10 })
    await world.pass(20)
    expect(asked).toBe(1)
    expect(session.explain().expiresIn).toBeGreaterThan(880)
  })
  test.each<[string, string, Options['renew']]>([
    ['F27', 'rejects', () => Promise.reject(new Error('no'))],
    ['F27', 'rejects with nothing', () => Promise.reject()],
    [
      'F28',
      'throws',
      () => {
        throw new Error('no')
      },
    ],
    ['F29', 'never settles', () => new Promise<never>(() => {})],
    ['F30', 'returns null', () => null as never],
  ])('%s a renew that %s keeps the session', async (_id, _what, renew) => {
    const world = new World()
    const { tab, session } = await signedIn(world, { renew })
    await busy(world, tab, 1000)
    expect(session.state).not.toBe('ended')
    const error = await world.until(session.token(), 30).catch((error: unknown) => error)
    expect(isProlongError(error)).toBe(true)
  })
})

describe('many at once', () => {
  test('F17 five parallel token() make one renewal', async () => {
    const world = new World()
    const { session } = await signedIn(world)
    await world.sleep(1000)
    const tokens = await world.until(Promise.all([1, 2, 3, 4, 5].map(() => session.token())))
    expect(new Set(tokens).size).toBe(1)
    expect(world.renewals.length).toBe(1)
  })
  test.each([
    ['F18', 'working'],
    ['F19', 'absent'],
    ['F20', 'frozen'],
  ] as const)('%s ten tabs, locks %s: nobody is signed out', async (_id, locks) => {
    const world = new World()
    world.locks = locks
    const { session } = await signedIn(world)
    const tabs = Array.from({ length: 9 }, () => server(world.tab()))
    await world.pass(1)
    await world.sleep(1000)
    const tokens = await world.until(Promise.all([session, ...tabs].map((each) => each.token())))
    expect(new Set(tokens).size).toBe(1)
    expect(world.renewals.length).toBe(1)
  })
  test('tabs that renew at the same instant, without a lock and before storage has spread, name the renewal alike', async () => {
    const world = new World()
    world.locks = 'absent'
    world.storageLag = 50
    const { session } = await signedIn(world)
    const others = [server(world.tab()), server(world.tab())]
    await world.pass(1)
    for (let round = 1; round <= 3; round++) {
      await world.sleep(1000)
      await world.until(Promise.all([session, ...others].map((each) => each.token())))
      await world.pass(60)
    }
    for (const each of [session, ...others]) expect(each.peek()).toMatch(/^access-4-/)
    const ids = world.renewals.map(({ body }) => new URLSearchParams(body).get('attempt_id'))
    expect(ids.length).toBe(9)
    expect(new Set(ids).size).toBe(3)
  })
  test('F23 F24 a lost response is retried with the same attempt id, also by a tab opened later', async () => {
    const world = new World()
    const { tab, session } = await signedIn(world)
    await world.sleep(1000)
    world.weather = 'lose-response'
    session.token().catch(() => {})
    await world.pass(0.5)
    tab.close()
    world.weather = 'fine'
    await world.pass(6)
    const later = server(world.tab())
    expect(await world.until(later.token())).toBe(world.access)
    const ids = world.renewals.map(({ body }) => new URLSearchParams(body).get('attempt_id'))
    expect(ids.length).toBe(2)
    expect(ids[0]).toBe(ids[1])
    expect(later.state).not.toBe('ended')
  })
  test('tokens that are due when they come are renewed soon, by all tabs under the name stored with them', async () => {
    const world = new World()
    world.locks = 'absent'
    world.storageLag = 40
    const tabs = [1, 2, 3].map(() => server(world.tab()))
    await world.pass(1)
    await tabs[0]?.adopt({ ...world.answer(), refresh_in: 0 })
    await world.pass(1)
    for (const each of tabs) expect(each.peek()).toMatch(/^access-2-/)
    const ids = world.renewals.map(({ body }) => new URLSearchParams(body).get('attempt_id'))
    expect(new Set(ids).size).toBe(1)
    expect(world.refusal).toBeUndefined()
  })
  test('the first renewal of a page that was given no tokens is named before it is sent, and its retry alike', async () => {
    const world = new World()
    const tab = world.tab()
    world.weather = 'lose-response'
    server(tab, { resume: true })
      .token()
      .catch(() => {})
    await world.pass(1)
    tab.close()
    world.weather = 'fine'
    await world.pass(6)
    expect(await world.until(server(world.tab(), { resume: true }).token())).toBe(world.access)
    const ids = world.renewals.map(({ body }) => new URLSearchParams(body).get('attempt_id'))
    expect([ids.length, new Set(ids).size]).toEqual([2, 1])
  })
  test('F25 sign-out during a renewal wins, here and in other tabs', async () => {
    const world = new World()
    const { session } = await signedIn(world)
    const other = server(world.tab())
    await world.pass(1)
    await world.sleep(1000)
    session.token().catch(() => {})
    await world.pass(0.01)
    await world.until(session.end())
    await world.pass(10)
    expect([session.state, other.state]).toEqual(['ended', 'ended'])
    expect(session.peek() ?? other.peek()).toBeUndefined()
    expect([...world.shared.keys()].filter((key) => key.endsWith('tokens'))).toEqual([])
  })
  test('an offline sign-out is told later, and blocks resuming until then', async () => {
    const world = new World()
    const { session } = await signedIn(world, { resume: true })
    world.weather = 'offline'
    await world.until(session.end())
    const later = server(world.tab(), { resume: true })
    await expect(world.until(later.token())).rejects.toMatchObject({ code: 'SESSION_ENDED', reason: 'signed_out' })
    world.online()
    await world.pass(40)
    expect([...world.shared.keys()].filter((key) => key.endsWith('ended'))).toEqual([])
    expect(world.renewals.length).toBe(0)
  })
  test('F26 dispose during a renewal leaves nothing behind', async () => {
    const world = new World()
    const { session } = await signedIn(world)
    await world.sleep(1000)
    session.token().catch(() => {})
    await world.pass(0.01)
    session.dispose()
    await world.pass(3600)
    expect(world.renewals.length).toBe(1)
  })
  test.each(['before', 'after'])('a signal that is aborted %s the session is made disposes it', async (when) => {
    const world = new World()
    const stop = new AbortController()
    if (when === 'before') stop.abort()
    const tab = world.tab()
    const session = server(tab, { signal: stop.signal })
    if (when === 'after') {
      await session.adopt(world.answer())
      await world.pass(10)
      stop.abort()
    }
    await expect(session.token()).rejects.toMatchObject({ code: 'DISPOSED' })
    await expect(session.adopt(world.answer())).rejects.toMatchObject({ code: 'DISPOSED' })
    await busy(world, tab, 1000)
    expect(world.renewals.length).toBe(0)
  })
  test('F38 a second session on one page replaces the first (StrictMode, hot reload)', async () => {
    const world = new World()
    const { tab, session } = await signedIn(world)
    server(tab)
    await expect(session.token()).rejects.toMatchObject({ code: 'DISPOSED' })
    await world.pass(1)
    await busy(world, tab, 760)
    expect(world.renewals.length).toBe(1)
  })
  test('a tab frozen mid-session takes what the others got, and asks for nothing itself', async () => {
    const world = new World()
    const { tab, session } = await signedIn(world)
    const awake = world.tab()
    server(awake)
    await world.pass(1)
    tab.freeze()
    await busy(world, awake, 3600)
    const renewals = world.renewals.length
    expect(renewals).toBeGreaterThan(3)
    tab.thaw()
    await world.pass(1)
    expect(session.peek()).toBe(world.access)
    expect(await session.token()).toBe(world.access)
    expect(world.renewals.length).toBe(renewals)
  })
  test('a lone tab frozen for hours renews once when thawed', async () => {
    const world = new World()
    const { tab, session } = await signedIn(world)
    await world.pass(10)
    tab.freeze()
    await world.pass(4 * 3600)
    tab.thaw()
    expect(await world.until(session.token())).toBe(world.access)
    expect(world.renewals.length).toBe(1)
  })
  test.each(['freeze', 'close'] as const)(
    'F20 F24 a lock whose holder dies mid-renewal (%s) stops nobody',
    async (die) => {
      const world = new World()
      const { tab, session } = await signedIn(world)
      const other = server(world.tab())
      await world.pass(1)
      await world.sleep(1000)
      session.token().catch(() => {})
      // The server has answered, the holder has not heard.
      await world.pass(0.03)
      tab[die]()
      expect(await world.until(other.token(), 15)).toBe(world.access)
      const ids = world.renewals.map(({ body }) => new URLSearchParams(body).get('attempt_id'))
      expect(ids.length).toBe(2)
      expect(ids[1]).toBe(ids[0])
      tab.thaw()
      await world.pass(60)
      expect([session.state, other.state]).not.toContain('ended')
      expect(other.peek()).toBe(world.access)
    },
  )
  test('a tab opened later asks the others for the tokens, where none are stored', async () => {
    const world = new World()
    await signedIn(world, { storage: 'memory' })
    const later = server(world.tab(), { storage: 'memory' })
    await world.pass(1)
    expect(later.peek()).toBe(world.access)
    expect(world.renewals.length).toBe(0)
  })
  test('two instances that share only storage make one renewal', async () => {
    const world = new World()
    const deaf = () => ({ environment: { ...world.tab().environment, open: () => undefined } })
    const { session } = await signedIn(world, deaf())
    const other = server(world.tab(), deaf())
    await world.pass(1)
    await world.sleep(1000)
    const tokens = await world.until(Promise.all([session.token(), other.token()]))
    expect(tokens).toEqual([world.access, world.access])
    expect(world.renewals.length).toBe(1)
  })
  test.each([
    ['F21', 'throws', true],
    ['F22', 'cannot even be looked at', false],
  ])('%s storage that %s is survived', async (_id, _what, quota) => {
    const world = new World()
    world.storageFails = quota
    const { environment } = world.tab()
    const blocked = Object.defineProperty({ ...environment }, 'shared', {
      get: () => {
        throw new DOMException('blocked', 'SecurityError')
      },
    })
    const { session } = await signedIn(world, quota ? {} : { environment: blocked })
    await world.sleep(1000)
    expect(await world.until(session.token())).toBe(world.access)
    await world.until(session.end())
    expect(session.state).toBe('ended')
  })
})

describe('storage that fails for several renewals and then works again', () => {
  /** What a tab of its own sees: full, it takes nothing, and gives and forgets what it has. */
  const full = (tab: Tab, isFull: () => boolean): Tab => {
    const { shared } = tab.environment
    const setItem = (key: string, value: string) => {
      if (isFull()) throw new DOMException('full', 'QuotaExceededError')
      shared?.setItem(key, value)
    }
    return { ...tab, environment: { ...tab.environment, shared: { ...shared!, setItem } } }
  }
  const KEY = 'prolong.default.tokens'

  test('full: the spent token is removed, and a page opened then has those of the tabs that are there', async () => {
    const world = new World()
    let isFull = false
    const tab = full(world.tab(), () => isFull)
    const session = server(tab)
    await session.adopt(world.answer())
    await world.pass(1)
    expect(world.shared.get(KEY)).toContain('refresh-1')
    isFull = true
    await busy(world, tab, 3000)
    expect(world.renewals.length).toBeGreaterThanOrEqual(3)
    expect(world.shared.has(KEY)).toBe(false)
    const late = server(full(world.tab(), () => isFull))
    await world.pass(1)
    expect(await world.until(late.token())).toBe(world.access)
    isFull = false
    await world.pass(31)
    expect(world.shared.get(KEY)).toContain(`"refresh-${world.generation}"`)
    expect(world.refusal).toBeUndefined()
  })
  test('full, and every tab closed: nobody is taken for a thief', async () => {
    const world = new World()
    let isFull = false
    const tab = full(world.tab(), () => isFull)
    const session = server(tab)
    await session.adopt(world.answer())
    isFull = true
    await busy(world, tab, 3000)
    tab.close()
    isFull = false
    await expect(world.until(server(world.tab()).token())).rejects.toMatchObject({ code: 'NOT_SIGNED_IN' })
    expect(world.refusal).toBeUndefined()
  })
  test.each([0, 1, 20])(
    'dead, and a page opened %i s after it recovered: no spent token is presented',
    async (seconds) => {
      const world = new World()
      world.locks = 'absent'
      const { tab } = await signedIn(world)
      world.storageFails = true
      await busy(world, tab, 3000)
      expect(world.renewals.length).toBeGreaterThanOrEqual(3)
      world.storageFails = false
      expect(world.shared.get(KEY)).toContain('refresh-1')
      await world.pass(seconds)
      const late = server(world.tab())
      expect(await world.until(late.token())).toBe(world.access)
      await world.pass(31)
      expect(world.shared.get(KEY)).toContain(`"refresh-${world.generation}"`)
      expect(world.refusal).toBeUndefined()
      // And once it was written, the tabs are needed no more.
      tab.close()
      await world.sleep(3000)
      expect(await world.until(server(world.tab()).token())).toBe(world.access)
    },
  )
  test('dead, and signed out meanwhile: the token is gone when it works again', async () => {
    const world = new World()
    const { session } = await signedIn(world)
    world.storageFails = true
    await world.until(session.end())
    world.storageFails = false
    world.online()
    await world.pass(31)
    expect(world.shared.has(KEY)).toBe(false)
  })
})

describe('idleness', () => {
  test('F34 input in another tab keeps a session of 30 idle minutes', async () => {
    const world = new World()
    const { session } = await signedIn(world, { idle: { after: 1800 } })
    const tab = world.tab()
    const other = server(tab, { idle: { after: 1800 } })
    const warnings: number[] = []
    session.on('warning', ({ secondsLeft }) => warnings.push(secondsLeft))
    await world.pass(29 * 60)
    tab.input()
    await world.pass(10 * 60)
    expect([session.state, other.state]).not.toContain('ended')
    await world.pass(21 * 60)
    expect([session.state, other.state]).toEqual(['ended', 'ended'])
    expect(warnings.at(-1)).toBe(60)
  })
  test('whoever was idle and signs in again stays, in every tab, also where no input can be seen', async () => {
    const world = new World()
    const blind = () => ({ environment: { ...world.tab().environment, listen: () => undefined } })
    const idle = { idle: { after: 1800 } }
    const { session } = await signedIn(world, { ...idle, ...blind() })
    const other = server(world.tab(), { ...idle, ...blind() })
    await world.pass(1900)
    expect([session.state, other.state]).toEqual(['ended', 'ended'])
    await session.adopt(world.answer())
    await world.pass(60)
    expect([session.state, other.state]).toEqual(['active', 'active'])
  })
  test('renewals carry the seconds since the last input', async () => {
    const world = new World()
    await signedIn(world)
    await world.pass(760)
    expect(Number(new URLSearchParams(world.renewals[0]?.body).get('idle_for'))).toBeGreaterThan(600)
  })
})

describe('requests', () => {
  test('F12 F14 three stale requests, one answered late: one renewal, all served', async () => {
    const world = new World()
    const { session } = await signedIn(world)
    world.generation = 1
    const api = world.api
    let calls = 0
    world.api = async (request) =>
      calls++ < 3 ? Response.json({ code: 'EXPIRED_TOKEN' }, { status: 401 }) : api(request)
    const answers = await world.until(
      Promise.all([1, 2, 3].map(() => session.fetch(API, { method: 'POST', body: '{}' }))),
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(world.renewals.length).toBe(1)
  })
  test('F13 a 401 about something else is surfaced', async () => {
    const world = new World()
    const { session } = await signedIn(world)
    world.api = () => new Response('', { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="x"' } })
    expect((await world.until(session.fetch(API))).status).toBe(401)
    expect(world.renewals.length).toBe(0)
  })
  test('a misconfigured API signs nobody out and makes no storm', async () => {
    const world = new World()
    const { session } = await signedIn(world)
    world.api = () => Response.json({ code: 'INVALID_TOKEN', action: 'sign_in' }, { status: 401 })
    for (let n = 0; n < 50; n++) await world.until(session.fetch(API))
    expect(session.state).toBe('active')
    expect(world.renewals.length).toBeLessThanOrEqual(2)
  })
  test('F15 a form is sent again', async () => {
    const world = new World()
    const { session } = await signedIn(world)
    const api = world.api
    let first = true
    world.api = (request) => {
      if (!first) return api(request)
      first = false
      return Response.json({ code: 'EXPIRED_TOKEN' }, { status: 401 })
    }
    const form = new FormData()
    form.set('a', 'b')
    expect((await world.until(session.fetch(API, { method: 'POST', body: form }))).status).toBe(200)
  })
  const consumed: Array<[string, () => RequestInit & { prolong?: { replay: 'never' } }]> = [
    ['a stream', () => ({ body: new Blob(['x']).stream() })],
    [
      'an async iterable',
      () => ({
        body: (async function* () {
          yield new Uint8Array([1])
        })() as never,
      }),
    ],
    ['what the caller forbids', () => ({ body: '{}', prolong: { replay: 'never' } })],
  ]
  test.each(consumed)(
    'F16 %s is sent once: its 401 is surfaced, and the next request has a new token',
    async (_, init) => {
      const world = new World()
      const { session } = await signedIn(world)
      // Beyond the gap of 5 s: a renewal is possible, so that only the body forbids the second sending.
      await world.pass(20)
      const api = world.api
      let sent = 0
      world.api = () => {
        sent++
        return Response.json({ code: 'EXPIRED_TOKEN', action: 'renew' }, { status: 401 })
      }
      const more = { method: 'POST', duplex: 'half', ...init() } as RequestInit
      expect((await world.until(session.fetch(API, more))).status).toBe(401)
      expect(sent).toBe(1)
      expect(world.renewals.length).toBe(1)
      world.api = api
      expect((await world.until(session.fetch(API))).status).toBe(200)
    },
  )
  test('F12 a late 401 for an older token is sent again with the current one, without a renewal', async () => {
    const world = new World()
    const { session } = await signedIn(world)
    await world.pass(20)
    const old = world.access
    const bearers: Array<string | null> = []
    let late = (_answer: Response) => {}
    world.api = (request) => {
      bearers.push(request.headers.get('Authorization'))
      const stale = bearers.at(-1) === `Bearer ${old}`
      const refused = () => Response.json({ code: 'EXPIRED_TOKEN', action: 'renew' }, { status: 401 })
      if (!stale) return new Response('ok')
      return bearers.length === 1 ? new Promise<Response>((answer) => (late = answer)) : refused()
    }
    const slow = session.fetch(API)
    expect((await world.until(session.fetch(API))).status).toBe(200)
    expect(world.renewals.length).toBe(1)
    // Long after the gap of 5 s, when one more renewal would be allowed.
    await world.pass(30)
    late(Response.json({ code: 'EXPIRED_TOKEN', action: 'renew' }, { status: 401 }))
    expect((await world.until(slow)).status).toBe(200)
    expect(world.renewals.length).toBe(1)
    expect(bearers.at(-1)).toBe(`Bearer ${world.access}`)
  })
  test('no token goes to an origin that is not allowed', async () => {
    const world = new World()
    const { session } = await signedIn(world)
    await world.until(session.fetch('https://evil.example.net/x'))
    expect(world.requests.at(-1)?.authorization).toBeNull()
  })
  test('the API may hand over a token, or say that one is due', async () => {
    const world = new World()
    const { session } = await signedIn(world)
    world.api = () => new Response('', { headers: { 'Prolong-Access-Token': 'handed-over' } })
    await world.until(session.fetch(API))
    expect(session.peek()).toBe('handed-over')
    world.api = () => new Response('', { headers: { 'Prolong-Renew': 'due' } })
    await world.until(session.fetch(API))
    await world.pass(1)
    expect(world.renewals.length).toBe(1)
  })
  test('explain() and errors hold no token', async () => {
    const world = new World()
    const { session } = await signedIn(world)
    await world.pass(1000)
    expect(JSON.stringify(session.explain())).not.toMatch(/access-|refresh-/)
  })
})

describe('wrong options are named, with how to mend them', () => {
  const renew = (): string => 'x'
  const named = (run: () => unknown, field: string) => {
    expect(run).toThrow(expect.objectContaining({ code: 'BAD_OPTION', field }))
    expect(run).toThrow(new RegExp(`"${field.replace(/[[\].]/g, '\\$&')}" must be ..`))
  }
  test.each([
    [undefined, 'renew'],
    [null, 'renew'],
    [{}, 'renew'],
    [{ renew: 'https://auth.example.com' }, 'renew'],
    [{ renew, attempt: 'x' }, 'attempt'],
    [{ renew, signIn: {} }, 'signIn'],
    [{ renew, end: 1 }, 'end'],
    [{ renew, verdict: 'open' }, 'verdict'],
    [{ renew, name: {} }, 'name'],
    [{ renew, name: null }, 'name'],
    [{ renew, lead: -1 }, 'lead'],
    [{ renew, lead: Number.NaN }, 'lead'],
    [{ renew, lead: 'early' }, 'lead'],
    [{ renew, origins: ['nonsense'] }, 'origins[0]'],
    [{ renew, origins: ['https://api.example.com', '*'] }, 'origins[1]'],
    [{ renew, origins: ['https://[bad'] }, 'origins[0]'],
    [{ renew, origins: ['ftp://api.example.com'] }, 'origins[0]'],
    [{ renew, origins: 5 }, 'origins[0]'],
    [{ renew, idle: 900 }, 'idle.after'],
    [{ renew, idle: { after: -1 } }, 'idle.after'],
    [{ renew, idle: { after: 'long' } }, 'idle.after'],
    [{ renew, idle: { warn: 0 } }, 'idle.warn'],
    [{ renew, storage: 'session' }, 'storage'],
    [{ renew, storage: null }, 'storage'],
    [{ renew, storage: { getItem: () => null } }, 'storage'],
    [{ renew, signal: 'stop' }, 'signal'],
    [{ renew, resume: 'no' }, 'resume'],
    [{ renew, resume: 1 }, 'resume'],
    [{ renew, resume: {} }, 'resume'],
    [{ renew, environment: null }, 'environment.wall'],
    [{ renew, environment: 'node' }, 'environment.wall'],
    [{ renew, environment: {} }, 'environment.wall'],
    // The tab itself instead of what it has.
    [{ renew, environment: new World().tab() }, 'environment.wall'],
    ...(['steady', 'random', 'after', 'fetch', 'open', 'locked', 'hidden', 'listen'] as const).flatMap((member) => [
      [{ renew, environment: { ...new World().tab().environment, [member]: undefined } }, `environment.${member}`],
      [{ renew, environment: { ...new World().tab().environment, [member]: 5 } }, `environment.${member}`],
    ]),
  ] as Array<[unknown, string]>)('%o', (options, field) => named(() => prolong(options as never), field))

  const server = { authority: 'https://auth.example.com', client: 'web' }
  test.each([
    [undefined, 'authority'],
    [{ ...server, authority: 'auth.example.com' }, 'authority'],
    [{ ...server, authority: new URL('https://auth.example.com').host }, 'authority'],
    [{ ...server, client: undefined }, 'client'],
    [{ ...server, client: 7 }, 'client'],
    [{ ...server, transport: 'header' }, 'transport'],
    [{ ...server, prolongWith: 'both' }, 'prolongWith'],
    [{ ...server, requireAccessToken: 'no' }, 'requireAccessToken'],
    [{ ...server, tokenEndpoint: 7 }, 'tokenEndpoint'],
    [{ ...server, tokenEndpoint: null }, 'tokenEndpoint'],
    [{ ...server, tokenEndpoint: 'https://' }, 'tokenEndpoint'],
    [{ ...server, tokenEndpoint: 'javascript:alert(1)' }, 'tokenEndpoint'],
    [{ ...server, revocationEndpoint: {} }, 'revocationEndpoint'],
    [{ ...server, revocationEndpoint: 'mailto:x@example.com' }, 'revocationEndpoint'],
  ])('server: %o', (options, field) => named(() => prolongServer(options as never), field))

  test('origins are taken as they are meant: any address of theirs, one alone', async () => {
    const gone: Array<string | null> = []
    const fetch: typeof globalThis.fetch = async (_input, init) => {
      gone.push(new Headers(init?.headers).get('Authorization'))
      return new Response('ok')
    }
    const environment = { ...new World().tab().environment, fetch }
    const session = prolong({ renew, environment, origins: 'HTTPS://API.example.com:443/v1/' as never })
    await session.adopt({ access_token: 'secret', expires_in: 900 })
    await session.fetch('https://api.example.com/orders')
    await session.fetch('https://app.example.com/orders')
    expect(gone).toEqual(['Bearer secret', null])
  })
  test('arguments, too', async () => {
    const world = new World()
    const { session } = await signedIn(world)
    for (const validFor of [-1, Number.NaN, 'long'])
      await expect(session.token({ validFor } as never)).rejects.toMatchObject({ field: 'validFor' })
    for (const credentials of [undefined, null])
      await expect(session.signIn(credentials as never)).rejects.toMatchObject({ field: 'credentials' })
    for (const answer of [undefined, null, {}, 7])
      await expect(session.adopt(answer as never)).rejects.toMatchObject({ field: 'access_token' })
  })
})
