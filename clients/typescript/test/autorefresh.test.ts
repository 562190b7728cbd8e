import { describe, expect, test } from 'vitest'
import { autorefresh } from '../src/autorefresh.js'
import { World } from '../src/testing.js'

const jwt = (world: World, life: number, issuedAhead = 0) => {
  const iat = Math.floor(1_800_000_000 + world.time / 1e3) + issuedAhead
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ iat, exp: iat + life, n: world.time })}.x`
}
const run = async (life: number, leadSeconds: number, seconds: number, fail = (_call: number) => false, skew = 0) => {
  const world = new World()
  world.skew = skew * 1e3
  let calls = 0
  const refresh = () => {
    if (fail(++calls)) throw new Error('network')
    return jwt(world, life)
  }
  const start = autorefresh({ refresh, leadSeconds, environment: world.tab().environment })
  const cancel = start(jwt(world, life))
  await world.pass(seconds)
  return { world, calls: () => calls, cancel, start }
}

describe('the faults of jwt-autorefresh are not here', () => {
  test.each([
    ['a 30-day token', 30 * 86400, 60, 0, 0],
    ['a lead longer than the life', 300, 1e6, 0, 1],
    ['a clock ten minutes fast', 300, 30, 600, 1],
  ])('%s makes no storm', async (_what, life, lead, skew, most) => {
    const { calls } = await run(life, lead, 60, undefined, skew)
    expect(calls()).toBeLessThanOrEqual(most)
  })
  test('one network error does not stop it', async () => {
    const { calls } = await run(300, 30, 320, (call) => call === 1)
    expect(calls()).toBeGreaterThanOrEqual(2)
  })
  test('F26 F35 cancelled, it stays cancelled; started twice, it runs once', async () => {
    const { calls, cancel, world, start } = await run(300, 30, 1)
    start(jwt(world, 300))
    await world.pass(290)
    expect(calls()).toBe(1)
    cancel()
    // Nor does it leave a note behind, of which each page would add one.
    expect([...world.shared.keys()]).toEqual([])
  })
  test('errors are coded, in every build', () => {
    expect(() => autorefresh({ refresh: () => '', leadSeconds: Number.NaN })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', field: 'leadSeconds' }),
    )
    expect(() => autorefresh({ refresh: () => '', leadSeconds: 60 })('opaque')).toThrow(/exp/)
  })
})
