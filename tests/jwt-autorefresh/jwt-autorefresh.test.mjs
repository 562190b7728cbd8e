// Somebody has jwt-autorefresh in their application, with the code that its author once gave as an example. The
// application changes nothing; only `/oauth/token` is now Prolong's.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import test from 'node:test'
import { authority, until } from '../authority.mjs'

const autorefresh = createRequire(import.meta.url)('jwt-autorefresh').default

const config = `
[[clients]]
id = "web"
kind = "public"
policy = "brief"
audience = "orders-api"
scopes = ["orders:read"]
origins = ["http://localhost:3000"]

[policies.brief]
preset = "refresh"
access = "4s"
grace = "0s"
min_rotation_interval = "0s"
`

const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))

test('jwt-autorefresh, unmodified, keeps a session alive', async (t) => {
  const prolong = await authority(t, config)

  // The page: what it keeps, and what it was answered.
  const localStorage = {}
  const answers = []
  const refresh = () => {
    const init = {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: `refresh_token=${localStorage.refresh_token}&grant_type=refresh_token`,
    }
    return fetch(`${prolong.url}/oauth/token`, init)
      .then((res) => res.json())
      .then((answer) => {
        answers.push(answer)
        localStorage.access_token = answer.access_token
        localStorage.refresh_token = answer.refresh_token
        return answer.access_token
      })
  }
  // So long before `exp`, and up to half a second more.
  const leadSeconds = () => 1 + Math.random() / 2
  // The package logs and throws inside a timer where something is wrong; the test would not see it otherwise.
  const faults = []
  const log = { info() {}, warn: (...said) => faults.push(said), error: (...said) => faults.push(said) }
  const start = autorefresh({ refresh, leadSeconds, log })

  const signedIn = await prolong.signIn('maryo')
  localStorage.access_token = signedIn.access_token
  localStorage.refresh_token = signedIn.refresh_token
  let cancel = start(signedIn.access_token)
  t.after(() => cancel())

  await until('five scheduled refreshes', () => answers.length >= 5 || faults.length > 0)
  cancel()

  // The page was closed, and is opened again when its token is over: the package refreshes at once.
  const { exp } = claimsOf(localStorage.access_token)
  const refreshed = answers.length
  await until('the token is over', () => Date.now() >= (exp + 1) * 1000)
  assert.equal(answers.length, refreshed, 'cancelled is cancelled')
  cancel = start(localStorage.access_token)
  await until('a refresh after the token was over', () => answers.length > refreshed || faults.length > 0)
  cancel()
  assert.deepEqual(faults, [])

  const all = [signedIn, ...answers]
  const tokens = all.map(({ access_token }) => claimsOf(access_token))
  const different = (values) => new Set(values).size === values.length
  assert.ok(different(all.map(({ refresh_token }) => refresh_token)), 'each refresh gave another refresh token')
  assert.ok(different(tokens.map(({ jti }) => jti)), 'each refresh gave another access token')
  for (const [index, { exp, sid, sub }] of tokens.entries()) {
    assert.deepEqual([sid, sub], [signedIn.session.id, 'maryo'])
    assert.equal(all[index].session.generation, signedIn.session.generation + index, 'one generation further each time')
    if (index > 0) assert.ok(exp > tokens[index - 1].exp, 'the expiration was prolonged')
  }

  // It is one session, it goes on, and nothing about it looked like a theft.
  assert.equal((await prolong.session(localStorage.access_token)).id, signedIn.session.id)
  const { sessions } = await prolong.admin('/sessions?user=maryo', undefined, 200, 'GET')
  assert.deepEqual(
    sessions.map(({ id, live }) => [id, live]),
    [[signedIn.session.id, true]],
  )
  const { lines } = await prolong.admin('/audit?user=maryo', undefined, 200, 'GET')
  assert.deepEqual(lines.filter(({ what }) => /reuse|ended/.test(what)), [])
})
