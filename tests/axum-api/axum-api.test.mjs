// examples/axum-api as it stands, but for addresses: the real API before the real authority.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import test from 'node:test'
import { promisify } from 'node:util'
import { authority, start, until } from '../authority.mjs'

const at = (path) => readFile(new URL(path, import.meta.url), 'utf8')
const example = (file) => at(`../../examples/axum-api/${file}`)
const blocks = (markdown, language) =>
  [...markdown.matchAll(new RegExp('```' + language + '\n(.*?)```', 'gs'))].map(([, block]) => block)
const run = promisify(execFile)

/** The authority as the example configures it, the example itself, and a way to ask it. */
const world = async (t, more = '') => {
  const prolong = await authority(t, (await example('prolong.toml')).replace(/^listen.*$/m, '') + more)
  const [, serve] = blocks(await example('README.md'), 'sh')
  const [, secret] = /^API_SECRET="(.*)" cargo run$/m.exec(serve)
  const env = { ...process.env, API_ISSUER: prolong.url, API_LISTEN: '127.0.0.1:0', API_SECRET: secret }
  const { found } = await start(t, process.env.API_BIN, [], { env }, /listening on (http:\S+)/)
  const ask = async (method, path, token, more = {}) => {
    const headers = token === undefined ? more : { authorization: `Bearer ${token}`, ...more }
    const answer = await fetch(`${found[1]}${path}`, { method, headers })
    const text = await answer.text()
    const told = answer.headers.get('content-type') === 'application/problem+json' ? JSON.parse(text) : {}
    return { status: answer.status, text, told, headers: answer.headers, challenge: answer.headers.get('www-authenticate') ?? '' }
  }
  return { prolong, ask, url: found[1] }
}

test('the README: a user, a sign-in, a request', async (t) => {
  const { prolong, url } = await world(t)
  const [add, , curl] = blocks(await example('README.md'), 'sh')
  const here = (script) =>
    run('bash', ['-euo', 'pipefail', '-c', script.replace('127.0.0.1:8080', new URL(prolong.url).host).replace('127.0.0.1:8081', new URL(url).host)], {
      cwd: prolong.folder,
      env: { ...process.env, PROLONG: process.env.PROLONG_BIN },
    })
  const [user, serve] = add.split(' && ')
  assert.equal(serve, 'prolong serve\n')
  await here(user.replace('prolong', '"$PROLONG"'))
  const { stdout } = await here(curl)
  assert.match(stdout, /^HTTP\/1.1 200 OK\r\n/)
  assert.match(stdout, /\r\norders of \S+\n$/)
})

test('good tokens are served, others refused with what to do', async (t) => {
  const { prolong, ask } = await world(t)
  const { access_token: token } = await prolong.signIn('maryo')
  for (const [method, path, text] of [
    ['GET', '/me', 'hello maryo\n'],
    ['GET', '/orders', 'orders of maryo\n'],
    ['POST', '/orders', 'ordered by maryo\n'],
    ['DELETE', '/orders', 'deleted all orders of maryo\n'],
    ['GET', '/news', 'nothing new for maryo\n'],
  ]) {
    const good = await ask(method, path, token)
    assert.deepEqual([good.status, good.text], [200, text])
    const without = await ask(method, path)
    assert.deepEqual([without.status, without.told.code], [401, 'MISSING_TOKEN'])
    assert.match(without.challenge, /^Bearer /)
    assert.doesNotMatch(without.challenge, /error=/)
    const [head, claims, signature] = token.split('.')
    const other = JSON.parse(Buffer.from(claims, 'base64url'))
    other.sub = 'root'
    const forged = [head, Buffer.from(JSON.stringify(other)).toString('base64url'), signature].join('.')
    const refused = await ask(method, path, forged)
    assert.deepEqual([refused.status, refused.told.code, refused.told.action], [401, 'INVALID_TOKEN', 'sign_in'])
    assert.match(refused.challenge, /error="invalid_token"/)
  }
  assert.equal((await ask('GET', '/health')).status, 200)
})

test('a missing scope is named, and a token for somebody else refused', async (t) => {
  const { prolong, ask } = await world(t, '[[clients]]\nid = "guest"\npolicy = "shop"\naudience = ["orders-api", "news"]')
  const { access_token: guest } = await prolong.signIn('maryo', { client_id: 'guest' })
  const refused = await ask('GET', '/orders', guest)
  assert.deepEqual([refused.status, refused.told.code, refused.told.action], [403, 'INSUFFICIENT_SCOPE', 'none'])
  assert.match(refused.challenge, /error="insufficient_scope"/)
  assert.match(refused.challenge, /scope="orders:read"/)
  assert.equal((await ask('GET', '/me', guest)).status, 200)

  const granted = await fetch(`${prolong.url}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${prolong.client.id}:${prolong.client.secret}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'prolong:feed' }),
  })
  const { access_token: machine } = await granted.json()
  const foreign = await ask('GET', '/me', machine)
  assert.deepEqual([foreign.status, foreign.told.detail], [401, 'the token is for another audience'])
})

test('an old sign-in is asked to step up, and the session goes on', async (t) => {
  const { prolong, ask } = await world(t)
  const auth_time = Math.floor(Date.now() / 1000) - 600
  const { access_token: token } = await prolong.signIn('maryo', { auth_time })
  const refused = await ask('POST', '/orders', token)
  assert.deepEqual(
    [refused.status, refused.told.code, refused.told.action],
    [401, 'INSUFFICIENT_AUTHENTICATION', 'reauthenticate'],
  )
  assert.match(refused.challenge, /error="insufficient_user_authentication"/)
  assert.match(refused.challenge, /max_age="300"/)
  assert.equal((await ask('GET', '/orders', token)).status, 200)
})

test('an ended session is refused, elsewhere nothing changes', async (t) => {
  const { prolong, ask } = await world(t)
  const { access_token: banned } = await prolong.signIn('maryo')
  const { access_token: other } = await prolong.signIn('ana')
  assert.equal((await ask('GET', '/me', banned)).status, 200)
  await prolong.ban('maryo')
  const refused = await until('the feed tells', async () => {
    const answer = await ask('GET', '/me', banned)
    return answer.status !== 200 && answer
  })
  assert.deepEqual([refused.status, refused.told.code, refused.told.action], [401, 'INVALID_TOKEN', 'sign_in'])
  assert.match(refused.challenge, /reason="/)
  assert.equal((await ask('GET', '/me', other)).status, 200)
})

test('requests keep the session alive, polling does not', async (t) => {
  const { prolong, ask } = await world(t)
  const { access_token: active } = await prolong.signIn('maryo')
  const { access_token: idle } = await prolong.signIn('ana')
  const lastActive = async (token) => (await prolong.session(token)).last_active_at
  const [before, idleBefore] = [await lastActive(active), await lastActive(idle)]
  const moved = await until('activity is reported', async () => {
    assert.equal((await ask('GET', '/me', active)).status, 200)
    assert.equal((await ask('GET', '/news', idle)).status, 200)
    assert.equal((await ask('GET', '/me', idle, { 'prolong-activity': 'background' })).status, 200)
    const now = await lastActive(active)
    return now !== before && now
  })
  assert.ok(moved > before)
  assert.equal(await lastActive(idle), idleBefore)
})

test('without its authority the API goes on, and deletes nothing', async (t) => {
  const { prolong, ask } = await world(t)
  const { access_token: token } = await prolong.signIn('maryo')
  await prolong.stop()
  const closed = await until('the feed is stale', async () => {
    const answer = await ask('DELETE', '/orders', token)
    return answer.status !== 200 && answer
  })
  assert.equal(closed.status, 503)
  assert.ok(closed.headers.get('retry-after'))
  assert.equal(closed.challenge, '')
  for (const [method, path] of [['GET', '/me'], ['GET', '/orders'], ['POST', '/orders'], ['GET', '/news']]) {
    assert.equal((await ask(method, path, token)).status, 200)
  }
})

test('the guide says what the example does', async () => {
  const guide = await at('../../docs/guide/verify-in-rust.md')
  const [clients] = blocks(guide, 'toml')
  const [service] = blocks(guide, 'rust,ignore')
  const plain = (text) => text.replace(/\s+/g, ' ')
  for (const [block, file] of [[clients, 'prolong.toml'], [service, 'src/main.rs']]) {
    const whole = plain(await example(file))
    for (const line of block.split('\n')) {
      assert.ok(whole.includes(plain(line.trim())), `not in ${file}: ${line}`)
    }
  }
})
