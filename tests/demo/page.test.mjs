// `prolong serve` in an empty folder: the page at `/`, used as its buttons say, by two browsers of one user.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { folderFor, start, until } from '../authority.mjs'
import { launch } from '../chromium.mjs'

const password = 'correct horse battery'

test('the page of an empty folder shows a session, and prolongs, rests and ends it', async (t) => {
  const folder = await folderFor(t)
  const bin = process.env.PROLONG_BIN
  const { found } = await start(t, bin, ['serve', '--listen', '127.0.0.1:0'], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] }, /issuer (http:\S+)/)
  execFileSync(bin, ['user', 'add', 'maryo', '--password-stdin'], { cwd: folder, input: `${password}\n` })
  const browser = await launch(t)
  const faults = []
  const elsewhere = []
  const open = async (device) => {
    const context = await browser.newContext()
    context.on('weberror', (error) => faults.push(error.error().message))
    context.on('request', (request) => request.url().startsWith(found[1]) || elsewhere.push(request.url()))
    const page = await context.newPage()
    await page.goto(found[1])
    await page.fill('[name=username]', 'maryo')
    await page.fill('[name=password]', password)
    await page.fill('[name=device]', device)
    await page.click('#sign-in button')
    await page.waitForSelector('#session:not([hidden])')
    return page
  }
  const text = (page, id) => page.textContent(`#${id}`)
  const seconds = (text) =>
    [...text.matchAll(/(\d+) (d|h|min|s)\b/g)].reduce((sum, [, n, unit]) => sum + n * { d: 86400, h: 3600, min: 60, s: 1 }[unit], 0)
  const page = await open('the desk')
  const other = await open("maryo's iPad")

  await t.test('what is left of everything is shown, and runs', async () => {
    const life = seconds(await text(page, 'access'))
    assert.ok(life > 840 && life <= 900, `${life}`)
    await until('time passes', async () => seconds(await text(page, 'access')) < life)
    const renewal = seconds(await text(page, 'renewal'))
    assert.ok(renewal > 500 && renewal < 810, `${renewal}`)
    for (const id of ['idle', 'lifetime']) assert.match(await text(page, id), /\d+ d .* from now/)
    assert.match(await text(page, 'activity'), /\d+ s ago/)
  })

  await t.test('the devices are listed', async () => {
    await until('two devices', async () => /the desk.*this one/.test(await text(page, 'devices')) && /maryo's iPad/.test(await text(page, 'devices')))
  })

  await t.test('prolong, at once', async () => {
    await page.click('#prolong')
    await until('a renewal', async () => /prolonged; idle for \d s/.test(await text(page, 'log')))
  })

  await t.test('whoever is idle on purpose does not count as active', async () => {
    await page.click('#be-idle')
    await until('idle for some seconds', async () => seconds(await text(page, 'activity')) >= 3)
    await page.mouse.click(5, 5)
    await page.click('#prolong')
    await until('a renewal that says so', async () => /prolonged; idle for ([3-9]|[1-9]\d+) s/.test(await text(page, 'log')))
  })

  await t.test('a reload finds the session again, by its cookie', async () => {
    await page.reload()
    await page.waitForSelector('#session:not([hidden])')
  })

  await t.test('signing out everywhere ends it on every device', async () => {
    await page.click('#everywhere')
    await page.waitForSelector('#sign-in:not([hidden])')
    await other.waitForSelector('#sign-in:not([hidden])')
    assert.match(await text(other, 'notice'), /The session is over: \w+/)
  })

  assert.deepEqual([faults, elsewhere], [[], []])
})

// Rotation is strict, so that the token before is good for nothing but the same attempt, from the first moment.
test('an answer that was lost signs nobody out, nor does leaving the page meanwhile', async (t) => {
  const folder = await folderFor(t)
  const bin = process.env.PROLONG_BIN
  const strict = {
    PROLONG__CLIENTS__WEB__POLICY: 'strict',
    PROLONG__POLICIES__STRICT__GRACE: '0s',
    PROLONG__POLICIES__STRICT__MIN_ROTATION_INTERVAL: '0s',
  }
  const options = { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...strict } }
  const { found } = await start(t, bin, ['serve', '--listen', '127.0.0.1:0'], options, /issuer (http:\S+)/)
  execFileSync(bin, ['user', 'add', 'maryo', '--password-stdin'], { cwd: folder, env: options.env, input: `${password}\n` })
  const page = await (await launch(t)).newPage()
  await page.goto(found[1])
  await page.fill('[name=username]', 'maryo')
  await page.fill('[name=password]', password)
  await page.click('#sign-in button')
  await page.waitForSelector('#session:not([hidden])')
  const generation = async () => Number(await page.textContent('#generation'))

  for (const again of [() => page.click('#prolong'), () => page.reload()]) {
    const before = await generation()
    const answered = new Promise((done) => {
      const lose = async (route) => {
        const request = route.request()
        const told = Object.entries(await request.allHeaders()).filter(([name]) => !/^:|^content-length$/.test(name))
        // Not by the browser, which would keep the cookie of an answer that it has seen.
        const answer = await fetch(request.url(), { method: 'POST', headers: told, body: request.postData() })
        await route.abort()
        done(answer.status)
      }
      return page.route('**/oauth/token', lose, { times: 1 })
    })
    await page.click('#prolong')
    assert.equal(await answered, 200)
    await again()
    await until('a renewal after the lost one', async () => (await generation()) === before + 1)
  }
})
