// Looks for the tests that TEST-NOTES.md names among those that passed (`npm test` writes them down), so that no rule and no
// failure of another client loses its test unnoticed.
import { readdirSync, readFileSync } from 'node:fs'

const { testResults } = JSON.parse(readFileSync('node_modules/.vitest/results.json', 'utf8'))
const passed = testResults
  .flatMap(({ assertionResults }) => assertionResults)
  .filter(({ status }) => status === 'passed')
  .map(({ title }) => title)
const room = '../../tests/browser/'
const inBrowser = readdirSync(room)
  .filter((name) => name.endsWith('.test.mjs'))
  .map((name) => readFileSync(room + name, 'utf8'))
  .join('\n')

/** Rows of the table under a heading, as cells. */
const table = (heading) => {
  const [, section] = readFileSync('TEST-NOTES.md', 'utf8').split(`\n## ${heading}\n`)
  const rows = section
    .split('\n## ')[0]
    .split('\n')
    .filter((line) => line.startsWith('| '))
  return rows.slice(1).map((row) => row.slice(2, -2).split(' | '))
}
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
const pattern = (title) => new RegExp(title.split('…').map(escaped).join('.*'))
const exists = (title) =>
  title.startsWith('browser: ')
    ? pattern(title.slice(9)).test(inBrowser)
    : passed.some((name) => pattern(title).exec(name)?.[0] === name)

const lost = []
const look = (id, tests) => {
  if (!tests.length) lost.push(`${id}: no test`)
  for (const title of tests) if (!exists(title)) lost.push(`${id}: no test passed that is called "${title}"`)
}
const rules = table('Rules and their tests')
const failures = table('Failures of other clients')
for (const [rule, tests] of rules) look(`rule ${rule.split(' ')[0]}`, tests.split(' <br> '))
for (const [id, , tests] of failures) look(id, tests.split(' <br> '))
const numbered = (ids, most, prefix) => ids.join() === Array.from({ length: most }, (_, n) => prefix + (n + 1)).join()
const first = ([cell]) => cell.split(' ')[0]
if (!numbered(rules.map(first), 11, '')) lost.push('rules: 1 to 11, each once')
if (!numbered(failures.map(first), 38, 'F')) lost.push('failures: F1 to F38, each once')
for (const [id, , tests] of failures)
  if (!tests.split(' <br> ').every((title) => title.split(' ').includes(id)))
    lost.push(`${id}: not in the name of its test`)

if (lost.length) {
  console.error(`TEST-NOTES.md and the tests differ:\n${lost.join('\n')}`)
  process.exit(1)
}
console.log(`${rules.length} rules and ${failures.length} failures of other clients have their tests`)
