// One demo, two browsers of the same user: one is used, tampered with and robbed; the other is left alone until it is over.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { until } from '../authority.mjs'
import { launch } from '../chromium.mjs'

const PATIENCE = 90_000
const ends = []
const faults = []
let demo, browser, url

before(async () => {
  demo = spawn(process.env.PROLONG_BIN, ['demo'], { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: demo.stdout })) {
    url = line.match(/^Open (\S+) /)?.[1]
    if (url) break
  }
  assert.ok(url, 'the demo says where to look')
  browser = await launch({ after: (end) => ends.push(end) })
})

after(async () => {
  for (const end of ends) await end()
  if (demo?.exitCode === null) {
    demo.kill('SIGTERM')
    await once(demo, 'exit')
  }
})

const open = async (options = {}) => {
  const context = await browser.newContext({ viewport: { width: 1000, height: 1200 }, ...options })
  // Of the context: also for the pages that a page opens.
  context.setDefaultTimeout(PATIENCE)
  context.on('weberror', (error) => faults.push(error.error().message))
  const page = await context.newPage()
  await page.goto(url)
  return page
}
const signIn = async (page) => {
  await page.waitForSelector('#sign-in:not([hidden])')
  // By keyboard alone.
  await page.focus('#sign-in [name=password]')
  await page.keyboard.press('Enter')
  await page.waitForSelector('#sign-in', { state: 'hidden' })
}
const log = (page) => page.locator('#log li').allTextContents()
/** Waits until the log of a page says it. */
const said = async (page, pattern) => {
  try {
    return await until(`${pattern}`, async () => (await log(page)).find((line) => pattern.test(line)), PATIENCE)
  } catch (error) {
    const logs = browser.contexts().flatMap((context) => context.pages()).map(async (each) => `${each === page ? 'here' : 'there'}: ${(await log(each)).join('\n  ')}`)
    throw new Error(`${error.message}\n${(await Promise.all(logs)).join('\n')}`)
  }
}
const picture = async (page, name) => {
  if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png`, fullPage: true })
}

test('the demo shows what it promises', async (t) => {
  const page = await open()
  const left = await open({ colorScheme: 'dark', viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true })
  // Nobody has signed in at this browser: no session is over.
  await until('the card of a first visit', async () => /waits for a sign-in/.test(await page.textContent('#tabs')))
  assert.match(await page.textContent('#tabs'), /It found no session here\./)
  await signIn(page)
  await signIn(left)
  await left.click('#idle')
  await picture(left, 'phone-dark-idle')

  await t.test('on a phone nothing is wider than the screen', async () => {
    const wide = await left.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    assert.ok(wide <= 0, `${wide} px too wide`)
  })

  await t.test('the API serves the session', async () => {
    await page.waitForSelector('#timeline circle.good')
    await picture(page, 'signed-in')
  })

  await t.test('a lost answer signs nobody out, and a second tab gets in nobody’s way', async () => {
    await page.click('#lose')
    const [second] = await Promise.all([page.context().waitForEvent('page'), page.click('#tab')])
    await second.waitForSelector('#tabs li:nth-child(2)')
    // Whichever tab it happens to, both tell of it; and of the session that goes on.
    for (const tab of [page, second]) {
      await said(tab, /got no answer/)
      await said(tab, /renewed: generation 1,/)
      await said(tab, /renewed: generation 2,/)
      assert.ok(await tab.isEnabled('#lose'), 'still signed in')
    }
    await picture(page, 'two-tabs')
    await second.close()
  })

  await t.test('a stolen refresh token is found the first time it is used out of step', async () => {
    await page.click('#steal')
    const stolen = Number((await said(page, /copied the refresh token of generation \d+/)).match(/generation (\d+)/)[1])
    await said(page, new RegExp(`renewed: generation ${stolen + 1},`))
    // Within the grace period of two seconds the thief gets what the owner got; after it, nobody does.
    const late = Date.now() + 3000
    await until('the end of the grace period', () => Date.now() > late)
    await page.click('#steal')
    await said(page, /The session is over, in every tab: .*\(reuse_detected\)/)
    await said(page, /The thief was refused/)
    await picture(page, 'theft-found')
  })

  await t.test('who is left alone is warned, and then out', async () => {
    await said(left, /Nobody seems to be here: the session is over in \d+ s/)
    await picture(left, 'phone-dark-warning')
    await left.evaluate(() => {
      const alert = document.getElementById('alert')
      window.gone = 0
      const look = () => (window.gone += alert.hidden && !/idle_timeout/.test(document.body.textContent))
      new MutationObserver(look).observe(alert, { attributes: true })
    })
    await said(left, /renewed: generation [2-9]/)
    await said(left, /The session is over, in every tab: .*\(idle_timeout\)/)
    assert.equal(await left.evaluate(() => window.gone), 0, 'a renewal hid the warning, though the deadline had not moved')
  })

  await t.test('a ban is noticed at the API while the token is still good', async () => {
    await signIn(page)
    await page.click('#ban')
    await said(page, /The session is over, in every tab: .*\(user_disabled\)/)
    assert.match(await said(page, /The API .* the old access token/), /refused the old access token, with [1-9]\d* s of its life left: /)
    await picture(page, 'banned')
    await page.focus('#sign-in [name=password]')
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => /look the same from here/.test(document.getElementById('why').textContent))
  })

  assert.deepEqual(faults, [])
})
