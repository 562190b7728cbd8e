import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

/** Runs a script on the built package; rejects if it does not end by itself. */
const run = (script: string) =>
  promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { timeout: 8000 })

const start = `
  import { prolong } from './dist/index.js'
  const session = prolong({ renew: () => new Promise(() => {}) })
`

test.each([
  ['while a session is active', `await session.adopt({ access_token: 'a', expires_in: 900 })`],
  ['while a renewal never settles', `await session.adopt({ access_token: 'a', expires_in: 0 }); session.token()`],
  ['while nobody is signed in', ``],
])('a Node process ends by itself %s', async (_what, more) => {
  const began = performance.now()
  const { stderr } = await run(`${start}${more}; console.log('done')`)
  expect(stderr).toBe('')
  expect(performance.now() - began).toBeLessThan(5000)
})
