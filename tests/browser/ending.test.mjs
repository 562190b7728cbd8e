// What a page may know, and how sessions end.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { describe, test } from 'node:test'
import { apart, shared, TRANSPORTS, until, world } from './world.mjs'

const browser = shared()

const signedIn = async (t, transport, more) => {
  const it = await world(t, await apart(t, browser()), transport, more)
  const tab = await it.open()
  await tab.signIn()
  return { ...it, tab }
}
/** Runs before the page's own scripts: keeps what came to them. */
const listenIn = () => {
  const { fetch } = globalThis
  globalThis.came = []
  globalThis.fetch = async (...asked) => {
    const answer = await fetch(...asked)
    came.push(JSON.stringify([...answer.headers]), await answer.clone().text())
    return answer
  }
}
/** All that a script on the page can lay its hands on. */
const everything = (tab) =>
  tab.page.evaluate(async () => {
    const stored = JSON.stringify([
      { ...localStorage },
      { ...sessionStorage },
      await indexedDB.databases(),
      await caches.keys(),
    ])
    return [document.cookie, stored, ...came, JSON.stringify(session.explain()), JSON.stringify(events)].join('\n')
  })

/** A server that any page may ask, on an origin of its own. Notes the credentials that come to it. */
const foreign = async (t, status, more) => {
  const heard = []
  const server = createServer((asked, answer) => {
    const open = { 'access-control-allow-origin': '*', 'access-control-allow-headers': 'authorization' }
    if (asked.method === 'OPTIONS') return answer.writeHead(204, open).end()
    heard.push(asked.headers.authorization)
    answer.writeHead(status, { ...open, 'access-control-expose-headers': '*', connection: 'close', ...more }).end()
  })
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${server.address().port}`, heard }
}

describe('ending', { concurrency: 5 }, () => {
  test('redirected to a stranger, or relative to one: the token stays behind, and the stranger is not heard', async (t) => {
    const stranger = await foreign(t, 200, { 'prolong-access-token': 'planted' })
    const api = await foreign(t, 307, { location: `${stranger.url}/x` })
    const friend = await foreign(t, 200, {})
    const { tab, quiet } = await signedIn(t, 'body', {
      policy: { access: '10m' },
      options: { origins: [api.url, friend.url] },
    })
    const token = await tab.peek()
    const ask = (address) => tab.page.evaluate((address) => session.fetch(address).then(({ status }) => status), address)
    assert.equal(await ask(`${api.url}/orders`), 200)
    const based = (url) =>
      tab.page.evaluate((url) => {
        const base = document.querySelector('base') ?? document.head.appendChild(document.createElement('base'))
        base.href = url
      }, url)
    await based(`${stranger.url}/`)
    assert.equal(await ask('orders'), 200)
    await based(`${friend.url}/`)
    assert.equal(await ask('orders'), 200)
    assert.deepEqual([api.heard, stranger.heard, friend.heard], [[`Bearer ${token}`], [undefined, undefined], [`Bearer ${token}`]])
    assert.equal(await tab.peek(), token)
    quiet()
  })

  for (const transport of Object.keys(TRANSPORTS)) {
    test(`${transport}: ${transport === 'cookie' ? 'no script can read the refresh token' : 'any script can read it, as the manual says'}`, async (t) => {
      const it = await world(t, await apart(t, browser()), transport)
      await it.context.addInitScript(listenIn)
      const tab = await it.open()
      await tab.signIn()
      await tab.hears('renewed', ({ generation }) => generation >= 2)
      const found = await everything(tab)
      // The search finds what is there.
      assert.match(found, /"access_token":"ey/)
      const cookies = await it.context.cookies()
      if (transport === 'cookie') {
        assert.doesNotMatch(found, /plr1_/)
        assert.equal(await tab.page.evaluate(() => document.cookie), '')
        assert.equal(cookies.length, 2)
        for (const { value, httpOnly, sameSite } of cookies) {
          assert.match(value, /^plr1_/)
          assert.ok(!found.includes(value))
          assert.deepEqual([httpOnly, sameSite], [true, 'Strict'])
        }
      } else {
        assert.match(found, /plr1_/)
        assert.deepEqual(cookies, [])
      }
      it.quiet()
    })

    test(`${transport}: a sign-out in one tab ends all, and nothing brings the session back`, async (t) => {
      const { tab, open, context, dead, counted, quiet } = await signedIn(t, transport)
      const others = [await open(), await open()]
      for (const other of others) await other.hears('renewed')
      const token = await tab.peek()
      await tab.page.evaluate(() => session.end())
      assert.deepEqual(
        (await tab.heard('ended')).map(({ reason }) => reason),
        ['signed_out'],
      )
      for (const other of others) {
        await other.hears('ended', ({ reason }) => reason === 'signed_out_elsewhere')
        assert.equal(await other.peek(), undefined)
        const refused = await other.page.evaluate(() => session.token().catch((error) => ({ ...error })))
        assert.deepEqual([refused.code, refused.reason], ['SESSION_ENDED', 'signed_out_elsewhere'])
      }
      await dead(token)
      assert.equal(await counted('ends', 'signed_out'), 1)
      assert.deepEqual(await context.cookies(), [])
      const [other] = others
      await other.page.reload()
      const fresh = await other.page.evaluate(() => session.token().catch((error) => ({ ...error })))
      assert.equal(fresh.code, transport === 'cookie' ? 'SESSION_ENDED' : 'NOT_SIGNED_IN')
      quiet()
    })

    test(`${transport}: a ban while a request is under way`, async (t) => {
      const { tab, proxy, authority, open, counted, quiet } = await signedIn(t, transport)
      const other = await open()
      await other.hears('renewed')
      const held = proxy.hold('/v1/sessions/current')
      const answer = tab.ask()
      const request = await held
      await authority.ban('maryo')
      await request.forward()
      request.give()
      assert.equal(await answer, 401)
      for (const each of [tab, other]) await each.hears('ended', ({ reason }) => reason === 'user_disabled')
      assert.equal(await tab.peek(), undefined)
      assert.equal(await counted('refreshes', 'C2_reuse'), 0)
      quiet()
    })

    test(`${transport}: nobody is there: a warning, and the end`, async (t) => {
      const idle = { policy: { idle: '12s' }, options: { idle: { warn: 8 } } }
      const { tab, proxy, open, quiet } = await signedIn(t, transport, idle)
      const other = await open()
      const { kind, secondsLeft } = await tab.hears('warning')
      assert.equal(kind, 'idle')
      assert.ok(secondsLeft > 0 && secondsLeft <= 8, `${secondsLeft} s`)
      for (const each of [tab, other]) await each.hears('ended', ({ reason }) => reason === 'idle_timeout')
      const { status, answer } = proxy.renewals().at(-1)
      assert.deepEqual([status, JSON.parse(answer).reason], [400, 'idle_timeout'])
      quiet()
    })

    test(`${transport}: warned, somebody stays, and presses a key in another tab: each moves the deadline`, async (t) => {
      const idle = { policy: { idle: '60s' }, options: { idle: { warn: 55 } } }
      const { proxy, open, quiet } = await world(t, await apart(t, browser()), transport, idle)
      const [tab, other] = [await open(), await open()]
      await tab.page.evaluate(() => {
        const off = session.on('warning', ({ stay }) => {
          off()
          stay()
        })
      })
      await tab.signIn()
      /** As the authority told it, seconds; the first with the sign-in. */
      const deadlines = () =>
        proxy.seen
          .filter(({ answer }) => /refresh_token_timeout/.test(answer))
          .map(({ answer }) => JSON.parse(answer))
          .map(({ server_time, refresh_token_timeout }) => server_time + refresh_token_timeout)
      const [first] = deadlines()
      await tab.hears('warning')
      const stayed = () => deadlines().find((deadline) => deadline > first + 3)
      await until('a later deadline: somebody stays', stayed)
      await until('another warning', async () => (await tab.heard('warning')).length >= 2)
      await other.page.keyboard.press('a')
      await until('a later deadline: a key in the other tab', () => deadlines().some((one) => one > stayed() + 3))
      for (const each of [tab, other]) assert.deepEqual(await each.heard('ended'), [])
      quiet()
    })
  }
})
