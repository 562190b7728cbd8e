// A Prolong authority for the rooms beside this file: the real binary ($PROLONG_BIN), in a folder of its own.

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const secret = 'a secret of 256 bits'

/** A confidential client `backend` with every machine scope, and whatever `config` adds. */
const configuration = (config) => `
listen = "127.0.0.1:0"
${config}
[[clients]]
id = "backend"
kind = "confidential"
secret_hash = "sha256:${createHash('sha256').update(secret).digest('hex')}"
policy = "refresh"
audience = "orders-api"
scopes = ["prolong:sign-in", "prolong:admin", "prolong:feed", "prolong:introspect"]
`

/** Waits for something that will be so; `milliseconds` is how long at most, and no measure of anything. */
export const until = async (what, ask, milliseconds = 30_000) => {
  for (const end = Date.now() + milliseconds; ; ) {
    const answer = await ask()
    if (answer) return answer
    if (Date.now() > end) throw new Error(`it never came to: ${what}`)
    await new Promise((wake) => setTimeout(wake, 20))
  }
}

/** Starts a process and waits for a line of its stderr. Ends with the test that is given. */
export const start = async (test, command, args, options, ready) => {
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'pipe'], ...options })
  const over = new Promise((done) => child.once('exit', done))
  let log = ''
  const stop = async (signal = 'SIGTERM') => {
    child.kill(signal)
    await over
  }
  // Not by force: what a killed nginx leaves behind would keep the test's output open.
  test.after(() => stop())
  const found = await new Promise((found, failed) => {
    child.once('error', failed)
    createInterface({ input: child.stderr }).on('line', (line) => {
      log += `${line}\n`
      const match = ready.exec(line)
      if (match) found(match)
    })
    over.then(() => failed(new Error(`${command} stopped:\n${log}`)))
  })
  return { found, stop, log: () => log }
}

/** A folder that goes away with the test. */
export const folderFor = async (test) => {
  const folder = await mkdtemp(join(tmpdir(), 'prolong-'))
  test.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** The authority with these clients and policies (TOML). */
export const authority = async (test, config) => {
  const folder = await folderFor(test)
  await writeFile(join(folder, 'prolong.toml'), configuration(config))
  const bin = process.env.PROLONG_BIN
  if (!bin) throw new Error('PROLONG_BIN must name a built prolong')
  const { found, stop } = await start(test, bin, ['serve'], { cwd: folder }, /listening on (http:\/\/[^, ]+)/)
  const url = found[1]
  const ask = async (path, init, wanted) => {
    const response = await fetch(`${url}${path}`, init)
    const text = await response.text()
    if (response.status !== wanted) throw new Error(`${path} answered ${response.status}: ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }
  const granted = await ask(
    '/oauth/token',
    {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`backend:${secret}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'prolong:sign-in prolong:admin' }),
    },
    200,
  )
  const admin = (path, body, wanted) =>
    ask(
      `/v1/admin${path}`,
      {
        method: 'POST',
        headers: { authorization: `Bearer ${granted.access_token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      },
      wanted,
    )
  return {
    url,
    stop,
    client: { id: 'backend', secret },
    /** Tokens for a user whom "somebody" has authenticated. */
    signIn: (user, more = {}) =>
      admin(`/users/${user}/sessions`, { client_id: 'web', deliver: 'tokens', ...more }, 201),
    ban: (user) => admin(`/users/${user}/disable`, {}, 200),
    session: (token) => ask('/v1/sessions/current', { headers: { authorization: `Bearer ${token}` } }, 200),
  }
}
