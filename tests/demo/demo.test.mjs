// One demo, two browsers of the same user: one is used, tampered with and robbed; the other is left alone until it is over.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { launch } from '../chromium.mjs'

const PATIENCE = 90_000
const ends = []
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
  const page = await context.newPage()
  page.setDefaultTimeout(PATIENCE)
  page.faults = []
  page.on('pageerror', (error) => page.faults.push(error.message))
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
/** Waits until the log says it. */
const said = (page, pattern) =>
  page.waitForFunction(
    ([source]) => [...document.querySelectorAll('#log li')].map((line) => line.textContent).find((line) => new RegExp(source).test(line)),
    [pattern.source],
  ).then((found) => found.jsonValue())
const picture = async (page, name) => {
  if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png`, fullPage: true })
}

test('the demo shows what it promises', async (t) => {
  const page = await open()
  const left = await open({ colorScheme: 'dark', viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true })
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
    await Promise.race([said(page, /got no answer/), said(second, /got no answer/)])
    await said(page, /renewed: generation 1,/)
    await said(second, /renewed: generation 2,/)
    for (const tab of [page, second]) assert.ok(await tab.isDisabled('#lose').then((off) => !off), 'still signed in')
    await picture(page, 'two-tabs')
    await second.close()
  })

  await t.test('a stolen refresh token is found the first time it is used out of step', async () => {
    const generation = async () => Number((await page.locator('#timeline text.generation').last().textContent()) ?? 0)
    await page.click('#steal')
    const stolen = Number((await said(page, /copied the refresh token of generation \d+/)).match(/generation (\d+)/)[1])
    while ((await generation()) <= stolen) await page.waitForTimeout(500)
    // Within the grace period of two seconds the thief gets what the owner got; after it, nobody does.
    await page.waitForTimeout(3000)
    await page.click('#steal')
    await said(page, /The session is over, in every tab: .*\(reuse_detected\)/)
    await said(page, /The thief was refused/)
    await picture(page, 'theft-found')
  })

  await t.test('who is left alone is warned, and then out', async () => {
    await said(left, /Nobody seems to be here: the session is over in \d+ s/)
    await picture(left, 'phone-dark-warning')
    await said(left, /renewed: generation [2-9]/)
    await said(left, /The session is over, in every tab: .*\(idle_timeout\)/)
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

  assert.deepEqual([...page.faults, ...left.faults], [])
})
