import { afterEach, describe, expect, test, vi } from 'vitest'
import { prolong, prolongServer, type ServerOptions, type Session } from '../src/index.js'
import { World } from '../src/testing.js'

const ACCESS = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJtYXJ5byJ9.c2lnbmF0dXJl'
const REFRESH = 'plr1_Zm9ydHktdGhyZWUtY2hhcmFjdGVycy1vZi1yYW5kb21uZXNz'
const PASSWORD = 'hunter2 hunter2'
const TICKET = 'tick-et-1'
/** Never sent: what a confused server may put into its text all the same. */
const UNSENT = 'plr1_bmV2ZXItc2VudC1idXQtYS10b2tlbi1hbGwtdGhlLXNhbWU'

interface Call {
  url: string
  method: string
  headers: Headers
  credentials: RequestCredentials
  body: string
}

/** A session at an authority that answers every call with `answer`. */
const at = (answer: (call: Call) => Response, options: Partial<ServerOptions> = {}) => {
  const world = new World()
  const calls: Call[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    const { url, method, headers, credentials } = request
    calls.push({ url, method, headers, credentials, body: await request.text() })
    return answer(calls.at(-1)!)
  }
  const environment = { ...world.tab().environment, fetch }
  const authority = 'https://auth.example.com/'
  const session = prolong(prolongServer({ authority, client: 'web', environment, ...options }))
  return { world, session, calls }
}
const tokens = (more: object = {}) =>
  Response.json({ access_token: 'fresh', expires_in: 900, session: { id: 's', generation: 7 }, ...more })
const fields = (call: Call | undefined) => Object.fromEntries(new URLSearchParams(call?.body))
const spent = { access_token: ACCESS, expires_in: 0, refresh_token: REFRESH }

describe('the refresh token travels', () => {
  test('in a cookie: not in the form, not in storage; every call proves that it is no form of a stranger', async () => {
    const { world, session, calls } = at((call) => (call.method === 'DELETE' ? new Response() : tokens()), {
      transport: 'cookie',
    })
    await session.adopt(spent)
    expect(await world.until(session.token())).toBe('fresh')
    await world.until(session.end())
    expect(calls.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST https://auth.example.com/oauth/token',
      'DELETE https://auth.example.com/v1/sessions/current',
    ])
    expect(fields(calls[0])).toEqual({
      grant_type: 'refresh_token',
      client_id: 'web',
      attempt_id: expect.stringMatching(/^[\w-]{22}$/),
      idle_for: '0',
    })
    for (const { headers, credentials } of calls) {
      expect(headers.get('Prolong-Request')).toBe('1')
      expect(credentials).toBe('include')
    }
    expect([...world.shared.values()].join()).not.toContain(REFRESH)
  })
  test('in a cookie: a page without tokens asks the server', async () => {
    const { world, session, calls } = at(() => tokens(), { transport: 'cookie' })
    expect(await world.until(session.token())).toBe('fresh')
    expect(calls.length).toBe(1)
  })
  test('in the body: without cookies', async () => {
    const { world, session, calls } = at(() => tokens(), { requireAccessToken: true })
    await session.adopt(spent)
    await world.until(session.token())
    expect(fields(calls[0])).toMatchObject({ refresh_token: REFRESH, access_token: ACCESS })
    expect(calls[0]?.credentials).toBe('omit')
    expect(calls[0]?.headers.get('Prolong-Request')).toBeNull()
    expect(calls[0]?.headers.get('Content-Type')).toMatch('application/x-www-form-urlencoded')
  })
  test('not at all where the access token prolongs', async () => {
    const { world, session, calls } = at(() => tokens(), { prolongWith: 'access-token' })
    await session.adopt({ access_token: ACCESS, expires_in: 900 })
    await world.pass(760)
    expect(session.peek()).toBe('fresh')
    expect(calls.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST https://auth.example.com/v1/sessions/current/prolong',
    ])
    expect(calls[0]?.headers.get('Authorization')).toBe(`Bearer ${ACCESS}`)
    expect(JSON.parse(calls[0]?.body ?? '')).toEqual({ idle_for: expect.any(Number) })
  })
})

test('reauthenticate keeps the session, asks once a minute at most, and goes on once the person has', async () => {
  let wanted = true
  const { world, session, calls } = at(() =>
    wanted ? Response.json({ action: 'reauthenticate', reason: 'reauth_required' }, { status: 401 }) : tokens(),
  )
  const heard: unknown[] = []
  session.on('warning', ({ kind }) => heard.push(kind))
  await session.adopt({ access_token: ACCESS, expires_in: 900, refresh_token: REFRESH, refresh_in: 10 })
  await world.pass(65)
  expect(calls.length).toBe(1)
  expect(heard).toEqual(['reauthenticate'])
  expect(session.peek()).toBe(ACCESS)
  wanted = false
  await world.pass(10)
  expect(session.peek()).toBe('fresh')
})

describe('signIn', () => {
  test('by password', async () => {
    const { world, session, calls } = at(() => tokens({ refresh_token: REFRESH }))
    const events: unknown[] = []
    session.on('renewed', (event) => events.push(event))
    await world.until(session.signIn({ username: 'maryo', password: PASSWORD, deviceName: 'iPad', remember: true }))
    expect(calls[0]).toMatchObject({ method: 'POST', url: 'https://auth.example.com/v1/sessions' })
    expect(calls[0]?.headers.get('Content-Type')).toBe('application/json')
    expect(JSON.parse(calls[0]?.body ?? '')).toEqual({
      client_id: 'web',
      username: 'maryo',
      password: PASSWORD,
      device_name: 'iPad',
      remember: true,
    })
    expect(session.state).toBe('active')
    expect(session.peek()).toBe('fresh')
    expect(events).toEqual([{ generation: 7, expiresIn: 900 }])
  })
  test('with a ticket, also after an earlier session ended', async () => {
    const { world, session, calls } = at(() => tokens())
    await session.adopt(spent)
    await world.until(session.end())
    await world.until(session.signIn({ ticket: TICKET }))
    expect(JSON.parse(calls.at(-1)?.body ?? '')).toEqual({ client_id: 'web', ticket: TICKET })
    expect(await session.token()).toBe('fresh')
  })
  test('refused: the error is coded, and nobody is signed in', async () => {
    const { world, session } = at(() =>
      Response.json({ code: 'INVALID_CREDENTIALS', action: 'none', detail: 'Check both.' }, { status: 401 }),
    )
    const refused = world.until(session.signIn({ username: 'maryo', password: PASSWORD }))
    await expect(refused).rejects.toMatchObject({
      code: 'REFUSED',
      status: 401,
      problem: 'INVALID_CREDENTIALS',
      message: 'prolong: REFUSED by the authority: 401 INVALID_CREDENTIALS: Check both.',
    })
    expect(session.state).toBe('unknown')
  })
})

describe('no secret is told', () => {
  const methods = ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const
  afterEach(() => void vi.restoreAllMocks())

  const echo = (secret: string): Array<[string, () => Response]> => {
    const every = ['error', 'error_description', 'code', 'title', 'detail', 'reason', 'action', 'instance']
    const problem = Object.fromEntries(every.map((member) => [member, secret]))
    const inside = (more: object) => ({ ...problem, detail: `no good: ${secret}.`, error_description: secret, ...more })
    return [
      ['400 in every member', () => Response.json(problem, { status: 400 })],
      ['invalid_grant', () => Response.json(inside({ error: 'invalid_grant' }), { status: 400 })],
      ['sign_in', () => Response.json(inside({ action: 'sign_in' }), { status: 401 })],
      ['reauthenticate', () => Response.json(inside({ action: 'reauthenticate' }), { status: 401 })],
      ['503 as text', () => new Response(secret, { status: 503 })],
      ['200 as text', () => new Response(secret)],
      ['200 without a token', () => Response.json({ refresh_token: secret })],
      ['200 with a bad number', () => Response.json({ access_token: secret, expires_in: secret })],
    ]
  }
  const everything = (error: unknown): string =>
    error instanceof Error
      ? [error.message, error.stack, JSON.stringify(error), everything(error.cause)].join()
      : JSON.stringify(error)
  const secrets = [ACCESS, REFRESH, PASSWORD, TICKET, UNSENT]
  const cases = secrets.flatMap((secret) => echo(secret).map(([what, answer]) => [what, secret, answer] as const))

  test.each(cases)('%s: %s', async (_what, secret, answer) => {
    const told: string[] = []
    for (const method of methods)
      vi.spyOn(console, method).mockImplementation((...words: unknown[]) => void told.push(words.map(String).join()))
    const hear = (session: Session) => {
      for (const event of ['ready', 'renewed', 'delayed', 'warning', 'ended'] as const)
        session.on(event, (details) =>
          told.push(JSON.stringify(details), everything('error' in details && details.error)),
        )
    }
    const byPassword = (session: Session) => session.signIn({ username: 'maryo', password: PASSWORD })
    const byTicket = (session: Session) => session.signIn({ ticket: TICKET })
    // What is as short as a word is known for a secret only where it was sent.
    const attempts: Array<(session: Session) => Promise<unknown>> =
      secret === PASSWORD
        ? [byPassword]
        : secret === TICKET
          ? [byTicket]
          : [(session) => session.token(), byPassword, byTicket, (session) => session.end()]
    for (const attempt of attempts) {
      const { world, session } = at(answer)
      hear(session)
      // Nothing else is asked meanwhile that was not sent the word.
      await session.adopt(secret === PASSWORD || secret === TICKET ? { ...spent, expires_in: 900 } : spent)
      await world.until(attempt(session), 30).catch((error: unknown) => told.push(everything(error)))
      await world.pass(10)
      told.push(JSON.stringify(session.explain()), [...world.shared.entries()].join())
      session.dispose()
    }
    expect(told.length).toBeGreaterThan(6 * attempts.length)
    for (const secret of secrets) expect(told.join('\n')).not.toContain(secret)
  })

  test('an API that echoes the token in its 401 does not reach an event', async () => {
    const { world, session } = at(
      () =>
        new Response(null, {
          status: 401,
          headers: { 'WWW-Authenticate': `Bearer action="reauthenticate", reason="${ACCESS}"` },
        }),
    )
    const told: string[] = []
    session.on('warning', (event) => told.push(JSON.stringify(event)))
    await session.adopt({ access_token: ACCESS, expires_in: 900 })
    await world.until(session.fetch('https://app.example.com/orders'))
    expect(told.length).toBe(1)
    expect(told.join() + JSON.stringify(session.explain())).not.toContain(ACCESS)
  })
})
