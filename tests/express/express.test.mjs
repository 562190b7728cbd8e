// examples/express-api as it stands, in a process of its own beside the real authority.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { request as send } from 'node:http'
import { delimiter, dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { authority, folderFor, start, until } from '../authority.mjs'
import { between } from '../between.mjs'
import { config, endings } from '../endings.mjs'
import { forge, tampered } from '../forge.mjs'

const example = fileURLToPath(new URL('../../examples/express-api/', import.meta.url))

const startApi = async (t, env) => {
  const all = { ...process.env, PORT: '0', ...env }
  const { found } = await start(t, process.execPath, ['api.mjs'], { cwd: example, env: all }, /listening on (http:\S+)/)
  return found[1]
}
/** Starts the API, which reaches the authority through `through`. Gives a function that asks it. */
const api = async (t, prolong, through = prolong) => {
  const { id, secret } = prolong.client
  const url = await startApi(t, { ISSUER: prolong.url, AUTHORITY: through.url, CLIENT_ID: id, CLIENT_SECRET: secret })
  const ask = async (token, route = 'GET /orders') => {
    const [method, path] = route.split(' ')
    const authorization = token === undefined ? {} : { authorization: token.includes(' ') ? token : `Bearer ${token}` }
    const answer = await fetch(`${url}${path}`, { method, headers: authorization })
    const field = (name) => answer.headers.get(name) ?? ''
    const body = field('content-type').includes('json') ? await answer.json() : await answer.text()
    return { status: answer.status, body, field, challenge: field('www-authenticate'), path }
  }
  return Object.assign(ask, { url })
}

const passes = async (ask, token, subject = 'maryo', route = undefined) => {
  const answer = await ask(token, route)
  assert.deepEqual([answer.status < 300, answer.body.subject], [true, subject], JSON.stringify(answer.body))
  return answer
}
/** A whole refusal: problem document and challenge agree. */
const isRefused = (answer, code = 'INVALID_TOKEN', action = 'sign_in', status = 401) => {
  const { body, challenge, field } = answer
  if (answer.status !== status || body.code !== code || body.action !== action) return false
  assert.match(field('content-type'), /^application\/problem\+json/)
  assert.equal(field('cache-control'), 'no-store')
  assert.deepEqual([body.status, body.instance], [status, answer.path.split('?')[0]])
  assert.match(body.type, new RegExp(`/docs/problems#${code}$`))
  assert.ok(challenge.startsWith('Bearer '), challenge)
  assert.ok(challenge.includes(`code="${code}", action="${action}"`), challenge)
  if (body.reason) assert.ok(challenge.endsWith(`reason="${body.reason}"`), challenge)
  return true
}
const refuses = async (what, ask, token, { route, code, action, status } = {}) => {
  const answer = await ask(token, route)
  assert.ok(isRefused(answer, code, action, status), `${what}: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer
}
const comesToRefuse = (what, ask, token, code, action) =>
  until(`${what}: refused`, async () => {
    const answer = await ask(token)
    return isRefused(answer, code, action) && answer
  })
const staleness = async (ask) => (await ask(undefined, 'GET /status')).body.staleness
const isFresh = async (ask) => {
  const age = await staleness(ask)
  return age !== null && age <= 5
}
/** 503: not the caller's fault, and nobody is signed out for it. */
const undecided = ({ status, field, challenge, body }) => {
  assert.deepEqual([status, field('retry-after'), challenge, body.code, body.action], [503, '2', '', 'UNAVAILABLE', 'retry'])
}

describe('the Express API', { concurrency: 3 }, () => {
  it('starts and is tried as its README says', async (t) => {
    const folder = await folderFor(t)
    const configuration = await readFile(join(example, 'prolong.toml'), 'utf8')
    const listen = configuration.replace('listen = "127.0.0.1:8080"', 'listen = "127.0.0.1:0"')
    assert.notEqual(listen, configuration)
    await writeFile(join(folder, 'prolong.toml'), listen)
    const bin = process.env.PROLONG_BIN
    const { found } = await start(t, bin, ['serve'], { cwd: folder }, /listening on (http:\/\/[^, ]+)/)
    const readme = await readFile(join(example, 'README.md'), 'utf8')
    const secret = /CLIENT_SECRET='([^']+)' npm start/.exec(readme)[1]
    const url = await startApi(t, { ISSUER: found[1], CLIENT_SECRET: secret })
    const env = { ...process.env, AUTHORITY: found[1], API: url, PATH: dirname(bin) + delimiter + process.env.PATH }
    const script = /^```sh try\n(.*?)^```$/ms.exec(readme)[1]
    const { stdout } = await promisify(execFile)('bash', ['-euc', script], { cwd: folder, env, timeout: 60_000 })
    const subject = /"subject":"[0-9a-f-]{36}"/g
    assert.equal(stdout.match(subject)?.length, 2, stdout)
    assert.match(stdout, /401 Unauthorized[^]*www-authenticate: Bearer error="invalid_token"[^]*"code":"INVALID_TOKEN"/i)
    assert.match(stdout, /"reason":"signed_out"/)
  })

  it('does not start with a secret that is wrong, or none', async (t) => {
    const prolong = await authority(t, config)
    const wrong = { ISSUER: prolong.url, CLIENT_ID: prolong.client.id, CLIENT_SECRET: 'a guess' }
    await assert.rejects(startApi(t, wrong), /oauth\/token answered 401/)
    await assert.rejects(startApi(t, { ...wrong, CLIENT_SECRET: '' }), /CLIENT_SECRET must be/)
  })

  it('a good token passes; what is forged, over, or for somebody else does not', async (t) => {
    const prolong = await authority(t, config)
    const { keys, mint, now, forged, good } = forge(prolong.url)
    const ask = await api(t, prolong, await between(t, prolong.url, keys))
    const { access_token: real } = await prolong.signIn('maryo')
    const { access_token: brief } = await prolong.signIn('maryo', { client_id: 'brief' })
    for (const token of [real, ...Object.values(good)]) await passes(ask, token)

    // Here the key of the set says which algorithm is right for it.
    const { 'an algorithm that is not expected': other, ...wrong } = forged
    await passes(ask, other)
    const foreign = await authority(t, config)
    Object.assign(wrong, tampered(real), {
      'another audience, really': (await prolong.signIn('maryo', { client_id: 'neighbour' })).access_token,
      'another authority': (await foreign.signIn('maryo')).access_token,
      'too long': `x.${'y'.repeat(9000)}.z`,
    })
    for (const [what, token] of Object.entries(wrong)) await refuses(what, ask, token)
    await refuses('a token past its end', ask, mint({ exp: now - 1 }), { code: 'EXPIRED_TOKEN', action: 'renew' })
    await comesToRefuse('a token at its end', ask, brief, 'EXPIRED_TOKEN', 'renew')
  })

  it('requests keep a session alive where its policy says so, and background ones do not', async (t) => {
    const seen = `${config}
[[clients]]
id = "seen"
kind = "public"
audience = "orders-api"
scopes = ["orders:read"]
origins = ["http://localhost:3000"]
policy = "seen"

[policies.seen]
preset = "refresh"
activity = "request"
`
    const prolong = await authority(t, seen)
    const ask = await api(t, prolong)
    const [used, polled, foreign] = [
      await prolong.signIn('maryo', { client_id: 'seen' }),
      await prolong.signIn('luigi', { client_id: 'seen' }),
      await prolong.signIn('peach'),
    ]
    const ends = async ({ access_token }) => (await prolong.session(access_token)).idle_ends_at
    const before = [await ends(used), await ends(polled), await ends(foreign)]
    const poll = { authorization: `Bearer ${polled.access_token}`, 'prolong-activity': 'background' }
    // Until a second later than the sign-in, at least; then the next report tells of it.
    await until('a report', async () => {
      await passes(ask, used.access_token)
      await passes(ask, foreign.access_token, 'peach')
      assert.equal((await fetch(`${ask.url}/orders`, { headers: poll })).status, 200)
      await new Promise((wake) => setTimeout(wake, 200))
      return (await ends(used)) > before[0]
    })
    assert.deepEqual([await ends(polled), await ends(foreign)], before.slice(1))
  })

  it('credentials: none, malformed, optional', async (t) => {
    const prolong = await authority(t, config)
    const ask = await api(t, prolong)
    const { access_token: token } = await prolong.signIn('maryo')
    for (const credentials of [undefined, 'Basic YTpi']) {
      const none = await refuses('no credentials', ask, credentials, { code: 'MISSING_TOKEN' })
      assert.doesNotMatch(none.challenge, /error=/)
      assert.deepEqual((await ask(credentials, 'GET /')).body, { subject: null })
    }
    assert.deepEqual((await ask(token, 'GET /')).body, { subject: 'maryo' })
    await refuses('bad credentials on an optional route', ask, 'x.y.z', { route: 'GET /' })
    await refuses('two tokens', ask, `Bearer ${token} ${token}`, { code: 'INVALID_REQUEST', action: 'none', status: 400 })
    await refuses('a token in the query too', ask, token, {
      ...{ route: `GET /orders?access_token=${token}`, code: 'INVALID_REQUEST', action: 'none', status: 400 },
    })
    const twice = await new Promise((done, failed) => {
      const headers = ['Authorization', `Bearer ${token}`, 'Authorization', `Bearer ${token}`, 'Host', 'x']
      send(`${ask.url}/orders`, { headers }, (answer) => done(answer.resume().statusCode)).on('error', failed).end()
    })
    assert.equal(twice, 400)
  })

  it('a scope that is missing, and a sign-in that is too long ago', async (t) => {
    const prolong = await authority(t, config)
    const ask = await api(t, prolong)
    const { access_token: reader } = await prolong.signIn('maryo', { client_id: 'reader' })
    const forbidden = await refuses('no scope', ask, reader, { code: 'INSUFFICIENT_SCOPE', action: 'none', status: 403 })
    assert.match(forbidden.challenge, /error="insufficient_scope".*scope="orders:read"/)
    await passes(ask, reader, 'maryo', 'GET /account')

    const password = 'a password of hers'
    await prolong.admin('/users', { sub: 'daisy', login: 'daisy', password }, 201)
    const hourAgo = Math.floor(Date.now() / 1000) - 3600
    const { access_token: old } = await prolong.signIn('daisy', { auth_time: hourAgo })
    await passes(ask, old, 'daisy')
    const stepUp = await refuses('an old sign-in', ask, old, {
      ...{ route: 'POST /orders', code: 'INSUFFICIENT_AUTHENTICATION', action: 'reauthenticate' },
    })
    assert.match(stepUp.challenge, /error="insufficient_user_authentication".*max_age="300"/)
    const { access_token: renewed } = await prolong.ask(
      '/v1/sessions/current/reauthenticate',
      {
        method: 'POST',
        headers: { authorization: `Bearer ${old}`, 'content-type': 'application/json' },
        body: JSON.stringify({ password }),
      },
      200,
    )
    await passes(ask, renewed, 'daisy', 'POST /orders')
  })

  it('a soft expiry is a hint, or enforced', async (t) => {
    const prolong = await authority(t, config)
    const { keys, mint, now } = forge(prolong.url)
    const ask = await api(t, prolong, await between(t, prolong.url, keys))
    const { access_token: token } = await prolong.signIn('maryo', { client_id: 'soft' })
    const due = await until('the renewal is due', async () => {
      const answer = await passes(ask, token)
      return answer.field('prolong-renew') !== '' && answer
    })
    assert.equal(due.field('prolong-renew'), 'due')
    const renew = { route: 'GET /report', code: 'EXPIRED_TOKEN', action: 'renew' }
    await refuses('a token past its soft expiry', ask, token, renew)
    // As its own session renews it.
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const prolonged = await prolong.ask('/v1/sessions/current/prolong', { method: 'POST', headers, body: '{}' }, 200)
    await passes(ask, prolonged.access_token)
    const later = mint({ softexp: now + 300 })
    assert.equal((await passes(ask, later, 'maryo', 'GET /report')).field('prolong-renew'), '')
    const over = mint({ softexp: now - 300, exp: now - 1 })
    await refuses('past both, where the soft one counts', ask, over, { route: 'GET /report' })
    await refuses('past both, where it is a hint', ask, over, { code: 'EXPIRED_TOKEN', action: 'renew' })
  })

  it('whatever ends is heard of', async (t) => {
    const prolong = await authority(t, config)
    const ask = await api(t, prolong)
    const { access_token: bystander } = await prolong.signIn('bystander')
    for (const [what, end] of Object.entries(endings))
      await end(prolong, {
        passes: (token, user) => passes(ask, token, user),
        comesToRefuse: (token, code, action) => comesToRefuse(what, ask, token, code, action),
      })
    const ended = await prolong.signIn('maryo')
    await prolong.end(ended)
    const { body } = await comesToRefuse('an end by an administrator', ask, ended.access_token)
    assert.equal(body.reason, 'ended_by_admin')
    await passes(ask, bystander, 'bystander')
  })

  it('a distrusted key: its tokens are renewed, its successor is known', async (t) => {
    const prolong = await authority(t, config)
    const ask = await api(t, prolong)
    const { mint } = forge(prolong.url)
    const { access_token: token } = await prolong.signIn('maryo')
    await passes(ask, token)
    // A forger has just had the API ask for keys.
    await refuses('an unknown key', ask, mint())
    const { kid } = JSON.parse(Buffer.from(token.split('.')[0], 'base64url'))
    await prolong.admin(`/keys/${kid}/distrust`, {}, 204)
    const { body } = await comesToRefuse('a distrusted key', ask, token, 'EXPIRED_TOKEN', 'renew')
    assert.equal(body.reason, 'key_distrusted')
    await prolong.renewAdmin()
    const again = await prolong.signIn('maryo')
    await until('the new key is known', async () => (await ask(again.access_token)).status === 200, 15_000)
    const seen = await refuses('a seen token of the dead key', ask, token, { code: 'EXPIRED_TOKEN', action: 'renew' })
    assert.equal(seen.body.reason, 'key_distrusted')
    // The feed's own token died with the key, and yet the feed goes on.
    await prolong.end(again)
    await comesToRefuse('an end after the key died', ask, again.access_token)
  })

  it('stale: open routes serve and count, others shrink or ask, and nobody is signed out', async (t) => {
    const prolong = await authority(t, config)
    const { keys, mint, now } = forge(prolong.url)
    const network = await between(t, prolong.url, keys)
    const ask = await api(t, prolong, network)
    const [stays, ends] = [await prolong.signIn('maryo'), await prolong.signIn('maryo')]
    const [young, old] = [mint({ iat: now }), mint({ iat: now - 200 })]
    await until('it is fresh', () => isFresh(ask))
    for (const token of [young, old]) await passes(ask, token, 'maryo', 'GET /account')

    // Only the feed is cut off.
    const feed = /^\/v1\/feed/
    network.change = (path) => (feed.test(path) ? { status: 503, json: {} } : undefined)
    network.cut()
    await until('it is stale', async () => !(await isFresh(ask)))
    const { servedStale: before } = (await ask(undefined, 'GET /status')).body
    await prolong.end(ends)
    await passes(ask, ends.access_token)
    const { servedStale: after } = (await ask(undefined, 'GET /status')).body
    assert.equal(after, before + 1)
    await passes(ask, young, 'maryo', 'GET /account')
    await refuses('an older token on a route that shrinks', ask, old, { route: 'GET /account', code: 'EXPIRED_TOKEN', action: 'renew' })
    await passes(ask, stays.access_token, 'maryo', 'POST /payments')
    await refuses('an ended session where the authority is asked', ask, ends.access_token, { route: 'POST /payments' })

    // The authority is cut off, whole.
    network.change = () => ({ status: 502, json: {} })
    undecided(await ask(stays.access_token, 'POST /payments'))
    await refuses('a bad token is bad all the same', ask, 'x.y.z', { route: 'POST /payments' })
    await passes(ask, stays.access_token)
    undecided(await ask(mint({}, { kid: 'new' })))

    network.change = undefined
    await until('it is fresh again', () => isFresh(ask))
    await refuses('an end that happened meanwhile', ask, ends.access_token)
    await passes(ask, old, 'maryo', 'GET /account')
  })

  it('survives an authority that is down, restarted, and restored', async (t) => {
    const prolong = await authority(t, config)
    const ask = await api(t, prolong)
    const [before, after, later, stays] = await Promise.all([1, 2, 3, 4].map(() => prolong.signIn('maryo')))
    await prolong.end(before)
    await comesToRefuse('an end before the backup', ask, before.access_token)
    await prolong.command('backup', 'backup.db')
    await prolong.end(after)
    await comesToRefuse('an end after the backup', ask, after.access_token)
    const stillRefused = async () => {
      for (const { access_token } of [before, after]) await refuses('an end that was known', ask, access_token)
    }

    await prolong.stop()
    await until('it is stale', async () => {
      await passes(ask, stays.access_token)
      return !(await isFresh(ask))
    })
    undecided(await ask(stays.access_token, 'POST /payments'))
    await stillRefused()
    await prolong.startAgain()
    await until('it is fresh after a restart', () => isFresh(ask))
    await stillRefused()
    await passes(ask, stays.access_token, 'maryo', 'POST /payments')

    await prolong.stop()
    await prolong.command('restore', 'backup.db', '--keep-sessions')
    await prolong.startAgain()
    await prolong.end(later)
    await comesToRefuse('an end in the new epoch', ask, later.access_token)
    await stillRefused()
    await passes(ask, stays.access_token)

    await prolong.stop()
    await prolong.command('restore', 'backup.db', '--end-all')
    await prolong.startAgain()
    await comesToRefuse('a token from before --end-all', ask, stays.access_token)
    await prolong.renewAdmin()
    await passes(ask, (await prolong.signIn('maryo')).access_token)
  })
})
