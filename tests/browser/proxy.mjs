// Between the page and the authority: sees every call, and has accidents on demand.

import { createServer, request } from 'node:http'
import { text } from 'node:stream/consumers'

/** Starts one in front of `target`. Preflights pass through unseen. */
export const proxy = async (t, target) => {
  const seen = []
  const holds = []
  const server = createServer(async (asked, answer) => {
    const body = await text(asked)
    const path = new URL(asked.url, target).pathname
    const call = {
      method: asked.method,
      path,
      asked: asked.headers,
      form: new URLSearchParams(body),
      at: performance.now(),
    }
    const forward = async () => {
      const response = await new Promise((come, fail) => {
        const headers = { ...asked.headers, host: new URL(target).host, connection: 'close' }
        request(new URL(asked.url, target), { method: asked.method, headers }, come).on('error', fail).end(body)
      })
      call.answer = await text(response)
      call.headers = response.headers
      call.status = response.statusCode
    }
    // One connection for each request: of one that it knows already, a browser sends a lost request again by itself.
    const give = () => answer.writeHead(call.status, { ...call.headers, connection: 'close' }).end(call.answer)
    if (call.method !== 'OPTIONS') {
      seen.push(call)
      const at = holds.findIndex((hold) => hold.path === path)
      if (at >= 0) return holds.splice(at, 1)[0].take({ call, forward, give, lose: () => asked.socket.destroy() })
    }
    try {
      await forward()
      give()
    } catch {
      asked.socket.destroy()
    }
  })
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** Every call: `{ method, path, asked, form, at }`, and once it was answered `{ status, headers, answer }`. */
    seen,
    renewals: () => seen.filter(({ path }) => path === '/oauth/token'),
    /** The next call of this path, when it comes, is held: `forward()` it to the authority, then `give()` its answer, or `lose()` it. */
    hold: (path) => new Promise((take) => holds.push({ path, take })),
  }
}
