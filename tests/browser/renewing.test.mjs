// Renewals: one after another, many at once, lost under way, broken off.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { apart, shared, TRANSPORTS, until, world } from './world.mjs'

const browser = shared()

/** The first renewal, when it comes, is `held`. */
const signedIn = async (t, transport, held) => {
  const it = await world(t, await apart(t, browser()), transport)
  const tab = await it.open()
  const first = held && it.proxy.hold('/oauth/token')
  await tab.signIn()
  return { ...it, tab, renewal: await first }
}
/** Runs before the page's own scripts: counts the locks that did not come in time. */
const countLate = () => {
  const { request } = LockManager.prototype
  globalThis.late = 0
  LockManager.prototype.request = function (...asked) {
    const lock = request.apply(this, asked)
    lock.catch(() => {
      globalThis.late++
    })
    return lock
  }
}
/** Runs in a page: hands `task` to a service worker and gives its answer. */
const inWorker = async (task) => {
  const { installing, active } = await navigator.serviceWorker.register('worker.js', { type: 'module' })
  const worker = active ?? installing
  if (worker.state !== 'activated')
    await new Promise((ready) => worker.addEventListener('statechange', () => worker.state === 'activated' && ready()))
  const { port1, port2 } = new MessageChannel()
  worker.postMessage(task, [port2])
  return new Promise((done) => {
    port1.onmessage = ({ data }) => done(data)
  })
}
const inStorage = (tab) => tab.page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))

describe('renewing', { concurrency: 5 }, () => {
  test('a service worker renews its own session, with no page, storage or other tab to help', async (t) => {
    const it = await world(t, await apart(t, browser()), 'body')
    const tab = await it.open()
    const { ticket } = await it.authority.signIn('maryo', { deliver: 'ticket' })
    const options = { authority: it.proxy.url, client: 'web', origins: [it.proxy.url] }
    const task = { options, ticket, url: `${it.proxy.url}/v1/sessions/current` }
    assert.deepEqual(await tab.page.evaluate(inWorker, task), { generations: [0, 1, 2], status: 200 })
    assert.equal(await tab.peek(), undefined)
    it.quiet()
  })

  for (const transport of Object.keys(TRANSPORTS)) {
    test(`${transport}: five renewals, one refresh token at a time, one row`, async (t) => {
      const { tab, proxy, authority, granted, counted, quiet } = await signedIn(t, transport)
      await tab.hears('renewed', ({ generation }) => generation === 5)
      const given = granted()
      const generations = given.map(({ session }) => session.generation)
      assert.deepEqual(
        generations,
        generations.map((_, n) => n + 1),
      )
      assert.deepEqual(
        (await tab.heard('renewed')).slice(0, 6).map(({ generation }) => generation),
        [0, 1, 2, 3, 4, 5],
      )
      assert.ok((await counted('refreshes', 'A2_rotated')) >= 5)
      assert.equal(await counted('stored', 'sessions'), 1)
      assert.equal(await tab.ask(), 200)
      const renewals = proxy.renewals().slice(0, given.length)
      if (transport === 'cookie') {
        // Of two slots, that of the new generation was set each time.
        const set = renewals.map(({ headers }) => headers['set-cookie'].map((cookie) => cookie.split('=')[0]))
        assert.deepEqual(
          set.map(({ length }) => length),
          set.map(() => 1),
        )
        assert.equal(new Set(set.flat()).size, 2)
      } else {
        const presented = renewals.map(({ form }) => form.get('refresh_token'))
        assert.deepEqual(
          presented.slice(1),
          given.slice(0, -1).map(({ refresh_token }) => refresh_token),
        )
        await until('the newest in storage, and no other', async () => {
          const stored = (await inStorage(tab)).match(/plr1_[\w-]+/g)
          return stored.length === 1 && stored[0] === granted().at(-1).refresh_token
        })
        // Whoever kept an older one is found, and the session is over for both.
        const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: given[0].refresh_token })
        const refused = await fetch(`${authority.url}/oauth/token`, { method: 'POST', body })
        assert.equal((await refused.json()).reason, 'reuse_detected')
        await tab.hears('ended', ({ reason }) => reason === 'reuse_detected')
      }
      quiet()
    })

    for (const locks of ['with', 'without'])
      for (const tabs of [2, 5])
        test(`${transport}: ${tabs} tabs race ${locks} Web Locks`, async (t) => {
          const it = await world(t, await apart(t, browser()), transport)
          // Where there are none (plain HTTP beyond loopback, old browsers) the authority alone keeps order.
          if (locks === 'without') await it.context.addInitScript(() => delete Navigator.prototype.locks)
          else await it.context.addInitScript(countLate)
          const all = []
          for (let n = 0; n < tabs; n++) all.push(await it.open())
          await all[0].signIn()
          for (const tab of all) await tab.hears('renewed')
          // All are due at the same instant, round after round.
          for (const tab of all) await tab.hears('renewed', ({ generation }) => generation >= 3)
          const generation = () => Math.max(...it.granted().map(({ session }) => session.generation))
          const generations = generation()
          const newest = await until('the same token in all', async () => {
            const tokens = new Set(await Promise.all(all.map((tab) => tab.peek())))
            return tokens.size === 1 && [...tokens][0]
          })
          assert.ok(it.granted().find(({ access_token }) => access_token === newest).session.generation >= generations)
          for (const tab of all) assert.deepEqual(await tab.heard('ended'), [])
          const renewals = it.proxy.renewals()
          t.diagnostic(`${renewals.length} renewals, ${generation()} generations`)
          assert.ok(
            renewals.length <= generation() * tabs,
            `${renewals.length} renewals for ${generation()} generations`,
          )
          // One after the other, unless a machine so busy made some wait for the lock in vain.
          const late = await Promise.all(all.map((tab) => tab.page.evaluate(() => globalThis.late ?? 0)))
          const gaps = renewals.slice(1).map(({ at }, n) => at - renewals[n].at)
          if (locks === 'with' && !late.some(Boolean)) assert.ok(Math.min(...gaps) > 200, `apart by ${gaps} ms`)
          assert.equal(await it.counted('stored', 'sessions'), 1)
          it.quiet()
        })

    test(`${transport}: the answer to a renewal is lost, and the page loaded anew`, async (t) => {
      const { tab, renewal, proxy, granted, counted, quiet } = await signedIn(t, transport, 'held')
      await renewal.forward()
      assert.equal(renewal.call.status, 200)
      renewal.lose()
      await tab.hears('delayed')
      await tab.page.reload()
      await tab.token()
      await tab.hears('renewed', ({ generation }) => generation >= 1)
      assert.equal(await tab.ask(), 200)
      const [first, second] = proxy.renewals().map(({ form }) => form.get('attempt_id'))
      assert.equal(first, second)
      assert.deepEqual(
        granted()
          .slice(0, 2)
          .map(({ session }) => session.generation),
        [1, 1],
      )
      assert.ok((await counted('refreshes', 'B1_retry')) >= 1)
      assert.equal(await counted('ends', 'reuse_detected'), 0)
      quiet()
    })

    for (const when of ['before the authority heard of it', 'after it was committed'])
      test(`${transport}: a tab is closed in mid-renewal, ${when}; the next one resumes`, async (t) => {
        const { tab, renewal, open, counted, quiet } = await signedIn(t, transport, 'held')
        const committed = when.startsWith('after')
        if (committed) await renewal.forward()
        await tab.page.close()
        renewal.lose()
        const next = await open()
        await next.token()
        await next.hears('renewed', ({ generation }) => generation === 1)
        assert.equal(await next.ask(), 200)
        assert.deepEqual(await next.heard('ended'), [])
        assert.equal(await counted('refreshes', 'B1_retry'), committed ? 1 : 0)
        assert.ok((await counted('refreshes', 'A2_rotated')) >= 1)
        quiet()
      })
  }
})
