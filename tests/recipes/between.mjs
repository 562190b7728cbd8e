// Stands between an API and the authority, where the network is: adds keys of the test's to the key set, so that the test
// can sign whatever it likes, and changes what the feed says.

import { createServer } from 'node:http'

/** `change(path, json)`, if set, gives what is passed on instead: `{ status, json }`; `undefined` changes nothing. */
export const between = async (test, authorityUrl, keys = []) => {
  const here = { url: '', change: undefined, asked: [] }
  const server = createServer(async (asked, answer) => {
    const path = asked.url.split('?')[0]
    here.asked.push(path)
    try {
      const parts = []
      for await (const part of asked) parts.push(part)
      const { host, connection, ...headers } = asked.headers
      const body = parts.length > 0 ? Buffer.concat(parts) : undefined
      const response = await fetch(authorityUrl + asked.url, { method: asked.method, headers, body })
      let { status } = response
      let json = await response.json()
      if (path === '/.well-known/jwks.json') json.keys.push(...keys)
      const changed = here.change?.(path, json)
      if (changed) ({ status, json } = changed)
      answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json))
    } catch {
      // The authority does not answer: neither does this.
      asked.socket.destroy()
    }
  })
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready))
  test.after(() => {
    server.closeAllConnections()
    server.close()
  })
  here.url = `http://127.0.0.1:${server.address().port}`
  return here
}
