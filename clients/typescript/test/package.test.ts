import { readdirSync, readFileSync } from 'node:fs'
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
  const whole = gzipSync(
    await bundle(`export * from './index.ts'; export * from './autorefresh.ts'; export * from './testing.ts'`),
    {
      level: 9,
    },
  ).length
  console.log(`core ${core} B, whole ${whole} B`)
  expect(core).toBeLessThanOrEqual(5_000)
  expect(whole).toBeLessThanOrEqual(9_000)
})

test('the recipes of the README are the files that are type-checked and run', () => {
  const blocks = [...readFileSync('README.md', 'utf8').matchAll(/^### (.+)\n\n```tsx?\n([\s\S]*?)^```$/gm)]
  const recipe = (title: string) =>
    readdirSync('test/recipes').find((file) => file.replace(/\.tsx?$/, '') === title.toLowerCase().replace(' ', '-'))
  const files = blocks.map(([, title = '']) => recipe(title))
  expect(files.toSorted()).toEqual(readdirSync('test/recipes').toSorted())
  for (const [at, [, , code]] of blocks.entries()) expect(code).toBe(readFileSync(`test/recipes/${files[at]}`, 'utf8'))
})

test('nothing of the package writes to a console', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  expect(files.length).toBeGreaterThan(15)
  for (const file of files) expect(readFileSync(`src/${file}`, 'utf8')).not.toMatch(/\bconsole\b|process\.std/)
})

test('the embedded file is fresh (npm run build:embed)', async () => {
  const fresh = await bundle(`export * from './index.ts'`)
  expect(readFileSync('embed/prolong.js', 'utf8') === new TextDecoder().decode(fresh)).toBe(true)
})
