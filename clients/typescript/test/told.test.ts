import { expect, test } from 'vitest'
import { type Events, type Options, prolong, prolongServer } from '../src/index.js'
import { type Tab, World } from '../src/testing.js'

// What a page is told, and what it says: each to the word.

const opened = (tab: Tab, more: Partial<Options> = {}) =>
  prolong({
    ...prolongServer({ authority: 'https://auth.example.com', client: 'web' }),
    environment: tab.environment,
    storage: 'local',
    ...more,
  })

test('the end that nears has its name: nobody is here, or nothing helps', async () => {
  for (const [kind, answer] of [
    ['lifetime', { authorization_expires_in: 600 }],
    ['idle', { refresh_token_timeout: 600 }],
  ] as const) {
    const world = new World()
    const session = opened(world.tab())
    const told: Events['warning'][] = []
    session.on('warning', (event) => void told.push(event))
    await session.adopt({ ...world.answer(), ...answer })
    await world.pass(530)
    expect(told).toEqual([])
    await world.pass(20)
    expect(told).toMatchObject([{ kind, secondsLeft: 60 }])
  }
})

test('a far end is believed to the second, and one that nobody told is neither an end nor a promise', async () => {
  const DAY = 86_400
  // Further than a timer of the platform can count.
  const kept = { expires_in: 30 * DAY, refresh_in: 30 * DAY }
  for (const [kind, answer] of [
    ['lifetime', { authorization_expires_in: 26 * DAY }],
    ['idle', { refresh_token_timeout: 26 * DAY }],
    [undefined, {}],
  ] as const) {
    const world = new World()
    const session = opened(world.tab())
    const told: Events['warning'][] = []
    session.on('warning', (event) => void told.push(event))
    await session.adopt({ ...world.answer(), ...kept, ...answer })
    await world.pass(26 * DAY - 70)
    expect([told, world.renewals]).toEqual([[], []])
    await world.pass(20)
    expect(told).toMatchObject(kind ? [{ kind, secondsLeft: 60 }] : [])
    if (kind) continue
    // Nobody said when it is over, so the authority is asked, and believed.
    await world.pass(2 * DAY)
    expect([session.state, told]).toEqual(['active', []])
    world.refusal = 'lifetime_reached'
    await world.pass(3 * DAY)
    expect(session.state).toBe('ended')
  }
})

test('stay() says to the authority that somebody is here, at once', async () => {
  const world = new World()
  const session = opened(world.tab())
  let stay: (() => Promise<void>) | undefined
  session.on('warning', (event) => {
    stay = event.stay
  })
  await session.adopt({ ...world.answer(), refresh_token_timeout: 600 })
  await world.pass(560)
  const before = world.renewals.length
  await world.until(stay!())
  expect(world.renewals.length).toBe(before + 1)
  expect(Number(new URLSearchParams(world.renewals.at(-1)?.body).get('idle_for'))).toBeLessThanOrEqual(1)
  expect(session.state).toBe('active')
})

test('who signs out is told so, and other tabs that it was elsewhere', async () => {
  const world = new World()
  const here = opened(world.tab())
  await here.adopt(world.answer())
  const there = opened(world.tab())
  await world.pass(1)
  const reasons: string[] = []
  here.on('ended', ({ reason }) => void reasons.push(`here ${reason}`))
  there.on('ended', ({ reason }) => void reasons.push(`there ${reason}`))
  await world.until(here.end())
  await world.pass(1)
  expect(reasons.sort()).toEqual(['here signed_out', 'there signed_out_elsewhere'])
})

test('a Request keeps its own headers, and those beside it count instead', async () => {
  const world = new World()
  const session = opened(world.tab())
  await session.adopt(world.answer())
  const seen: [string | null, string | null][] = []
  world.api = ({ headers }) => {
    seen.push([headers.get('X-Trace'), headers.get('Authorization')])
    return new Response('ok')
  }
  const request = new Request('https://app.example.com/orders', { headers: { 'X-Trace': 'one' } })
  await world.until(session.fetch(request))
  await world.until(session.fetch(request, { headers: { 'X-Trace': 'two' } }))
  const bearer = `Bearer ${world.access}`
  expect(seen).toEqual([
    ['one', bearer],
    ['two', bearer],
  ])
})
