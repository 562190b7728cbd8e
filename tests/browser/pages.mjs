// Serves the page, and the package as built beside it.

import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'

const page = new URL('page/', import.meta.url)
const built = new URL('../../clients/typescript/dist/', import.meta.url)
const types = { html: 'text/html', js: 'text/javascript' }

/** Gives their origin. Pages may be kept for going back to: nothing here says `no-store`. */
export const pages = async (t) => {
  const server = createServer(async (asked, answer) => {
    const { pathname } = new URL(asked.url, page)
    const path = pathname.endsWith('/') || pathname.endsWith('elsewhere') ? 'index.html' : pathname.split('/').at(-1)
    const from = pathname.includes('/prolong/') ? new URL(pathname.split('/prolong/')[1], built) : new URL(path, page)
    try {
      const text = pathname.endsWith('elsewhere') ? '<title>Elsewhere</title>' : await readFile(from)
      answer.writeHead(200, { 'content-type': types[path.split('.').at(-1)] ?? 'text/plain' }).end(text)
    } catch {
      answer.writeHead(404).end()
    }
  })
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready))
  t.after(() => server.close())
  return `http://127.0.0.1:${server.address().port}`
}
