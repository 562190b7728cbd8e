// examples/nginx-forward-auth as it stands, but for addresses: a real nginx before a real authority.

import assert from 'node:assert/strict'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { join } from 'node:path'
import test from 'node:test'
import { authority, folderFor, start, until } from '../authority.mjs'

const example = new URL('../../examples/nginx-forward-auth/', import.meta.url)

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

/** An API that tells what it was asked, and says things that only nginx may say. */
const api = async (t) => {
  const server = createServer((asked, answer) => {
    answer.writeHead(asked.url.endsWith('/broken') ? 500 : 200, {
      'content-type': 'application/json',
      'cache-control': 'max-age=60',
      'prolong-access-token': 'forged by the API',
    })
    answer.end(JSON.stringify({ url: asked.url, method: asked.method, headers: asked.headers }))
  })
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready))
  t.after(() => server.close())
  return `127.0.0.1:${server.address().port}`
}

/** nginx on a socket of its own. Answers are `{ status, headers, body }`. */
const nginx = async (t, authorityUrl) => {
  const folder = await folderFor(t)
  const socket = join(folder, 'nginx.sock')
  const conf = (await readFile(new URL('nginx.conf', example), 'utf8'))
    .replace('127.0.0.1:8080', new URL(authorityUrl).host)
    .replace('127.0.0.1:9000', await api(t))
    .replace('listen 127.0.0.1:8000', `listen unix:${socket}`)
  await writeFile(join(folder, 'nginx.conf'), conf)
  await copyFile(new URL('prolong.conf', example), join(folder, 'prolong.conf'))
  const path = `${process.env.PATH}:/usr/sbin`
  const args = ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr', '-g', 'daemon off; error_log stderr notice;']
  await start(t, 'nginx', args, { env: { ...process.env, PATH: path } }, /start worker process /)
  return (target, { token, headers = {}, method = 'GET', body } = {}) =>
    new Promise((done, failed) => {
      const all = token === undefined ? headers : { authorization: `Bearer ${token}`, ...headers }
      const asked = request({ socketPath: socket, path: target, method, headers: all }, async (answer) => {
        let text = ''
        for await (const chunk of answer) text += chunk
        done({ status: answer.statusCode, headers: answer.headers, body: text })
      })
      asked.on('error', failed).end(body)
    })
}

const challengeOf = ({ headers }) => headers['www-authenticate'] ?? ''

test('a good token passes: the API learns who calls, and neither token nor forged fields', async (t) => {
  const prolong = await authority(t, client('web', 'policy = "refresh"'))
  const get = await nginx(t, prolong.url)
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
  // No prolonged token: the API's own caching holds, and what it says in Prolong's field does not pass.
  assert.equal(answer.headers['cache-control'], 'max-age=60')
  assert.equal(answer.headers['prolong-access-token'], undefined)
  // The API's own failure stays the API's.
  assert.equal((await get('/orders/broken', { token })).status, 500)
})

test('what is refused, and why: no token, a bad one, expired, banned', async (t) => {
  const prolong = await authority(t, `${client('web', 'policy = "brief"')}[policies.brief]\npreset = "refresh"\naccess = "2s"\n${quick}`)
  const get = await nginx(t, prolong.url)
  const none = await get('/orders')
  assert.equal(none.status, 401)
  assert.match(challengeOf(none), /^Bearer\b/)
  assert.doesNotMatch(challengeOf(none), /error=/)
  // Forged fields do not stand in for a token.
  assert.equal((await get('/orders', { headers: { 'Prolong-Subject': 'root' } })).status, 401)
  assert.equal((await get('/_prolong')).status, 404)

  const bad = await get('/orders', { token: 'x.y.z' })
  assert.equal(bad.status, 401)
  assert.match(challengeOf(bad), /error="invalid_token".*code="INVALID_TOKEN".*action="sign_in"/)
  const two = await get('/orders', { headers: { authorization: 'Bearer a b' } })
  assert.equal(two.status, 401)
  const long = await get('/orders', { token: `x.${'y'.repeat(7000)}.z`, headers: { 'x-more': 'z'.repeat(200) } })
  assert.equal(long.status, 401)

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
  // A ban raises the version of the user's tokens, and that is what a verifier hears of it.
  assert.match(challengeOf(refused), /code="INVALID_TOKEN".*action="sign_in".*reason="(version_raised|user_disabled)"/)
})

test('a missing scope is 403, and a sign-in too long ago is a step-up challenge', async (t) => {
  const prolong = await authority(t, client('web', 'policy = "refresh"'))
  const get = await nginx(t, prolong.url)
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

test('last-access: requests through nginx prolong the session, and the new token reaches the caller uncached', async (t) => {
  const prolong = await authority(
    t,
    `${client('web', 'policy = "app"')}[policies.app]\npreset = "last-access"\naccess = "4s"\n${quick}`,
  )
  const get = await nginx(t, prolong.url)
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

test('activity counts: a session that is used through nginx stays, one that is not does not move', async (t) => {
  const prolong = await authority(t, `${client('web', 'policy = "app"')}[policies.app]\npreset = "refresh"\nactivity = "request"\naccess = "50s"\nidle = "50s"\n${quick}`)
  const get = await nginx(t, prolong.url)
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
  const get = await nginx(t, prolong.url)
  const { access_token: token } = await prolong.signIn('maryo')
  assert.equal((await get('/orders', { token })).status, 200)
  await prolong.stop()
  for (const sent of [token, undefined, 'x.y.z']) {
    const answer = await get('/orders', { token: sent })
    assert.equal(answer.status, 503)
    assert.equal(answer.headers['retry-after'], '2')
    assert.equal(challengeOf(answer), '')
  }
})
