// Writes the one file that the authority's demo embeds; a test checks that it is fresh.
import { build } from 'esbuild'

await build({
  entryPoints: ['src/index.ts'],
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  outfile: 'embed/prolong.js',
})
