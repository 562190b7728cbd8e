// What every proxy that asks `/v1/verify` must do, with a real authority behind it and an API that tells what it was asked.

import assert from 'node:assert/strict'
import { createServer, request } from 'node:http'
import test from 'node:test'
import { authority, until } from './authority.mjs'

const client = (id, rest) => `
[[clients]]
id = "${id}"
kind = "public"
audience = "orders-api"
scopes = ["orders:read"]
origins = ["http://localhost:3000"]
${rest}
`

/** Durations that do not make a test wait. */
const quick = 'grace = "0s"\nmin_rotation_interval = "0s"\n'

/** An API that tells what it was asked, and says things that only the authority may say. */
const api = async (t) => {
  const server = createServer((asked, answer) => {
    answer.writeHead(asked.url.endsWith('/broken') ? 500 : 200, {
      'content-type': 'application/json',
      'cache-control': 'max-age=60',
      'prolong-access-token': 'forged by the API',
      ...(asked.url.endsWith('/early') ? { 'prolong-renew': 'forged by the API' } : {}),
    })
    answer.end(JSON.stringify({ url: asked.url, method: asked.method, headers: asked.headers }))
  })
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready))
  t.after(() => server.close())
  return `127.0.0.1:${server.address().port}`
}

/** Between the proxy and the authority: what the proxy asked it, as it came. */
const overheard = async (t, authorityUrl) => {
  const asked = []
  const server = createServer((from, answer) => {
    asked.push({ url: from.url, method: from.method, headers: from.headers })
    const { method, url: path, headers } = from
    const to = request(new URL(path, authorityUrl), { method, headers }, (told) => {
      answer.writeHead(told.statusCode, told.headers)
      told.pipe(answer)
    })
    to.on('error', () => from.socket.destroy())
    from.pipe(to)
  })
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { asked, url: `http://127.0.0.1:${server.address().port}` }
}

/** Asks the proxy that listens on `socket`. Answers are `{ status, headers, body }`. */
const asking = (socket) => (target, { token, headers = {}, method = 'GET', body } = {}) =>
  new Promise((done, failed) => {
    const all = token === undefined ? headers : { authorization: `Bearer ${token}`, ...headers }
    const asked = request({ socketPath: socket, path: target, method, headers: all }, async (answer) => {
      let text = ''
      for await (const chunk of answer) text += chunk
      done({ status: answer.statusCode, headers: answer.headers, body: text })
    })
    asked.on('error', failed).end(body)
  })

const challengeOf = ({ headers }) => headers['www-authenticate'] ?? ''

/** The least: one test of this name. `start` as below. */
export const passesOnWhoCalls = (name, start) =>
  test(name, async (t) => {
    const prolong = await authority(t, client('web', 'policy = "refresh"'))
    const get = asking(await start(t, new URL(prolong.url).host, await api(t)))
    const { access_token: token, session } = await prolong.signIn('maryo')
    const forged = {
      'Prolong-Subject': 'root',
      'Prolong-Session': 'x',
      'Prolong-Client': 'x',
      'Prolong-Scope': 'orders:write',
      'prolong-access-token': 'x',
      'PROLONG-RENEW': 'due',
      Prolong_Subject: 'root',
    }
    const answer = await get('/orders/7?a=b', { token, headers: forged, method: 'POST', body: 'two' })
    assert.equal(answer.status, 200)
    const { headers, url, method } = JSON.parse(answer.body)
    assert.deepEqual([url, method], ['/orders/7?a=b', 'POST'])
    assert.deepEqual(
      Object.fromEntries(Object.entries(headers).filter(([name]) => /prolong|authorization/.test(name))),
      {
        'prolong-subject': 'maryo',
        'prolong-session': session.id,
        'prolong-client': 'web',
        'prolong-scope': 'orders:read',
      },
    )
    // Without a token, whatever the method, and with fields that stand in for one.
    for (const method of ['GET', 'POST', 'OPTIONS', 'DELETE']) {
      const none = await get('/orders', { headers: { 'Prolong-Subject': 'root' }, method })
      assert.equal(none.status, 401, method)
      assert.match(challengeOf(none), /^Bearer\b/)
    }
    await prolong.stop()
    assert.ok((await get('/orders', { token })).status >= 500)
  })

/** `start(test, authority, api)` starts the proxy before these two (`host:port`), and gives the socket that it listens on. */
export const proxied = (start) => {
  const proxy = async (t, authorityUrl) => asking(await start(t, new URL(authorityUrl).host, await api(t)))

  passesOnWhoCalls('a good token passes: the API learns who calls, and neither token nor forged fields', start)

  test("the API's own answer stays the API's", async (t) => {
    const prolong = await authority(t, client('web', 'policy = "refresh"'))
    const get = await proxy(t, prolong.url)
    const { access_token: token } = await prolong.signIn('maryo')
    const answer = await get('/orders', { token })
    // No prolonged token: the API's own caching holds, and what it says in Prolong's field does not pass.
    assert.equal(answer.headers['cache-control'], 'max-age=60')
    assert.equal(answer.headers['prolong-access-token'], undefined)
    assert.equal((await get('/orders/broken', { token })).status, 500)
  })

  test('what is refused, and why: no token, a bad one, expired, banned', async (t) => {
    const prolong = await authority(t, `${client('web', 'policy = "brief"')}[policies.brief]\npreset = "refresh"\naccess = "2s"\n${quick}`)
    const get = await proxy(t, prolong.url)
    const none = await get('/orders')
    assert.equal(none.status, 401)
    assert.match(challengeOf(none), /^Bearer\b/)
    assert.doesNotMatch(challengeOf(none), /error=/)

    const bad = await get('/orders', { token: 'x.y.z' })
    assert.equal(bad.status, 401)
    assert.match(challengeOf(bad), /error="invalid_token".*code="INVALID_TOKEN".*action="sign_in"/)
    const two = await get('/orders', { headers: { authorization: 'Bearer a b' } })
    assert.ok([400, 401].includes(two.status), `${two.status}`)
    const long = await get('/orders', { token: `x.${'y'.repeat(7000)}.z`, headers: { 'x-more': 'z'.repeat(200) } })
    assert.ok([400, 401, 413, 431].includes(long.status), `${long.status}`)

    const { access_token: brief } = await prolong.signIn('maryo')
    const late = await until('the token expires', async () => {
      const answer = await get('/orders', { token: brief })
      return answer.status === 401 && answer
    })
    assert.match(challengeOf(late), /code="EXPIRED_TOKEN".*action="renew"/)

    const { access_token: banned } = await prolong.signIn('bowser')
    await prolong.ban('bowser')
    const refused = await get('/orders', { token: banned })
    assert.equal(refused.status, 401)
    assert.match(challengeOf(refused), /code="INVALID_TOKEN".*action="sign_in".*reason="user_disabled"/)
  })

  test('a missing scope is 403, and a sign-in too long ago is a step-up challenge', async (t) => {
    const prolong = await authority(t, client('web', 'policy = "refresh"'))
    const get = await proxy(t, prolong.url)
    const { access_token: token } = await prolong.signIn('maryo')
    const forbidden = await get('/admin', { token })
    assert.equal(forbidden.status, 403)
    assert.match(challengeOf(forbidden), /error="insufficient_scope".*scope="orders:write"/)

    assert.equal((await get('/orders/pay', { token })).status, 200)
    const hourAgo = Math.floor(Date.now() / 1000) - 3600
    const { access_token: old } = await prolong.signIn('peach', { auth_time: hourAgo })
    assert.equal((await get('/orders', { token: old })).status, 200)
    const stepUp = await get('/orders/pay', { token: old })
    assert.equal(stepUp.status, 401)
    assert.match(challengeOf(stepUp), /error="insufficient_user_authentication"/)
    assert.match(challengeOf(stepUp), /max_age="300"/)
    assert.match(challengeOf(stepUp), /action="reauthenticate"/)
  })

  test('last-access: requests through the proxy prolong the session, and the new token reaches the caller uncached', async (t) => {
    const prolong = await authority(
      t,
      `${client('web', 'policy = "app"')}[policies.app]\npreset = "last-access"\naccess = "4s"\n${quick}`,
    )
    const get = await proxy(t, prolong.url)
    const { access_token: first, session } = await prolong.signIn('maryo')
    let token = first
    const prolonged = await until('a prolonged token', async () => {
      const answer = await get('/orders', { token })
      assert.equal(answer.status, 200)
      return answer.headers['prolong-access-token'] && answer
    })
    assert.equal(prolonged.headers['cache-control'], 'private, no-store')
    token = prolonged.headers['prolong-access-token']
    assert.notEqual(token, first)
    const answer = await get('/orders', { token })
    assert.equal(JSON.parse(answer.body).headers['prolong-session'], session.id)
  })

  test('activity counts: a session that is used through the proxy stays, one that is not does not move', async (t) => {
    const prolong = await authority(t, `${client('web', 'policy = "app"')}[policies.app]\npreset = "refresh"\nactivity = "request"\naccess = "50s"\nidle = "50s"\n${quick}`)
    const get = await proxy(t, prolong.url)
    const [{ access_token: used }, { access_token: unused }] = [await prolong.signIn('maryo'), await prolong.signIn('luigi')]
    const activeAt = async (token) => (await prolong.session(token)).last_active_at
    const [before, beforeUnused] = [await activeAt(used), await activeAt(unused)]
    await until('the activity arrives', async () => {
      assert.equal((await get('/orders', { token: used })).status, 200)
      return (await activeAt(used)) > before
    })
    assert.equal(await activeAt(unused), beforeUnused)
  })

  test('an authority that is down is 503, never 401', async (t) => {
    const prolong = await authority(t, client('web', 'policy = "refresh"'))
    const get = await proxy(t, prolong.url)
    const { access_token: token } = await prolong.signIn('maryo')
    assert.equal((await get('/orders', { token })).status, 200)
    await prolong.stop()
    for (const sent of [token, undefined, 'x.y.z']) {
      const answer = await get('/orders', { token: sent })
      assert.deepEqual([answer.status, answer.headers['retry-after'], challengeOf(answer)], [503, '2', ''])
    }
  })

  test('a path that leads elsewhere is judged by where it leads, or not served', async (t) => {
    const prolong = await authority(t, client('web', 'policy = "refresh"'))
    const get = await proxy(t, prolong.url)
    const { access_token: token } = await prolong.signIn('maryo')
    for (const path of [
      ...['/orders/../admin', '/orders/x/../../admin', '/orders/./../admin', '//admin', '/orders//..//..//admin', '/./admin'],
      ...['/orders/%2e%2e/admin', '/orders/.%2E/admin', '/orders/..%2fadmin', '/orders%2F..%2Fadmin', '/orders/..;/admin'],
    ]) {
      const answer = await get(path, { token })
      if (answer.status !== 200) continue
      const seen = new URL(decodeURIComponent(JSON.parse(answer.body).url), 'http://x').pathname
      assert.match(seen, /^\/orders(\/|$)/, `${path} came to ${seen}`)
    }
  })

  test('the authority is asked by GET, without a body, and hears that a request is in the background', async (t) => {
    const prolong = await authority(t, client('web', 'policy = "refresh"'))
    const { asked, url } = await overheard(t, prolong.url)
    const get = await proxy(t, url)
    const { access_token: token } = await prolong.signIn('maryo')
    const headers = { 'Prolong-Activity': 'background', 'content-type': 'text/plain' }
    const answer = await get('/orders?scope=none&audience=x', { token, headers, method: 'POST', body: 'two' })
    assert.equal(answer.status, 200)
    const [{ url: question, method, headers: told }] = asked
    assert.equal(question, '/v1/verify?audience=orders-api&scope=orders:read')
    assert.deepEqual([method, told['prolong-activity'], told['content-length'] ?? '0'], ['GET', 'background', '0'])
    assert.equal(JSON.parse(answer.body).headers['prolong-activity'], undefined)
  })

  test('a soft expiry that has passed is told to the caller, and not by the API', async (t) => {
    const prolong = await authority(t, `${client('web', 'policy = "soft"')}[policies.soft]\npreset = "refresh"\nsoft = "1s"\n`)
    const get = await proxy(t, prolong.url)
    const { access_token: token } = await prolong.signIn('maryo')
    const early = (await get('/orders/early', { token })).headers['prolong-renew']
    assert.ok([undefined, 'due'].includes(early), early)
    const due = await until('the renewal is due', async () => {
      const answer = await get('/orders', { token })
      assert.equal(answer.status, 200)
      return answer.headers['prolong-renew'] && answer
    })
    assert.equal(due.headers['prolong-renew'], 'due')
    assert.equal(JSON.parse(due.body).headers['prolong-renew'], undefined)
    assert.equal(JSON.parse(due.body).headers['prolong-subject'], 'maryo')
  })
}
