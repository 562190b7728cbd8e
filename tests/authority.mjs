// A Prolong authority for the rooms beside this file: the real binary ($PROLONG_BIN), in a folder of its own.

import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

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
scopes = ["prolong:sign-in", "prolong:admin", "prolong:feed", "prolong:introspect", "prolong:activity"]
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
    const lines = createInterface({ input: child.stderr })
    lines.on('line', (line) => {
      log += `${line}\n`
      const match = ready.exec(line)
      if (match) found(match)
    })
    // What it said last arrives after its end, unless a child of its own goes on holding the pipe.
    const said = new Promise((done) => lines.once('close', done))
    const enough = () => new Promise((done) => setTimeout(done, 1000).unref())
    over.then(() => Promise.race([said, enough()])).then(() => failed(new Error(`${command} stopped:\n${log}`)))
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
  const serve = (...flags) => start(test, bin, ['serve', ...flags], { cwd: folder }, /listening on (http:\/\/[^, ]+)/)
  let running = await serve()
  const url = running.found[1]
  const ask = async (path, init, wanted) => {
    const response = await fetch(`${url}${path}`, init)
    const text = await response.text()
    if (response.status !== wanted) throw new Error(`${path} answered ${response.status}: ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }
  const basic = `Basic ${btoa(`backend:${secret}`)}`
  const machineToken = async () => {
    const body = new URLSearchParams({ grant_type: 'client_credentials', scope: 'prolong:sign-in prolong:admin' })
    const granted = await ask('/oauth/token', { method: 'POST', headers: { authorization: basic }, body }, 200)
    return granted.access_token
  }
  let token = await machineToken()
  const admin = (path, body, wanted = 200, method = 'POST') =>
    ask(
      `/v1/admin${path}`,
      {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: body && JSON.stringify(body),
      },
      wanted,
    )
  return {
    url,
    /** The folder that it runs in. */
    folder,
    client: { id: 'backend', secret },
    stop: (signal) => running.stop(signal),
    /** Starts it again after a stop, at the same address. */
    startAgain: async () => {
      running = await serve('--listen', new URL(url).host)
    },
    /** Runs `prolong` with these arguments in its folder, and gives what it says. */
    command: async (...args) => (await promisify(execFile)(bin, args, { cwd: folder })).stdout,
    /** A call of anybody: path, as `fetch` takes it, the status that must come. Gives the JSON. */
    ask,
    /** A call of the backend below `/v1/admin`. */
    admin,
    /** The backend gets itself another token, where the one that it has was made worthless. */
    renewAdmin: async () => {
      token = await machineToken()
    },
    /** Tokens for a user whom "somebody" has authenticated. */
    signIn: (user, more = {}) =>
      admin(`/users/${user}/sessions`, { client_id: 'web', deliver: 'tokens', ...more }, 201),
    end: ({ session }) => admin(`/sessions/${session.id}/end`, {}, 204),
    ban: (user) => admin(`/users/${user}/disable`, {}),
    session: (of) => ask('/v1/sessions/current', { headers: { authorization: `Bearer ${of}` } }, 200),
  }
}
