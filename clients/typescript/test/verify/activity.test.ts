// What is told of sessions that were used (decision 0021), against an issuer over HTTP.

import { afterEach, expect, test } from 'vitest'
import { Activity } from '../../src/verify/activity.js'
import { type DiscoverOptions, discover, type RouteOptions, type Verifier } from '../../src/verify/index.js'
import { ClientToken } from '../../src/verify/remote/client.js'
import { Origin } from '../../src/verify/remote/origin.js'
import { Reports } from '../../src/verify/remote/reports.js'
import { Issuer } from './issuer.js'
import { ISSUER, NOW, token } from './mint.js'

const cleanUp: (() => void)[] = []
afterEach(() => {
  for (const clean of cleanUp.splice(0)) clean()
})
const client = { id: 'orders-api', secret: 'a secret of 256 bits' }

const started = async () => {
  const issuer = new Issuer()
  const fetchUrl = await issuer.start()
  cleanUp.push(() => issuer.stop())
  const clock = { now: NOW }
  const activity = new Activity()
  const closing = new AbortController()
  const origin = new Origin({ issuer: ISSUER, fetchUrl, signal: closing.signal })
  const faults: string[] = []
  const reports = new Reports({
    origin,
    token: new ClientToken(origin, new URL(`${fetchUrl}/token`), client, 'prolong:activity'),
    activity,
    now: () => clock.now,
    failed: ({ message }) => void faults.push(message),
  })
  return { issuer, clock, activity, reports, faults, closing }
}

test('it is told how long ago each session was last used, once', async () => {
  const { issuer, clock, activity, reports } = await started()
  for (const [sessionId, ago] of [
    ['a', 5],
    ['b', 3],
    ['a', 1],
    ['a', 2],
  ] as const)
    activity.note({ sessionId }, NOW - ago)
  // A machine's token.
  activity.note({ sessionId: undefined }, NOW)
  // Seen after the clock was set back: never less than nothing.
  activity.note({ sessionId: 'c' }, NOW + 60)
  clock.now = NOW + 4
  await reports.tellAll()
  const told = issuer.reports.flatMap(({ sessions }) => sessions).sort((a, b) => (a.id < b.id ? -1 : 1))
  expect(told).toEqual([
    { id: 'a', idle_for: 5 },
    { id: 'b', idle_for: 7 },
    { id: 'c', idle_for: 0 },
  ])
  expect(issuer.grants[0]).toContain('scope=prolong%3Aactivity')
  await reports.tellAll()
  expect(issuer.reports.length).toBe(1)
})

test('at most a thousand in a call, until none is left; and bounded in memory', async () => {
  const { issuer, activity, reports } = await started()
  for (let n = 0; n < 2500; n++) activity.note({ sessionId: `s${n}` }, NOW)
  await reports.tellAll()
  expect(issuer.reports.map(({ sessions }) => sessions.length)).toEqual([1000, 1000, 500])
  for (let n = 0; n <= 100_000; n++) activity.note({ sessionId: `s${n}` }, NOW)
  activity.note({ sessionId: 's0' }, NOW + 1)
  const all = activity.take(Number.POSITIVE_INFINITY)
  expect(all.length).toBe(100_000)
  expect(all[0]).toEqual(['s0', NOW + 1])
})

test.each([
  [401, /\/v1\/activity answered 401: the client of the option "client" needs the scope prolong:activity$/],
  [403, /\/v1\/activity answered 403: the client of/],
  [503, /\/v1\/activity answered 503$/],
  [200, /\/v1\/activity answered 200$/],
])('what is answered with %i is told again, with what came meanwhile', async (status, fault) => {
  const { issuer, activity, reports, faults } = await started()
  issuer.reporting = status
  activity.note({ sessionId: 'a' }, NOW - 9)
  activity.note({ sessionId: 'b' }, NOW - 9)
  await reports.tellAll()
  expect(issuer.reports).toEqual([])
  expect(faults).toEqual([expect.stringMatching(fault)])
  activity.note({ sessionId: 'a' }, NOW)
  issuer.reporting = 204
  await reports.tellAll()
  const told = issuer.reports.flatMap(({ sessions }) => sessions).sort((a, b) => (a.id < b.id ? -1 : 1))
  expect(told).toEqual([
    { id: 'a', idle_for: 0 },
    { id: 'b', idle_for: 9 },
  ])
  // A token that was refused is not tried again.
  expect(issuer.grants.length).toBe(status === 401 || status === 403 ? 2 : 1)
})

test('unreachable, nothing is lost; closed, nothing goes on', async () => {
  const { issuer, activity, reports, faults, closing } = await started()
  issuer.stop()
  activity.note({ sessionId: 'a' }, NOW)
  await reports.tellAll()
  expect(faults.length).toBe(1)
  expect(activity.take(9)).toEqual([['a', NOW]])
  closing.abort()
  await reports.keepTelling(closing.signal)
})

/** Which requests are noted, by the verifier's own list. */
const verifierOf = async (options: DiscoverOptions = {}) => {
  const issuer = new Issuer()
  const fetchUrl = await issuer.start()
  cleanUp.push(() => issuer.stop())
  const verifier = await discover(ISSUER, 'orders-api', { fetchUrl, now: () => NOW, client, ...options })
  cleanUp.unshift(() => verifier.close())
  const used = () => (verifier as unknown as { activity?: Activity }).activity?.take(9)
  return { verifier, used }
}
const byHandler = async (verifier: Verifier, headers: Record<string, string>, options: RouteOptions) =>
  void (await verifier.handler(
    () => new Response('ok'),
    options,
  )(new Request('https://api.example.com/orders', { headers })))
const byMiddleware = async (verifier: Verifier, headers: Record<string, string>, options: RouteOptions) => {
  const response = { statusCode: 200, setHeader: () => {}, end: () => {} }
  await verifier.middleware(options)({ url: '/orders', rawHeaders: Object.entries(headers).flat() }, response, () => {})
}

test.each([
  ['handler', byHandler],
  ['middleware', byMiddleware],
])('%s: a served request counts, unless it or its route is background', async (_what, ask) => {
  const { verifier, used } = await verifierOf({ reportActivity: true })
  const authorization = `Bearer ${token()}`
  const cases: [Record<string, string>, RouteOptions, boolean][] = [
    [{ authorization }, {}, true],
    [{ authorization, 'prolong-activity': 'foreground' }, {}, true],
    [{ authorization, 'Prolong-Activity': 'Background' }, {}, false],
    [{ authorization }, { background: true }, false],
    [{ authorization }, { scopes: ['other'] }, false],
    [{ authorization: 'Bearer x.y.z' }, {}, false],
    [{}, { optional: true }, false],
    [{ authorization: `Bearer ${token({}, { sid: undefined })}` }, {}, false],
  ]
  for (const [headers, options, counts] of cases) {
    await ask(verifier, headers, options)
    expect([headers, options, used()]).toEqual([headers, options, counts ? [['s1', NOW]] : []])
  }
})

test('it is off by default, and needs a client', async () => {
  const { verifier, used } = await verifierOf()
  await byHandler(verifier, { authorization: `Bearer ${token()}` }, {})
  expect(used()).toBeUndefined()
  await expect(discover(ISSUER, 'orders-api', { reportActivity: true })).rejects.toThrow(
    /reportActivity.*prolong:activity/,
  )
  expect(() => verifier.middleware({ background: 'yes' as never })).toThrow(/background/)
})
