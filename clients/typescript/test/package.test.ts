import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

const bundle = async (contents: string) => {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: 'src', loader: 'ts' },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  })
  return outputFiles[0]?.contents ?? new Uint8Array()
}

test('the package keeps its size, min+gzip', async () => {
  const core = gzipSync(await bundle(`export { prolong } from './index.ts'`), { level: 9 }).length
  const whole = gzipSync(await bundle(`export * from './index.ts'; export * from './autorefresh.ts'`), {
    level: 9,
  }).length
  console.log(`core ${core} B, whole ${whole} B`)
  // A ratchet, not the goal: the budget for the core is 5,000, and it is not met yet (README, "Size").
  expect(core).toBeLessThanOrEqual(7_100)
  expect(whole).toBeLessThanOrEqual(9_000)
})

test('the embedded file is fresh (npm run build:embed)', async () => {
  const fresh = await bundle(`export * from './index.ts'`)
  expect(readFileSync('embed/prolong.js', 'utf8')).toBe(new TextDecoder().decode(fresh))
})
