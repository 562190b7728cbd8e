import fc from 'fast-check'
import { expect, test } from 'vitest'
import { prolong, prolongServer } from '../src/index.js'
import { type Weather, World } from '../src/testing.js'

const weather = fc.constantFrom<Weather>(
  'fine',
  'offline',
  'lose-response',
  'hang',
  { status: 500 },
  { status: 503 },
  { status: 429, retryAfter: 7 },
)
const step = fc.oneof(
  fc.record({ what: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 400 }) }),
  fc.record({ what: fc.constant('sleep' as const), seconds: fc.integer({ min: 1, max: 40_000 }) }),
  fc.record({ what: fc.constant('skew' as const), seconds: fc.integer({ min: -4000, max: 4000 }) }),
  fc.record({ what: fc.constant('weather' as const), weather }),
  fc.record({
    what: fc.constantFrom('show' as const, 'hide' as const, 'input' as const, 'token' as const, 'foreign' as const),
    tab: fc.nat(2),
  }),
)

test('no storm, no false sign-out, no leak: for any token, clock, sleep, error and number of tabs', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(1, 30, 300, 900, 3600, 30 * 86400),
      fc.array(step, { minLength: 3, maxLength: 25 }),
      fc.constantFrom('working' as const, 'absent' as const, 'frozen' as const),
      fc.nat(),
      async (life, steps, locks, seed) => {
        const world = new World(seed)
        world.life = life
        world.locks = locks
        const tabs = [world.tab(), world.tab(), world.tab()]
        const sessions = tabs.map(({ environment }) =>
          prolong({
            ...prolongServer({ authority: 'https://auth.example.com', client: 'web' }),
            environment,
            storage: 'local',
          }),
        )
        await sessions[0]?.adopt(world.answer())
        await world.pass(1)
        for (const each of steps) {
          if (each.what === 'pass') await world.pass(each.seconds)
          else if (each.what === 'sleep') await world.sleep(each.seconds)
          else if (each.what === 'skew') world.skew = each.seconds * 1e3
          else if (each.what === 'weather') world.weather = each.weather
          else if (each.what === 'token') sessions[each.tab]?.token().catch(() => {})
          else if (each.what === 'foreign') sessions[each.tab]?.fetch('https://evil.example.net/').catch(() => {})
          else tabs[each.tab]?.[each.what]()
          await world.pass(0.1)
        }
        const at = world.renewals.map((seen) => seen.at)
        const window = Math.min(life, 3600) * 1e3
        for (let n = 1; n < at.length; n++) expect(at[n]! - at[n - 1]!).toBeGreaterThanOrEqual(4999)
        for (let n = 12; n < at.length; n++)
          expect(at[n]! - at[n - 12]!).toBeGreaterThanOrEqual(Math.max(window - 50, 0))
        for (const session of sessions) expect(session.state).not.toBe('ended')
        for (const seen of world.requests) if (seen.url.includes('evil')) expect(seen.authorization).toBeNull()

        world.refusal = 'user_disabled'
        world.online()
        await world.sleep(31 * 86400)
        // The budget counts time awake: after the worst burst it allows the next renewal within the hour.
        for (let hour = 0; hour < 4; hour++) {
          await world.pass(1000)
          sessions[1]?.token().catch(() => {})
        }
        await world.pass(5)
        for (const session of sessions) expect(session.explain().next).toBe('nothing: user_disabled')
        for (const session of sessions) session.dispose()
      },
    ),
    { numRuns: 60, interruptAfterTimeLimit: 25_000 },
  )
}, 40_000)
