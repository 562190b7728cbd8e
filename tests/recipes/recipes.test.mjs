// docs/guide/verify-elsewhere.md, as it stands: its files are started as APIs of their own beside the real authority.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { authority, start, until } from '../authority.mjs'
import { between } from '../between.mjs'
import { config, endings } from '../endings.mjs'
import { forge, tampered } from '../forge.mjs'
import { filesOf } from './page.mjs'

const python = new URL('.venv/bin/python', import.meta.url).pathname
let folder
/** The page's APIs: what starts them, but for the address. */
const languages = { node: [process.execPath, 'api.mjs'], python: [python, 'api.py'] }

/** Starts an API of the page, which reaches the authority through `through`. Gives a function that asks it. */
const api = async (t, language, prolong, through = prolong) => {
  const [command, file] = languages[language]
  const env = { ...process.env, ISSUER: prolong.url, AUTHORITY: through.url, PORT: '0' }
  Object.assign(env, { CLIENT_ID: prolong.client.id, CLIENT_SECRET: prolong.client.secret })
  const { found } = await start(t, command, [file], { cwd: folder, env }, /listening on (http:\S+)/)
  return async (token, path = '/orders') => {
    const authorization = token === undefined ? {} : { authorization: token.includes(' ') ? token : `Bearer ${token}` }
    const answer = await fetch(`${found[1]}${path}`, { headers: authorization })
    const { subject } = await answer.json()
    const field = (name) => answer.headers.get(name) ?? ''
    return { status: answer.status, subject, challenge: field('www-authenticate'), retryAfter: field('retry-after') }
  }
}
const passes = async (ask, token, subject = 'maryo') => {
  const answer = await ask(token)
  assert.deepEqual([answer.status, answer.subject], [200, subject], answer.challenge)
}
const isRefused = ({ status, challenge }, code = 'INVALID_TOKEN', action = 'sign_in') =>
  status === 401 && challenge.includes('error="invalid_token"') && challenge.includes(`code="${code}", action="${action}"`)
const refuses = async (what, ask, token, code, action) => {
  const answer = await ask(token)
  assert.ok(isRefused(answer, code, action), `${what}: ${answer.status} ${answer.challenge}`)
}
/** Waits until the other process has heard of it. */
const comesToRefuse = (what, ask, token, code, action) =>
  until(`${what}: refused`, async () => isRefused(await ask(token), code, action))
const isFresh = async (ask, token) => (await ask(token, '/payments')).status === 200

describe('the page', { concurrency: 3 }, () => {
  before(async () => {
    folder = await filesOf('verify-elsewhere.md')
  })

  for (const language of Object.keys(languages))
    it(`${language}: a good token passes; what is forged, over, or for somebody else does not`, async (t) => {
      const prolong = await authority(t, config)
      const { keys, mint, now, forged, good } = forge(prolong.url)
      const ask = await api(t, language, prolong, await between(t, prolong.url, keys))

      const { access_token: real } = await prolong.signIn('maryo')
      const { access_token: brief } = await prolong.signIn('maryo', { client_id: 'brief' })
      for (const token of [real, ...Object.values(good)]) await passes(ask, token)

      const none = await ask()
      assert.deepEqual([none.status, none.challenge], [401, 'Bearer'])
      assert.equal((await ask('Basic YTpi')).status, 401)

      const foreign = await authority(t, config)
      const wrong = {
        ...forged,
        ...tampered(real),
        'another audience, really': (await prolong.signIn('maryo', { client_id: 'neighbour' })).access_token,
        'another authority': (await foreign.signIn('maryo')).access_token,
      }
      for (const [what, token] of Object.entries(wrong)) await refuses(what, ask, token)
      await refuses('a token past its end', ask, mint({ exp: now - 1 }), 'EXPIRED_TOKEN', 'renew')
      await comesToRefuse('a token at its end', ask, brief, 'EXPIRED_TOKEN', 'renew')

      for (const short of [(await prolong.signIn('maryo', { client_id: 'reader' })).access_token, mint({ scope: undefined })]) {
        const answer = await ask(short)
        assert.equal(answer.status, 403)
        assert.match(answer.challenge, /error="insufficient_scope"/)
      }
    })

  it('node: keys that cannot be had are 503, and known ones stay', async (t) => {
    const prolong = await authority(t, config)
    const { access_token: token } = await prolong.signIn('maryo')
    await prolong.stop()
    const ask = await api(t, 'node', prolong)
    const undecided = await ask(token)
    assert.deepEqual([undecided.status, undecided.retryAfter, undecided.challenge], [503, '2', ''])
    assert.equal((await ask()).status, 401)
    await prolong.startAgain()
    await passes(ask, token)
    await prolong.stop()
    await passes(ask, token)
  })

  it('python, without the feed: the verifier by itself', async (t) => {
    const prolong = await authority(t, config)
    const { access_token: token } = await prolong.signIn('maryo')
    const script = `
import sys
from access_token import Refused, Undecidable, Verifier
issuer, token = sys.argv[1:]
print(Verifier(issuer, "orders-api").verify(token, "orders:read")["sub"])
for audience, elsewhere in (("other-api", issuer), ("orders-api", "http://127.0.0.1:1")):
    try:
        Verifier(issuer, audience, elsewhere).verify(token, "orders:read")
    except (Refused, Undecidable) as fault:
        print(type(fault).__name__)
`
    const { stdout } = await promisify(execFile)(python, ['-c', script, prolong.url, token], { cwd: folder })
    assert.deepEqual(stdout.trim().split('\n'), ['maryo', 'Refused', 'Undecidable'])
  })

  it("python's follower knows whatever ends", async (t) => {
    const prolong = await authority(t, config)
    const ask = await api(t, 'python', prolong)
    const { access_token: bystander } = await prolong.signIn('bystander')
    for (const [what, end] of Object.entries(endings))
      await end(prolong, {
        passes: (token, user) => passes(ask, token, user),
        comesToRefuse: (token, code, action) => comesToRefuse(what, ask, token, code, action),
      })
    await passes(ask, bystander, 'bystander')
  })

  it("python's follower: a distrusted key is refused, known or not, and its successor is fetched", async (t) => {
    const prolong = await authority(t, config)
    const network = await between(t, prolong.url)
    const ask = await api(t, 'python', prolong, network)
    const [{ access_token: token }, other] = [await prolong.signIn('maryo'), await prolong.signIn('luigi')]
    await passes(ask, token)
    const keySet = '/.well-known/jwks.json'
    const fetched = () => network.asked.filter((path) => path === keySet).length

    // The API cannot fetch the keys anew: it still has the dead one, and must not believe it.
    const had = fetched()
    let lost = 0
    network.change = (path) => {
      if (path !== keySet) return undefined
      lost += 1
      return { status: 503, json: {} }
    }
    const { kid } = JSON.parse(Buffer.from(token.split('.')[0], 'base64url'))
    await prolong.admin(`/keys/${kid}/distrust`, {}, 204)
    await comesToRefuse('a token of a distrusted key', ask, token, 'EXPIRED_TOKEN', 'renew')

    await prolong.renewAdmin()
    // Nobody calls; the API fetches the new key because of what it heard.
    network.change = undefined
    // One that is on its way just now is answered, so what counts is that fewer were lost than were asked for.
    await until('the keys were fetched', () => fetched() > had + lost, 90_000)
    const { access_token: again } = await prolong.signIn('maryo')
    await until('a token of the new key passes', async () => (await ask(again)).status === 200)
    await refuses('a token of the dead key', ask, token, 'EXPIRED_TOKEN', 'renew')

    const fresh = await prolong.signIn('peach')
    await passes(ask, fresh.access_token, 'peach')
    await prolong.end(fresh)
    await comesToRefuse('an end after the key died', ask, fresh.access_token)
    await refuses('another of the dead key', ask, other.access_token, 'EXPIRED_TOKEN', 'renew')
  })

  it("python's follower: what the network loses or changes is not missed, and not believed", async (t) => {
    const prolong = await authority(t, config)
    const network = await between(t, prolong.url)
    const sessions = {}
    for (const user of ['a', 'b', 'c', 'd', 'innocent']) sessions[user] = await prolong.signIn(user)
    const tokenOf = (user) => sessions[user].access_token
    const end = (user) => prolong.end(sessions[user])
    let salt
    network.change = (path, json) => {
      if (path === '/v1/feed/snapshot') salt = json.salt
    }
    const ask = await api(t, 'python', prolong, network)
    await until('it is fresh', () => isFresh(ask, tokenOf('a')))
    /** Changes the next frame, once; then all is as it was. */
    const once = (alter) => {
      network.change = (path, json) => {
        if (path !== '/v1/feed' || !json.frame) return undefined
        network.change = undefined
        alter(json)
        return { status: 200, json }
      }
    }
    const snapshots = () => network.asked.filter((path) => path === '/v1/feed/snapshot').length

    // Two ends in one frame, of which the first is lost.
    network.change = (path) => (path === '/v1/feed' ? { status: 503, json: {} } : undefined)
    await end('a')
    await end('b')
    let had = snapshots()
    once(({ frame }) => {
      frame.first += frame.entries.length - 1
      frame.entries = frame.entries.slice(-1)
    })
    await comesToRefuse('the first of two ends, lost on the way', ask, tokenOf('a'))
    await comesToRefuse('the second of two ends', ask, tokenOf('b'))
    assert.equal(snapshots(), had + 1)

    // A frame that does not come, though the heartbeat knows of it.
    once((json) => {
      delete json.frame
    })
    await end('c')
    await comesToRefuse('an end whose frame did not come', ask, tokenOf('c'))
    assert.equal(snapshots(), had + 2)

    // A frame that names somebody else: its chain does not fit.
    const innocent = sessions.innocent.session.id
    once(({ frame }) => {
      frame.entries[0].key = createHash('sha256').update(Buffer.from(salt, 'hex')).update(innocent).digest('hex').slice(0, 16)
    })
    await end('d')
    await comesToRefuse('an end whose frame was changed', ask, tokenOf('d'))
    assert.equal(snapshots(), had + 3)
    await passes(ask, tokenOf('innocent'), 'innocent')
    await until('it is fresh again', () => isFresh(ask, tokenOf('innocent')))

    // The same answer for ever: it proves nothing, and closed routes say so.
    let frozen
    network.change = (path, json) => {
      if (path === '/v1/feed/snapshot') return { status: 503, json: {} }
      if (path !== '/v1/feed') return undefined
      delete json.frame
      frozen ??= json
      return { status: 200, json: frozen }
    }
    const stale = await until('an old heartbeat is not taken for a new one', async () => {
      const answer = await ask(tokenOf('innocent'), '/payments')
      return answer.status === 503 && answer
    })
    assert.deepEqual([stale.retryAfter, stale.challenge], ['2', ''])
    await passes(ask, tokenOf('innocent'), 'innocent')
    await refuses('an end that was known', ask, tokenOf('a'))
  })

  it("python's follower: a kind that it does not know makes it stale, never blind", async (t) => {
    const prolong = await authority(t, config)
    const network = await between(t, prolong.url)
    network.change = (path, json) => {
      if (path !== '/v1/feed/snapshot') return undefined
      const inAnHour = Math.floor(Date.now() / 1000) + 3600
      json.entries.push({ seq: json.seq, kind: 'X', key: '0123456789abcdef', arg: 1, until: inAnHour })
      return { status: 200, json }
    }
    const [one, other] = [await prolong.signIn('maryo'), await prolong.signIn('maryo')]
    const ask = await api(t, 'python', prolong, network)
    await passes(ask, one.access_token)
    await prolong.end(one)
    await comesToRefuse('an end after an unknown kind', ask, one.access_token)
    // It heard the end, so it has heard heartbeats too; yet what it knows may not be all.
    await passes(ask, other.access_token)
    assert.equal((await ask(other.access_token, '/payments')).status, 503)
  })

  it("python's follower survives an authority that is down, restarted, and restored", async (t) => {
    const prolong = await authority(t, config)
    const network = await between(t, prolong.url)
    const ask = await api(t, 'python', prolong, network)
    const [before, after, later, stays] = [
      await prolong.signIn('maryo'),
      await prolong.signIn('maryo'),
      await prolong.signIn('maryo'),
      await prolong.signIn('maryo'),
    ]
    await prolong.end(before)
    await comesToRefuse('an end before the backup', ask, before.access_token)
    await prolong.command('backup', 'backup.db')
    await prolong.end(after)
    await comesToRefuse('an end after the backup', ask, after.access_token)
    await until('it is fresh', () => isFresh(ask, stays.access_token))

    // Down: what is known stays in force, and where that is not enough, nobody is signed out for it.
    await prolong.stop()
    const undecided = await until('closed routes do not go on', async () => {
      const answer = await ask(stays.access_token, '/payments')
      assert.ok([200, 503].includes(answer.status), `${answer.status}`)
      return answer.status === 503 && answer
    })
    assert.deepEqual([undecided.retryAfter, undecided.challenge], ['2', ''])
    await passes(ask, stays.access_token)
    for (const { access_token } of [before, after]) await refuses('an end that was known', ask, access_token)

    await prolong.startAgain()
    await until('it is fresh after a restart', () => isFresh(ask, stays.access_token))
    for (const { access_token } of [before, after]) await refuses('an end that was known', ask, access_token)

    // Restored: the authority has forgotten an end that it once told. The API has not.
    await prolong.stop()
    await prolong.command('restore', 'backup.db', '--keep-sessions')
    const had = network.asked.filter((path) => path === '/v1/feed/snapshot').length
    await prolong.startAgain()
    await until('it took a snapshot', () => network.asked.filter((path) => path === '/v1/feed/snapshot').length > had)
    await prolong.end(later)
    await comesToRefuse('an end in the new epoch', ask, later.access_token)
    for (const { access_token } of [before, after]) await refuses('an end that was known', ask, access_token)
    await until('it is fresh in the new epoch', () => isFresh(ask, stays.access_token))
    for (const { access_token } of [before, after]) await refuses('an end that was known', ask, access_token)

    // Restored because something was stolen: nothing that was issued before is good.
    await prolong.stop()
    await prolong.command('restore', 'backup.db', '--end-all')
    await prolong.startAgain()
    await comesToRefuse('a token from before --end-all', ask, stays.access_token)
    await prolong.renewAdmin()
    await passes(ask, (await prolong.signIn('maryo')).access_token)
  })

  it("python's chain and keys are those of the reference, and what is over is forgotten", async () => {
    const page = await readFile(new URL('../../docs/reference/feed.md', import.meta.url), 'utf8')
    const vector = /^```json vector\n(.*?)^```$/ms.exec(page)[1]
    const script = `
import json, sys, time
from ended import Ended, extended
vector = json.loads(sys.argv[1])
salt, chain, ended = bytes.fromhex(vector["salt"]), bytes(16), Ended()
for entry in vector["entries"]:
    chain = extended(chain, entry)
    assert chain.hex() == entry["after"], entry
    entry["until"] += 10_000_000_000
    assert ended.learn(salt, [entry])
    assert ended.told(salt, entry["kind"], entry.get("name")) == entry["arg"], entry
# Not forgotten before its time, and then forgotten.
for until, kept in ((time.time() + 60, 5), (time.time() - 1, -1)):
    ended = Ended()
    ended.learn(salt, [{"kind": "G", "key": "0" * 16, "arg": 5, "until": until}])
    assert ended.told(salt, "G") == kept, until
print("ok")
`
    const { stdout } = await promisify(execFile)(python, ['-c', script, vector], { cwd: folder })
    assert.equal(stdout.trim(), 'ok')
  })

  it('introspection by curl', async (t) => {
    const prolong = await authority(t, config)
    const signedIn = await prolong.signIn('maryo')
    const { access_token: token } = signedIn
    const env = { ...process.env, AUTHORITY: prolong.url, CLIENT_ID: prolong.client.id, CLIENT_SECRET: prolong.client.secret }
    const ask = async (of) => {
      const { stdout } = await promisify(execFile)('bash', [join(folder, 'introspect.sh')], { env: { ...env, ACCESS: of } })
      return JSON.parse(stdout)
    }
    const { active, sub, aud, scope } = await ask(token)
    assert.deepEqual([active, sub, [aud].flat(), scope], [true, 'maryo', ['orders-api'], 'orders:read orders:write'])
    await prolong.end(signedIn)
    assert.deepEqual(await ask(token), { active: false })
    assert.deepEqual(await ask(`${token}x`), { active: false })
  })
})
