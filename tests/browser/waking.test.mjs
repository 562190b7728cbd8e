// Time that passes unseen: tabs hidden, frozen and kept for going back to, sleep, absent networks, wrong clocks.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { alone, apart, shared, TRANSPORTS, until, world } from './world.mjs'

const browser = shared()

/** Runs before the page's own scripts: a clock that is `ahead` (ms) and can be stepped. `performance.now` stays as it is. */
const wrongClock = (ahead) => {
  const Right = Date
  globalThis.step = (by) => {
    ahead += by
  }
  globalThis.Date = class extends Right {
    constructor(...given) {
      super(...(given.length ? given : [Right.now() + ahead]))
    }
    static now = () => Right.now() + ahead
  }
}
/** Runs before the page's own scripts: timers that are counted, and can be held, as browsers do to tabs in the background. */
const heldTimers = () => {
  const { setTimeout, clearTimeout } = globalThis
  const waiting = new Set()
  let holding = false
  globalThis.hold = () => {
    holding = true
  }
  globalThis.timers = () => waiting.size
  globalThis.setTimeout = (run, delay) => {
    const timer = setTimeout(() => {
      waiting.delete(timer)
      if (!holding) run()
    }, delay)
    waiting.add(timer)
    return timer
  }
  globalThis.clearTimeout = (timer) => {
    waiting.delete(timer)
    clearTimeout(timer)
  }
}
const HOUR = 3_600_000
const signedIn = async (t, context, transport, scripts = [], more = {}) => {
  const it = await world(t, context, transport, more)
  for (const [script, argument] of scripts) await context.addInitScript(script, argument)
  const tab = await it.open()
  await tab.signIn()
  return { ...it, tab }
}
/** Long enough that nothing is due while a test prepares its page: a renewal comes after eight seconds at the earliest. */
const LONGER = { policy: { access: '14s' } }

describe('waking', { concurrency: 5 }, () => {
  test('hidden and idle, a tab renews nothing; shown again, it is right at once', async (t) => {
    const context = await alone(t)
    const it = await signedIn(t, context, 'cookie', [[wrongClock, 0], [heldTimers]], LONGER)
    const { tab, proxy } = it
    const front = await context.newPage()
    await front.bringToFront()
    assert.equal(await tab.page.evaluate(() => document.visibilityState), 'hidden')
    // Nobody was here for more than a minute.
    await tab.page.evaluate(() => step(61_000))
    const before = proxy.renewals().length
    await it.dead(it.newest())
    assert.equal((await tab.explain()).next, 'sleeps: hidden and idle')
    assert.equal(proxy.renewals().length, before)
    // From here on no timer helps: only what the browser says.
    await tab.page.evaluate(() => hold())
    await tab.page.bringToFront()
    await tab.hears('renewed', ({ generation }) => generation === before + 1)
    assert.equal(await tab.ask(), 200)
    assert.equal(proxy.renewals().length, before + 1)
    it.served()
    it.quiet()
  })

  test('frozen, asleep for eight hours, and resumed', async (t) => {
    const context = await alone(t)
    const it = await signedIn(t, context, 'body', [[wrongClock, 0]], LONGER)
    const { tab, proxy } = it
    const front = await context.newPage()
    await front.bringToFront()
    const devtools = await context.newCDPSession(tab.page)
    await devtools.send('Page.setWebLifecycleState', { state: 'frozen' })
    // The wall clock goes on, the steady one does not.
    await tab.page.evaluate((by) => step(by), 8 * HOUR)
    const before = proxy.renewals().length
    const old = it.newest()
    await devtools.send('Page.setWebLifecycleState', { state: 'active' })
    await tab.page.bringToFront()
    assert.equal(await tab.ask(), 200)
    assert.notEqual(await tab.peek(), old)
    assert.equal(proxy.renewals().length, before + 1)
    it.served()
    it.quiet()
  })

  test('the process stands still while every clock goes on', async (t) => {
    const context = await alone(t)
    const it = await signedIn(t, context, 'cookie', [], LONGER)
    const { tab, proxy } = it
    const devtools = await context.browser().newBrowserCDPSession()
    const { processInfo } = await devtools.send('SystemInfo.getProcessInfo')
    const renderers = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id)
    const all = (signal) => renderers.forEach((id) => process.kill(id, signal))
    all('SIGSTOP')
    await until('nothing under way', () => proxy.seen.every(({ status }) => status))
    const before = proxy.renewals().length
    try {
      await it.dead(it.newest())
    } finally {
      all('SIGCONT')
    }
    assert.equal(await tab.ask(), 200)
    assert.equal(proxy.renewals().length, before + 1)
    assert.deepEqual(await tab.heard('ended'), [])
    it.served()
    it.quiet()
  })

  test('offline the session is kept; back online it is renewed at once', async (t) => {
    const it = await signedIn(t, await apart(t, browser()), 'body', [[heldTimers]], LONGER)
    const { tab, context, proxy } = it
    await context.setOffline(true)
    const before = proxy.renewals().length
    const { nextTryIn, error } = await tab.hears('delayed')
    assert.ok(nextTryIn >= 0 && nextTryIn <= 7, `${nextTryIn} s`)
    assert.equal(error.code, 'UNAVAILABLE')
    assert.notEqual(await tab.state(), 'ended')
    await it.dead(it.newest())
    await until('the end of the token here', async () => (await tab.peek()) === undefined)
    // From here on no timer helps: only what the browser says.
    await tab.page.evaluate(() => hold())
    await until('five seconds since the last try', () =>
      tab.page.evaluate(() => performance.now() - events.findLast(({ name }) => name === 'delayed').at > 5000),
    )
    await context.setOffline(false)
    await tab.hears('renewed', ({ generation }) => generation === before + 1)
    assert.equal(proxy.renewals().length, before + 1)
    assert.deepEqual(await tab.heard('ended'), [])
    it.quiet()
  })

  for (const transport of Object.keys(TRANSPORTS))
    for (const ahead of [HOUR, -HOUR])
      test(`${transport}: a clock that is an hour ${ahead > 0 ? 'fast' : 'slow'}, and is set right during the session`, async (t) => {
        const begun = performance.now()
        const it = await signedIn(t, await apart(t, browser()), transport, [[wrongClock, ahead]], {
          policy: { access: '12s' },
        })
        const { tab, proxy } = it
        // None is due before three fifths of a life.
        const calm = (more = 0) => {
          const most = Math.floor((performance.now() - begun) / 7200) + more
          assert.ok(proxy.renewals().length <= most, `${proxy.renewals().length} renewals instead of ${most}`)
        }
        await tab.page.evaluate(async () => {
          for (let call = 0; call < 20; call++) await session.token()
        })
        calm()
        const { clock } = await tab.explain()
        assert.ok(
          Math.abs(clock.ahead - ahead / 1e3) <= clock.within,
          `${clock.ahead} s ahead, within ${clock.within} s`,
        )
        await tab.hears('renewed', ({ generation }) => generation >= 1)
        assert.equal(await tab.ask(), 200)
        calm()
        await tab.page.evaluate((by) => step(by), -ahead)
        // Set forward it looks like a sleep: whether the token survived is not known, and one renewal tells.
        const unsure = ahead < 0 ? 1 : 0
        await tab.hears('renewed', ({ generation }) => generation >= 2 + unsure)
        assert.equal(await tab.ask(), 200)
        calm(unsure)
        assert.deepEqual(await tab.heard('ended'), [])
        it.quiet()
      })

  test('back from another page, the page that was kept is right at once, with one scheduler', async (t) => {
    const context = await alone(t)
    const it = await signedIn(t, context, 'cookie', [[heldTimers]])
    const { tab, proxy, origin } = it
    await tab.page.evaluate(() =>
      addEventListener('pageshow', ({ persisted }) => events.push({ name: 'pageshow', persisted })),
    )
    await tab.page.goto(`${origin}/elsewhere`)
    await it.dead(it.newest())
    const before = proxy.renewals().length
    await tab.page.evaluate(() => void history.back())
    const isBack = () => tab.page.evaluate(() => typeof session)
    await until('the way back', () =>
      isBack().then(
        (type) => type === 'object',
        () => false,
      ),
    )
    assert.deepEqual(
      (await tab.heard('pageshow')).map(({ persisted }) => persisted),
      [true],
    )
    assert.equal(await tab.ask(), 200)
    await until('one timer', () => tab.page.evaluate(() => session.state === 'active' && timers() === 1))
    await tab.hears('renewed', ({ generation }) => generation >= before + 3)
    const generations = it.granted().map(({ session }) => session.generation)
    assert.deepEqual(
      generations,
      generations.map((_, n) => n + 1),
    )
    assert.equal(await it.counted('refreshes', 'A2_rotated'), generations.length)
    it.served()
    it.quiet()
  })
})
