// What a storage, a message, an answer or an address may hold if somebody else wrote it.
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { ambient } from '../src/environment.js'
import { isProlongError, prolong, prolongServer, type Session } from '../src/index.js'
import { World } from '../src/testing.js'

const KEY = 'prolong.default.tokens'
const opened = (world: World, more: object = {}) =>
  prolong({
    ...prolongServer({ authority: 'https://auth.example.com', client: 'web' }),
    environment: world.tab().environment,
    storage: 'local',
    ...more,
  })
/** Callers that do not wait for one another, for a minute: never more than one renewal in five seconds. */
const pestered = async (world: World, session: Session) => {
  const before = world.renewals.length
  for (let call = 0; call < 120; call++) {
    session.token().catch(() => {})
    await world.pass(0.5)
  }
  expect(world.renewals.length - before).toBeLessThanOrEqual(13)
}
const jwt = (claims: string) => `x.${btoa(claims)}.x`

describe('storage', () => {
  const held = {
    access: 'access-1-1',
    refresh: 'refresh-1',
    generation: 1,
    signedIn: 1_800_000_000_000,
    life: 900_000,
    times: [0, 900_000, 700_000, 1e15, 1e15],
    now: 0,
    wall: 1_800_000_000_000,
  }
  test.each([
    ['no JSON', 'plain'],
    ['null', 'null'],
    ['a list', '[]'],
    ['no life', JSON.stringify({ ...held, life: undefined })],
    ['a life of no number', JSON.stringify({ ...held, life: 'long' })],
    ['a generation of no number', JSON.stringify({ ...held, generation: {} })],
    ['a sign-in of no number', JSON.stringify({ ...held, signedIn: 'now' })],
    ['times of no number', JSON.stringify({ ...held, times: ['a', 'b', 'c', 'd', 'e'] })],
    ['no times', JSON.stringify({ ...held, times: {} })],
    ['an endless time', JSON.stringify(held).replace('700000', '1e999')],
    ['a clock of no number', JSON.stringify({ ...held, now: {} })],
    ['a token that is none', JSON.stringify({ ...held, access: { toString: 'x' } })],
    [
      'a prototype',
      `{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},${JSON.stringify(held).slice(1)}`,
    ],
  ])('%s: nobody is hurt, and somebody can sign in', async (what, stored) => {
    const world = new World()
    world.shared.set(KEY, stored)
    const session = opened(world)
    await pestered(world, session)
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
    if (what !== 'a prototype') expect(session.peek()).toBeUndefined()
    await world.pass(60)
    await session.adopt(world.answer())
    expect(session.peek()).toBe(world.access)
    expect(session.state).toBe('active')
  })
  test('a noted attempt that is none is drawn anew', async () => {
    const world = new World()
    const session = opened(world)
    await session.adopt(world.answer())
    await world.pass(1)
    world.tab().environment.shared?.setItem('prolong.default.attempt', 'x'.repeat(1e4))
    await world.sleep(1000)
    await world.until(session.token())
    expect(new URLSearchParams(world.renewals[0]?.body).get('attempt_id')).toMatch(/^[\w-]{22}$/)
  })
})

test('messages that are not understood are not heard', async () => {
  const world = new World()
  const session = opened(world)
  await session.adopt(world.answer())
  const channel = world.tab().environment.open('prolong.default.', () => {})
  const strange = [
    null,
    7,
    'tokens',
    [],
    ['__proto__'],
    ['constructor', 1],
    ['toString'],
    ['ended'],
    ['tokens', {}],
    ['next', 1],
  ]
  for (const message of strange) channel?.postMessage(message)
  await world.pass(1)
  expect(session.state).toBe('active')
  expect(session.peek()).toBe(world.access)
  // What is understood is heard here.
  channel?.postMessage(['ended', { reason: 'user_disabled', signedIn: Date.now() * 2 }])
  await world.pass(1)
  expect(session.state).toBe('ended')
})

describe('answers', () => {
  const SECRET = 'x.plr1_bmV2ZXItc2VudC1idXQtYS10b2tlbi1hbGwtdGhlLXNhbWU'
  test.each([
    ['expires_in', '"soon"'],
    ['expires_in', '{}'],
    ['expires_in', '1e999'],
    ['expires_in', '-1e999'],
    ['expires_in', '1e15'],
    ['refresh_in', '"NaN"'],
    ['refresh_token_timeout', '[1,2]'],
    ['authorization_expires_in', '-1e300'],
    ['server_time', '"now"'],
    ['access_token', '7'],
    ['access_token', '""'],
    ['access_token', JSON.stringify(`${SECRET}\nX-Injected: yes`)],
    ['access_token', JSON.stringify(`${SECRET}\n`)],
    ['access_token', JSON.stringify(`${SECRET}…`)],
  ])('"%s": %s is refused by name', async (field, value) => {
    const session = opened(new World())
    const answer = JSON.parse(`{"access_token":"${SECRET}","expires_in":900,${JSON.stringify(field)}:${value}}`)
    const error: unknown = await session.adopt(answer).catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'BAD_ANSWER', field })
    expect(isProlongError(error) && error.message).not.toContain(SECRET)
    expect(session.state).toBe('unknown')
  })
  test('a token that says it lives for ever is one that other tabs and the next page can have', async () => {
    const world = new World()
    const endless = jwt('{"iat":1,"exp":1e308}')
    await opened(world).adopt({ access_token: endless })
    const other = opened(world)
    await world.pass(1)
    expect(other.peek()).toBe(endless)
  })
  test('seconds as text are seconds', async () => {
    const world = new World()
    const session = opened(world)
    await session.adopt({ ...world.answer(), expires_in: '60' as never })
    expect(session.explain().expiresIn).toBe(60)
  })
  test('whatever an answer or its token says: refused by name, or renewed within the budget', async () => {
    const number = fc.oneof(
      fc.constantFrom(0, -1, -900, 1, 900, 1e14, -1e14, 9e14, 1e300, '900', '', null, true, {}, [], [5], 'x'),
      fc.double(),
      fc.integer(),
    )
    const part = fc.option(number, { nil: undefined })
    const answer = fc.record({
      access_token: fc.record({ exp: part, iat: part }).map((claims) => jwt(JSON.stringify(claims))),
      expires_in: part,
      refresh_in: part,
      refresh_token_timeout: part,
      authorization_expires_in: part,
      server_time: part,
      refresh_token: fc.constant('refresh-1'),
    })
    const unsaid = {
      expires_in: undefined,
      refresh_in: undefined,
      refresh_token_timeout: undefined,
      authorization_expires_in: undefined,
      server_time: undefined,
      refresh_token: 'refresh-1' as const,
    }
    await fc.assert(
      fc.asyncProperty(answer, async (answer) => {
        const world = new World()
        const session = opened(world, {
          renew: () => ({ ...answer, access_token: `${answer.access_token}${Math.random()}` }),
        })
        let renewals = 0
        session.on('renewed', () => void renewals++)
        try {
          await session.adopt(answer as never)
        } catch (error) {
          expect(error).toMatchObject({ code: 'BAD_ANSWER' })
          return
        }
        for (let call = 0; call < 40; call++) {
          session.token().catch(() => {})
          await world.pass(0.5)
        }
        expect(renewals).toBeLessThanOrEqual(6)
        session.dispose()
      }),
      // Compared as text, this `exp` is later than this `iat`, and their difference is no number.
      { numRuns: 400, examples: [[{ ...unsaid, access_token: jwt('{"exp":{},"iat":[5]}') }]] },
    )
  }, 60_000)
  test.each([Number.NaN, Number.POSITIVE_INFINITY, 'Wed, 21 Oct 2026 07:28:00 GMT', {}, -5])(
    'a renewal that fails with retryAfter %s makes no storm',
    async (retryAfter) => {
      const world = new World()
      let asked = 0
      const renew = () => {
        asked++
        throw Object.assign(new Error('busy'), { retryAfter })
      }
      const session = opened(world, { renew })
      await session.adopt({ access_token: 'old', expires_in: 0 })
      for (let call = 0; call < 120; call++) {
        session.token().catch(() => {})
        await world.pass(0.5)
      }
      expect(asked).toBeGreaterThan(0)
      expect(asked).toBeLessThanOrEqual(13)
    },
  )
})

describe('addresses', () => {
  const served = async (listener: RequestListener) => {
    const server = createServer(listener)
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
    onTestFinished(() => void server.close().closeAllConnections())
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  const signedIn = async (origins: string[]) => {
    let renewals = 0
    const session = prolong({
      renew: () => ({ access_token: `renewed-${++renewals}`, expires_in: 900 }),
      verdict: prolongServer({ authority: 'https://auth.example.com', client: 'web' }).verdict!,
      origins,
      environment: { ...ambient(), page: {} },
    })
    onTestFinished(() => session.dispose())
    await session.adopt({ access_token: 'secret', expires_in: 900 })
    return { session, renewals: () => renewals }
  }
  for (const status of [302, 307, 308])
    test(`redirected (${status}) to a stranger: it gets no token, and its word counts for nothing`, async () => {
      const heard: Array<string | undefined> = []
      const stranger = await served((request, response) => {
        heard.push(request.headers.authorization)
        const headers = { 'Prolong-Access-Token': 'planted', 'Prolong-Renew': 'due' }
        response.writeHead(401, { ...headers, 'WWW-Authenticate': 'Bearer error="invalid_token"' }).end()
      })
      const api = await served((request, response) => {
        heard.push(request.headers.authorization)
        response.writeHead(status, { Location: `${stranger}/x` }).end()
      })
      const { session, renewals } = await signedIn([api])
      const response = await session.fetch(`${api}/orders`, { method: 'POST', body: '{}' })
      expect(response.status).toBe(401)
      expect(heard).toEqual(['Bearer secret', undefined])
      expect(session.peek()).toBe('secret')
      expect(renewals()).toBe(0)
    })
  test('redirected within its origin, the token goes along and is renewed', async () => {
    const heard: Array<string | undefined> = []
    const api = await served((request, response) => {
      heard.push(request.headers.authorization)
      if (request.url === '/old') response.writeHead(307, { Location: '/new' }).end()
      else response.writeHead(request.headers.authorization === 'Bearer renewed-1' ? 200 : 401).end()
    })
    const { session } = await signedIn([api])
    expect((await session.fetch(`${api}/old`)).status).toBe(200)
    expect(heard).toEqual([...Array(2).fill('Bearer secret'), ...Array(2).fill('Bearer renewed-1')])
  })
  test('<base> counts as it is at each request, not as it was', () => {
    const document = { baseURI: 'https://app.example.com/' }
    vi.stubGlobal('document', document)
    onTestFinished(() => void vi.unstubAllGlobals())
    const environment = ambient()
    document.baseURI = 'https://cdn.example.net/'
    expect(environment.base).toBe('https://cdn.example.net/')
  })
  test('a relative address is relative to the page’s <base>, and the token stays where that is foreign', async () => {
    const gone: Array<string | null> = []
    const fetch: typeof globalThis.fetch = async (_input, init) => {
      gone.push(new Headers(init?.headers).get('Authorization'))
      return new Response('ok')
    }
    const origin = 'https://app.example.com'
    for (const base of ['https://cdn.example.net/', `${origin}/app/`]) {
      const environment = { ...new World().tab(origin).environment, fetch, base }
      const session = opened(new World(), { environment })
      await session.adopt({ access_token: 'secret', expires_in: 900 })
      await session.fetch('orders')
      await session.fetch(new URL('orders', origin))
      session.dispose()
    }
    expect(gone).toEqual([null, 'Bearer secret', 'Bearer secret', 'Bearer secret'])
  })
})
