// Stands between an API and the authority, where the network is: adds keys of the test's to the key set, so that the test
// can sign whatever it likes, and changes what the authority says.

import { createServer } from 'node:http'

/**
 * `change(path, json)`, if set, gives what is passed on instead: `{ status, json }`; `undefined` changes nothing. Of a
 * stream it is asked before the first byte, without `json`. `asked` are the paths that were asked for.
 */
export const between = async (test, authorityUrl, keys = []) => {
  const here = { url: '', change: undefined, asked: [] }
  const server = createServer(async (asked, answer) => {
    const path = asked.url.split('?')[0]
    here.asked.push(path)
    const gone = new AbortController()
    answer.once('close', () => gone.abort())
    try {
      const parts = []
      for await (const part of asked) parts.push(part)
      const { host, connection, ...headers } = asked.headers
      const body = parts.length > 0 ? Buffer.concat(parts) : undefined
      const response = await fetch(authorityUrl + asked.url, { method: asked.method, headers, body, signal: gone.signal })
      const type = response.headers.get('content-type') ?? ''
      const streamed = type.startsWith('text/event-stream')
      const json = streamed ? undefined : await response.json()
      if (path === '/.well-known/jwks.json') json.keys.push(...keys)
      const changed = here.change?.(path, json)
      if (streamed && !changed) {
        answer.writeHead(response.status, { 'content-type': type })
        for await (const chunk of response.body) answer.write(chunk)
        answer.end()
      } else {
        const { status, json: told } = changed ?? { status: response.status, json }
        answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(told))
        if (streamed) await response.body.cancel()
      }
    } catch {
      // The authority does not answer, or breaks off: so does this.
      asked.socket.destroy()
    }
  })
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready))
  /** Ends all connections, streams too. */
  here.cut = () => server.closeAllConnections()
  test.after(() => {
    server.closeAllConnections()
    server.close()
  })
  here.url = `http://127.0.0.1:${server.address().port}`
  return here
}
