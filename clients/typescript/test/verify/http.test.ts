// Routes and the background work, against an issuer over HTTP. BEA and STP are lines of the checklists, as in
// crates/prolong-verify/tests/service and …/remote.

import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import {
  claimsIfAny,
  claimsOf,
  type DiscoverOptions,
  discover,
  type RouteOptions,
  type Verifier,
} from '../../src/verify/index.js'
import { restAfter } from '../../src/verify/remote/key-source.js'
import { Issuer } from './issuer.js'
import { ISSUER, jwk, type Members, NOW, token } from './mint.js'

const cleanUp: (() => void)[] = []
afterEach(() => {
  for (const clean of cleanUp.splice(0)) clean()
})

const world = async (
  change: Partial<Issuer> = {},
  options: DiscoverOptions = {},
  hasClock = true,
): Promise<{ issuer: Issuer; verifier: Verifier; clock: { now: number } }> => {
  const issuer = new Issuer()
  Object.assign(issuer, change)
  const fetchUrl = await issuer.start()
  const clock = { now: NOW }
  cleanUp.push(() => issuer.stop())
  const verifier = await discover(ISSUER, 'orders-api', {
    fetchUrl,
    ...(hasClock ? { now: () => clock.now } : {}),
    ...options,
  })
  cleanUp.unshift(() => verifier.close())
  return { issuer, verifier, clock }
}
const eventually = (what: () => unknown) =>
  vi.waitFor(() => expect(what()).toBeTruthy(), { timeout: 30_000, interval: 10 })
const fresh = async (w: { verifier: Verifier }) => eventually(() => w.verifier.staleness !== undefined)

const ask = (verifier: Verifier, fields: string[] = [], options: RouteOptions = {}, target = '/orders') => {
  const headers = new Headers()
  for (const field of fields) headers.append('authorization', field)
  const serve = (request: Request) => new Response(`hello ${claimsIfAny(request)?.subject ?? 'stranger'}`)
  return verifier.handler(serve, options)(new Request(`https://api.example.com${target}`, { headers }))
}
const withClaims = (verifier: Verifier, members: Members, options?: RouteOptions) =>
  ask(verifier, [`Bearer ${token({}, members)}`], options)
const challengeOf = (response: Response) => response.headers.get('www-authenticate') ?? ''

test('BEA-1: bearer in any case', async () => {
  const { verifier } = await world()
  for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
    const response = await ask(verifier, [`${scheme} ${token()}`])
    expect([response.status, response.headers.get('prolong-renew'), await response.text()]).toEqual([
      200,
      null,
      'hello u1',
    ])
  }
})

test('BEA-2, BEA-3: one way only', async () => {
  const { verifier } = await world()
  const inQuery = `/orders?x=1&access_token=${token()}`
  expect((await ask(verifier, [], {}, inQuery)).status).toBe(401)
  const field = `Bearer ${token()}`
  for (const [fields, target] of [
    [[field], inQuery],
    [[field, field], '/orders'],
    [['Bearer'], '/orders'],
    [['Bearer  '], '/orders'],
    [['Bearer a b'], '/orders'],
  ] as [string[], string][]) {
    const response = await ask(verifier, fields, {}, target)
    expect(response.status).toBe(400)
    expect(challengeOf(response)).toMatch(/^Bearer error="invalid_request"/)
  }
})

test('BEA-4: without credentials there is no error', async () => {
  const { verifier } = await world()
  for (const fields of [[], ['Basic dTpw']]) {
    const response = await ask(verifier, fields)
    expect([response.status, challengeOf(response)]).toEqual([401, 'Bearer code="MISSING_TOKEN", action="sign_in"'])
    expect(await (await ask(verifier, fields, { optional: true })).text()).toBe('hello stranger')
  }
  expect((await ask(verifier, ['Bearer x.y.z'], { optional: true })).status).toBe(401)
  expect((await ask(verifier, ['Bearer'], { optional: true })).status).toBe(400)
})

test('BEA-5: a problem document and a challenge, as Rust writes them', async () => {
  const { verifier } = await world()
  const response = await withClaims(verifier, { exp: NOW })
  expect(response.status).toBe(401)
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    'www-authenticate':
      'Bearer error="invalid_token", error_description="the token has expired", code="EXPIRED_TOKEN", action="renew"',
  })
  expect(await response.json()).toEqual({
    type: `${ISSUER}/docs/problems#EXPIRED_TOKEN`,
    title: 'The access token has expired',
    status: 401,
    detail: 'the token has expired',
    code: 'EXPIRED_TOKEN',
    action: 'renew',
    instance: '/orders',
  })
  const long = await ask(verifier, [`Bearer ${'a'.repeat(9000)}`])
  expect([long.status, ((await long.json()) as Members).code]).toEqual([401, 'INVALID_TOKEN'])
})

test('BEA-5, BEA-6, STP-1: what the route asks is told', async () => {
  const { verifier } = await world()
  const scope = await withClaims(verifier, {}, { scopes: ['orders:read', 'orders:write'] })
  expect([scope.status, challengeOf(scope)]).toEqual([
    403,
    'Bearer error="insufficient_scope", error_description="the token lacks a required scope", scope="orders:read orders:write", code="INSUFFICIENT_SCOPE", action="none"',
  ])
  expect((await withClaims(verifier, {}, { scopes: ['orders'] })).status).toBe(403)
  expect((await withClaims(verifier, {}, { scopes: ['profile', 'orders:read'] })).status).toBe(200)
  const old = await withClaims(verifier, {}, { maxAge: 600, acrValues: ['urn:"x"'] })
  expect([old.status, challengeOf(old)]).toEqual([
    401,
    'Bearer error="insufficient_user_authentication", error_description="a more recent or stronger sign-in is required", max_age="600", acr_values="urn:\\"x\\"", code="INSUFFICIENT_AUTHENTICATION", action="reauthenticate"',
  ])
  expect((await withClaims(verifier, {}, { maxAge: 601 })).status).toBe(200)
  expect((await withClaims(verifier, { auth_time: undefined }, { maxAge: 601 })).status).toBe(401)
  expect((await withClaims(verifier, { acr: 'b' }, { acrValues: ['a', 'b'] })).status).toBe(200)
  expect((await withClaims(verifier, { acr: 'c' }, { acrValues: ['a', 'b'] })).status).toBe(401)
  expect((await withClaims(verifier, {}, { caller: 'machine' })).status).toBe(403)
  expect((await withClaims(verifier, { sid: undefined }, { caller: 'machine' })).status).toBe(200)
  expect((await withClaims(verifier, { sid: undefined }, { caller: 'user' })).status).toBe(403)
})

test('ATJ-13: a route that did not think of machines serves none', async () => {
  const { verifier } = await world()
  expect((await withClaims(verifier, { sid: undefined }, {})).status).toBe(403)
  expect((await withClaims(verifier, { sid: undefined }, { scopes: ['orders:read'] })).status).toBe(403)
  expect((await withClaims(verifier, { sid: undefined }, { caller: 'any' })).status).toBe(200)
  expect((await withClaims(verifier, {}, { caller: 'any' })).status).toBe(200)
})

test('a soft expiry is a hint, or refused', async () => {
  const { verifier } = await world()
  const hinted = await withClaims(verifier, { softexp: NOW })
  expect([hinted.status, hinted.headers.get('prolong-renew')]).toEqual([200, 'due'])
  const refused = await withClaims(verifier, { softexp: NOW }, { softExpiry: 'reject' })
  expect(challengeOf(refused)).toContain('code="EXPIRED_TOKEN", action="renew"')
  const missed = await withClaims(verifier, { softexp: NOW - 9, exp: NOW }, { softExpiry: 'reject' })
  expect(challengeOf(missed)).toContain('code="INVALID_TOKEN", action="sign_in"')
})

test('a route whose rules are misspelt does not exist', async () => {
  const { verifier } = await world()
  for (const wrong of [
    { scope: 'x' },
    { scopes: ['a b'] },
    { maxAge: -1 },
    { staleness: 'close' },
    { optional: 1 },
    { caller: 'me' },
  ])
    expect(() => verifier.handler(() => new Response(), wrong as RouteOptions)).toThrow(/option "/)
})

test('Connect: as the handler, and every Authorization field counts', async () => {
  const { verifier } = await world()
  const guard = verifier.middleware({ scopes: ['orders:read'] })
  const server = createServer((request, response) =>
    guard(request, response, (error) => {
      response.statusCode = error ? 500 : 200
      response.end(`hello ${claimsOf(request).subject}`)
    }),
  )
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  cleanUp.push(() => server.close())
  const get = (fields: string[]) =>
    new Promise<{ status: number | undefined; renew: unknown; type: unknown; body: string }>((done) => {
      const { port } = server.address() as AddressInfo
      const headers = fields.flatMap((field) => ['Authorization', field])
      send({ port, path: '/orders?x=1', headers: ['Host', 'x', ...headers] }, async (answer) => {
        let body = ''
        for await (const chunk of answer) body += chunk
        const { 'prolong-renew': renew, 'content-type': type } = answer.headers
        done({ status: answer.statusCode, renew, type, body })
      }).end()
    })
  const good = `Bearer ${token({}, { softexp: NOW })}`
  expect(await get([good])).toMatchObject({ status: 200, renew: 'due', body: 'hello u1' })
  expect(await get([good, good])).toMatchObject({ status: 400 })
  const none = await get([])
  expect(none).toMatchObject({ status: 401, type: 'application/problem+json' })
  expect(JSON.parse(none.body)).toMatchObject({ code: 'MISSING_TOKEN', instance: '/orders' })
  expect(() => claimsOf({})).toThrow(/not behind the middleware/)
})

test('the feed: an end is refused as soon as it is told, with its reason', async () => {
  const w = await world()
  await fresh(w)
  expect((await withClaims(w.verifier, {})).status).toBe(200)
  w.issuer.end('S', 's1', 8)
  const told = (members: Members, what: RegExp) =>
    vi.waitFor(async () => expect(challengeOf(await withClaims(w.verifier, members))).toMatch(what), {
      timeout: 30_000,
    })
  await told({}, /action="sign_in", reason="user_disabled"$/)
  w.issuer.end('K', 'ES256')
  await told({ sid: 's2' }, /key_distrusted/)
})

test('the feed: a stream that breaks, drops or forks is mended, from where it stood or by a snapshot', async () => {
  const w = await world()
  await fresh(w)
  w.issuer.end('S', 'a', 1)
  await vi.waitFor(async () => expect((await withClaims(w.verifier, { sid: 'a' })).status).toBe(401), {
    timeout: 30_000,
  })
  w.issuer.cut()
  await eventually(() => w.issuer.cursors.length === 2)
  expect(w.issuer.cursors[1]).toBe(`e1.1.${w.issuer.chain(1)}`)
  // A dropped entry: the gap asks again, then for a snapshot, which has it.
  w.issuer.drops = ({ seq }) => seq === 2
  w.issuer.end('S', 's1', 8)
  w.issuer.end('S', 'b', 1)
  await vi.waitFor(async () => expect((await withClaims(w.verifier, {})).status).toBe(401), { timeout: 30_000 })
  // Another history: 409, a snapshot, and nothing is forgotten.
  w.issuer.drops = () => false
  w.issuer.epoch = 'e2'
  w.issuer.entries = []
  w.issuer.cut()
  await eventually(() => w.issuer.cursors.at(-1)?.startsWith('e2.0'))
  expect((await withClaims(w.verifier, {})).status).toBe(401)
})

test('staleness is open, shrunk or closed, and an authority that is down costs freshness only', async () => {
  const w = await world()
  await fresh(w)
  w.issuer.silent = true
  w.issuer.down = true
  w.issuer.cut()
  w.clock.now = NOW + 5
  expect((await withClaims(w.verifier, {}, { staleness: 'closed' })).status).toBe(200)
  w.clock.now = NOW + 6
  expect((await withClaims(w.verifier, {})).status).toBe(200)
  expect([w.verifier.servedStale, w.verifier.staleness]).toEqual([1, 6])
  const closed = await withClaims(w.verifier, {}, { staleness: 'closed' })
  expect([closed.status, closed.headers.get('retry-after'), challengeOf(closed)]).toEqual([503, '2', ''])
  expect(await closed.json()).toMatchObject({ code: 'UNAVAILABLE', action: 'retry' })
  expect((await withClaims(w.verifier, { iat: NOW + 6 - 119 }, { staleness: 'shrink' })).status).toBe(200)
  expect(challengeOf(await withClaims(w.verifier, { iat: NOW + 6 - 120 }, { staleness: 'shrink' }))).toContain(
    'action="renew"',
  )
  // What is known here comes first, what the route asks included: it needs no feed, and nobody was served.
  const served = w.verifier.servedStale
  expect((await withClaims(w.verifier, { exp: NOW }, { staleness: 'closed' })).status).toBe(401)
  for (const staleness of ['closed', 'open', 'shrink'] as const)
    expect((await withClaims(w.verifier, { iat: NOW - 600 }, { staleness, scopes: ['none'] })).status).toBe(403)
  expect(w.verifier.servedStale).toBe(served)
})

test('a wall clock that is set back does not make a silent feed fresh', async () => {
  let wall = NOW * 1000
  let passed = 0
  const monotonic = performance.now.bind(performance)
  vi.spyOn(Date, 'now').mockImplementation(() => wall)
  vi.spyOn(performance, 'now').mockImplementation(() => monotonic() + passed)
  cleanUp.push(() => vi.restoreAllMocks())
  const w = await world({}, {}, false)
  await fresh(w)
  w.issuer.silent = true
  w.issuer.down = true
  w.issuer.cut()
  wall -= 3_600_000
  passed += 60_000
  expect(w.verifier.staleness).toBeGreaterThanOrEqual(60)
  const past = { iat: NOW - 7_200, auth_time: NOW - 7_200 }
  expect((await withClaims(w.verifier, past, { staleness: 'closed' })).status).toBe(503)
  expect((await withClaims(w.verifier, past)).status).toBe(200)
})

test('closed and stale with a client: the authority is asked about this token', async () => {
  const client = { id: 'reader', secret: 'a+b' }
  const w = await world({}, { client })
  await fresh(w)
  w.issuer.silent = true
  w.issuer.cut()
  w.clock.now = NOW + 60
  const closed = () => withClaims(w.verifier, {}, { staleness: 'closed' })
  expect(challengeOf(await closed())).toMatch(/does not accept the token any more", code="INVALID_TOKEN"/)
  w.issuer.introspected = { active: true, sub: 'u1' }
  expect((await closed()).status).toBe(200)
  w.issuer.introspected = { active: 'yes', sub: 'u1' }
  expect((await closed()).status).toBe(503)
  expect(w.issuer.grants.at(-1)).toMatch(/^Basic cmVhZGVyOmElMkJi token=ey/)
  w.issuer.down = true
  expect((await closed()).status).toBe(503)
})

test('an unknown key is asked for once, and an issuer that cannot be asked is 503', async () => {
  const w = await world()
  const strange = () => ask(w.verifier, [`Bearer ${token({}, {}, 'EdDSA')}`])
  w.issuer.keys.push(jwk('EdDSA'))
  expect((await strange()).status).toBe(200)
  expect(w.issuer.asked['/keys']).toBe(2)
  for (let round = 0; round < 5; round++)
    expect((await ask(w.verifier, [`Bearer ${token({ kid: `k${round}` })}`])).status).toBe(401)
  expect(w.issuer.asked['/keys']).toBe(2)

  const other = await world()
  other.issuer.down = true
  const answers = await Promise.all([0, 1, 2].map(() => ask(other.verifier, [`Bearer ${token({}, {}, 'EdDSA')}`])))
  expect(answers.map(({ status }) => status)).toEqual([503, 503, 503])
  expect(other.issuer.asked['/keys']).toBe(2)
})

test('a fetch of keys that failed has told nothing: it is repeated after a second, then less often', async () => {
  expect([0, 1, 2, 3, 4, 5, 6, 7, 2_000].map(restAfter)).toEqual([
    30_000, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000,
  ])
  const w = await world()
  const strange = () => ask(w.verifier, [`Bearer ${token({}, {}, 'EdDSA')}`])
  w.issuer.keys = []
  expect((await strange()).status).toBe(503)
  w.issuer.keys = [jwk('ES256'), jwk('EdDSA')]
  await vi.waitFor(async () => expect((await strange()).status).toBe(200), { timeout: 20_000 })
  expect(w.issuer.asked['/keys']).toBe(3)
  for (let round = 0; round < 3; round++)
    expect((await ask(w.verifier, [`Bearer ${token({ kid: 'unknown' })}`])).status).toBe(401)
  expect(w.issuer.asked['/keys']).toBe(3)
  // It worked since, so that earlier failures are forgotten.
  const monotonic = performance.now.bind(performance)
  for (const [passed, asked] of [
    [20_000, 3],
    [31_000, 4],
  ] as const) {
    const moved = vi.spyOn(performance, 'now').mockImplementation(() => monotonic() + passed)
    await ask(w.verifier, [`Bearer ${token({ kid: 'unknown' })}`])
    moved.mockRestore()
    expect(w.issuer.asked['/keys']).toBe(asked)
  }
})

test("a dead key's successor is fetched at once, though a forger has just made the verifier ask", async () => {
  const w = await world()
  await fresh(w)
  const seen = `Bearer ${token()}`
  expect((await ask(w.verifier, [seen])).status).toBe(200)
  expect((await ask(w.verifier, [`Bearer ${token({ kid: 'forged' })}`])).status).toBe(401)
  expect(w.issuer.asked['/keys']).toBe(2)
  w.issuer.keys = [jwk('EdDSA')]
  w.issuer.end('K', 'ES256')
  await eventually(() => w.issuer.asked['/keys'] === 3)
  await vi.waitFor(async () => expect((await ask(w.verifier, [`Bearer ${token({}, {}, 'EdDSA')}`])).status).toBe(200), {
    timeout: 10_000,
  })
  // The dead key has left the set: its tokens are renewed all the same, seen or not.
  for (const field of [seen, `Bearer ${token()}`])
    expect(challengeOf(await ask(w.verifier, [field]))).toMatch(/code="EXPIRED_TOKEN".*key_distrusted/)
})

test('a guarded feed is read with a token of the client, whose id and secret are form-encoded', async () => {
  const client = { id: 'reader', secret: 'a+b' }
  await expect(world({ guarded: true })).rejects.toThrow(/prolong:feed/)
  const w = await world({ guarded: true }, { client })
  expect(w.issuer.grants).toEqual(['Basic cmVhZGVyOmElMkJi grant_type=client_credentials&scope=prolong%3Afeed'])
  await fresh(w)
})

test('what discovery refuses is told', async () => {
  await expect(discover('http://auth.example.com', 'x')).rejects.toMatchObject({ code: 'BAD_URL' })
  await expect(discover('https://auth.example.com', '')).rejects.toThrow('"audience"')
  await expect(world({ name: `${ISSUER}/` })).rejects.toMatchObject({ code: 'WRONG_ISSUER' })
  await expect(world({ keys: [] })).rejects.toMatchObject({ code: 'BAD_KEYS' })
  await expect(world({ keys: [{ ...jwk('ES256'), d: 'AA' }] })).rejects.toThrow(/private half/)
  await expect(world({ down: true })).rejects.toMatchObject({ code: 'STATUS', status: 502 })
  const closed = new Issuer()
  const nowhere = await closed.start()
  closed.stop()
  await expect(discover(ISSUER, 'x', { fetchUrl: nowhere })).rejects.toMatchObject({ code: 'UNREACHABLE' })
})
