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
  expect(core).toBeLessThanOrEqual(5_000)
  expect(whole).toBeLessThanOrEqual(9_000)
})

test('the embedded file is fresh (npm run build:embed)', async () => {
  const fresh = await bundle(`export * from './index.ts'`)
  expect(readFileSync('embed/prolong.js', 'utf8') === new TextDecoder().decode(fresh)).toBe(true)
})
