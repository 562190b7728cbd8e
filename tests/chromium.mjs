// Debian's Chromium for the rooms beside this file, as its users have it: tabs that can be hidden, frozen, and kept for
// going back to. (What playwright launches itself is always visible and never kept.)

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { start } from './authority.mjs'

const FLAGS =
  '--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic --no-first-run --disable-sync --disable-background-networking --disable-component-update --remote-debugging-port=0'

/**
 * Starts one; it ends with the test. Of the browser that comes back, `contexts()[0]` is the window that a person would have,
 * where one tab at a time is in front; the tabs of a `newContext()` have cookies of their own and all think that they are.
 */
export const launch = async (test) => {
  const home = await mkdtemp(join(tmpdir(), 'prolong-chromium-'))
  const mine = {
    after: (end) => test.after(() => end().then(() => rm(home, { recursive: true, force: true, maxRetries: 9 }))),
  }
  // A page that is there from the start: playwright misses one that is just being replaced, as the new-tab page is.
  const args = [...FLAGS.split(' '), `--user-data-dir=${home}`, 'about:blank']
  const { found } = await start(mine, '/usr/bin/chromium', args, {}, /^DevTools listening on (\S+)/)
  return chromium.connectOverCDP(found[1], { noDefaults: true })
}
