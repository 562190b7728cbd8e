// One authority, one proxy, one application: everything that a test needs, and nothing that another test sees.

import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { authority as start, until as wait } from '../authority.mjs'
import { launch } from '../chromium.mjs'
import { pages } from './pages.mjs'
import { proxy as between } from './proxy.mjs'

const PATIENCE = 60_000

/** For what comes by itself in seconds, also on a machine that is busy. */
export const until = (what, ask) => wait(what, ask, PATIENCE)

/** Cookie: the page never sees the refresh token. Body: it is kept in `localStorage`. */
export const TRANSPORTS = { cookie: { transport: 'cookie' }, body: { transport: 'body', storage: 'local' } }

const configuration = (origin, transport, policy) => `
[policies.short]
${Object.entries(policy)
  .map(([key, value]) => `${key} = "${value}"`)
  .join('\n')}

[[clients]]
id = "web"
policy = "short"
audience = "orders-api"
origins = ["${origin}"]
transport = "${transport}"
`

/** Life short enough to watch; strict: each renewal rotates, and only an attempt id excuses a predecessor. */
const SHORT = { access: '6s', idle: '10m', lifetime: '1h', grace: '0s', min_rotation_interval: '0s' }

/**
 * @param context of the browser
 * @param transport a key of `TRANSPORTS`
 * @param policy what differs from `SHORT`
 * @param options of the package that differ from the defaults
 */
export const world = async (t, context, transport, { policy, options } = {}) => {
  const origin = await pages(t)
  const authority = await start(t, configuration(origin, transport, { ...SHORT, ...policy }))
  const proxy = await between(t, authority.url)
  const all = { authority: proxy.url, client: 'web', origins: [proxy.url], ...TRANSPORTS[transport], ...options }
  const address = `${origin}/?${new URLSearchParams({ options: JSON.stringify(all) })}`
  const said = []

  const open = async () => {
    const page = await context.newPage()
    page.setDefaultTimeout(PATIENCE)
    page.on('pageerror', (error) => said.push(`${error.stack}`))
    page.on('console', (message) => /^Failed to load resource/.test(message.text()) || said.push(message.text()))
    await page.goto(address)
    return tabOf(page)
  }
  const tabOf = (page) => {
    /** What it heard, by name. */
    const heard = (name) => page.evaluate((name) => events.filter((event) => event.name === name), name)
    const hears = async (name, fits = () => true) => {
      try {
        return await until(`the event ${name}`, async () => (await heard(name)).find(fits))
      } catch (error) {
        const known = await page.evaluate(() => JSON.stringify([session.explain(), events]))
        throw new Error(`${error.message}: ${known}`)
      }
    }
    return {
      page,
      heard,
      hears,
      state: () => page.evaluate(() => session.state),
      peek: () => page.evaluate(() => session.peek()),
      token: (wanted) => page.evaluate((wanted) => session.token(wanted), wanted),
      explain: () => page.evaluate(() => session.explain()),
      /** What the authority says to a call of the application: its status. */
      ask: () =>
        page.evaluate((url) => session.fetch(url).then(({ status }) => status), `${proxy.url}/v1/sessions/current`),
      signIn: async (user = 'maryo') => {
        const { ticket } = await authority.signIn(user, { deliver: 'ticket' })
        await page.evaluate((ticket) => session.signIn({ ticket }), ticket)
      },
    }
  }
  return {
    ...{ origin, address, authority, proxy, context, open },
    /** What the authority counted: `counted('refreshes', 'A2_rotated')`. */
    counted: async (what, which) => {
      const text = await (await fetch(`${authority.url}/metrics`)).text()
      return Number(new RegExp(`^prolong_${what}(?:_total)?\\{\\w+="${which}"\\} (\\d+)$`, 'm').exec(text)?.[1])
    },
    /** Waits until the authority itself refuses this access token. */
    dead: (token) =>
      until('the end of a token', async () => {
        const { status } = await fetch(`${authority.url}/v1/verify`, { headers: { authorization: `Bearer ${token}` } })
        return status === 401
      }),
    /** Renewals that the authority granted, oldest first, as token answers. */
    granted: () =>
      proxy
        .renewals()
        .filter(({ status }) => status === 200)
        .map(({ answer }) => JSON.parse(answer)),
    /** The access token that was given out last. */
    newest: () => proxy.seen.map(({ answer = '' }) => /"access_token":"([^"]+)/.exec(answer)?.[1]).findLast(Boolean),
    /** No call of the application ever went with a token that the authority refused. */
    served: () => {
      const asked = proxy.seen.filter(({ path }) => path === '/v1/sessions/current')
      assert.deepEqual(
        asked.map(({ status }) => status),
        asked.map(() => 200),
      )
    },
    /** Pages had no uncaught error and wrote nothing on the console. */
    quiet: () => assert.deepEqual(said, []),
  }
}

/** One browser for the tests of a file: gives what gives it. */
export const shared = () => {
  const ends = []
  let browser
  before(async () => {
    browser = await launch({ after: (end) => ends.push(end) })
  })
  after(() => Promise.all(ends.map((end) => end())))
  return () => browser
}

/** Cookies of its own in a browser that tests share; every tab of it is visible and focused. */
export const apart = async (t, browser) => {
  const context = await browser.newContext()
  t.after(() => context.close())
  return context
}

/** The window of a browser of its own, where one tab is in front. */
export const alone = async (t) => (await launch(t)).contexts()[0]
