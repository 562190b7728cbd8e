import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

/** Runs a script on the sources in a Node of its own; rejects if it does not end by itself. */
const run = async (contents: string) => {
  const stdin = { contents, resolveDir: 'src', loader: 'ts' } as const
  const { outputFiles } = await build({ stdin, bundle: true, format: 'esm', write: false })
  const script = outputFiles[0]?.text ?? ''
  return promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { timeout: 8000 })
}

const start = `
  import { prolong } from './index.ts'
  const session = prolong({ renew: () => new Promise(() => {}) })
`

test.each([
  ['while a session is active', `await session.adopt({ access_token: 'a', expires_in: 900 })`],
  ['while a renewal never settles', `await session.adopt({ access_token: 'a', expires_in: 0 }); session.token()`],
  ['while nobody is signed in', ``],
])(
  'F36 a Node process ends by itself %s',
  async (_what, more) => {
    const { stdout, stderr } = await run(`${start}${more}; console.log('done')`)
    expect([stdout, stderr]).toEqual(['done\n', ''])
  },
  15_000,
)
