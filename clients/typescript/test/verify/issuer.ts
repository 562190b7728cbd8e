// An authority of a few lines: metadata, keys, client credentials, feed, introspection.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extend } from '../../src/verify/feed.js'
import type { Entry } from '../../src/verify/index.js'
import { Revoked } from '../../src/verify/index.js'
import { ISSUER, jwk, jwks, NOW } from './mint.js'

const zero = '00'.repeat(16)

export class Issuer {
  keys: unknown[] = [jwk('ES256')]
  entries: Entry[] = []
  /** Answers 502 to everything. */
  down = false
  /** Keeps streams open, and says nothing. */
  silent = false
  /** Drops these entries from streams, as a bad relay would. */
  drops = (_: Entry): boolean => false
  guarded = false
  asOf = NOW
  name = ISSUER
  introspected: object = { active: false }
  epoch = 'e1'
  readonly cursors: string[] = []
  readonly asked: Record<string, number> = {}
  readonly grants: string[] = []
  /** What was reported to `/v1/activity`, and answered with `reporting`. */
  readonly reports: { sessions: { id: string; idle_for: number }[] }[] = []
  reporting = 204
  private readonly streams = new Set<ServerResponse>()
  private readonly server = createServer((request, response) => void this.answer(request, response))

  async start(): Promise<string> {
    await new Promise<void>((ready) => this.server.listen(0, '127.0.0.1', ready))
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  stop(): void {
    this.server.close()
    this.server.closeAllConnections()
  }

  /** Ends all streams. */
  cut(): void {
    for (const stream of this.streams) stream.destroy()
  }

  end(kind: string, name: string, arg = 0, until = NOW + 9_999): void {
    const entry = { seq: this.entries.length + 1, kind, key: new Revoked('09'.repeat(16)).keyOf(name), arg, until }
    const before = this.chain()
    this.entries.push(entry)
    if (this.drops(entry)) return
    for (const stream of this.streams) this.frame(stream, [entry], extend(before, entry))
  }

  chain(upTo = this.entries.length): string {
    return this.entries.slice(0, upTo).reduce(extend, zero)
  }

  beat(): void {
    for (const stream of this.streams) this.heartbeat(stream)
  }

  private frame(stream: ServerResponse, entries: Entry[], chain: string): void {
    const [first, last] = [entries[0]?.seq, entries.at(-1)?.seq]
    stream.write(`event: frame\ndata: ${JSON.stringify({ first, last, chain, entries })}\n\n`)
    this.heartbeat(stream)
  }

  private heartbeat(stream: ServerResponse): void {
    const beat = { head: this.entries.length, chain: this.chain(), as_of: this.asOf }
    stream.write(`event: heartbeat\ndata: ${JSON.stringify(beat)}\n\n`)
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', ISSUER)
    this.asked[url.pathname] = (this.asked[url.pathname] ?? 0) + 1
    let body = ''
    for await (const chunk of request) body += chunk
    const json = (value: unknown) => response.end(typeof value === 'string' ? value : JSON.stringify(value))
    const { authorization = '' } = request.headers
    if (this.down) return void response.writeHead(502).end()
    if (url.pathname.startsWith('/v1/feed') && this.guarded && authorization !== 'Bearer feed-token')
      return void response.writeHead(401).end()
    switch (url.pathname) {
      case '/.well-known/oauth-authorization-server':
        return void json({
          issuer: this.name,
          jwks_uri: `${ISSUER}/keys`,
          token_endpoint: `${ISSUER}/token`,
          introspection_endpoint: `${ISSUER}/introspect`,
        })
      case '/keys':
        return void json(jwks(...this.keys))
      case '/token':
        this.grants.push(`${authorization} ${body}`)
        return void json({ access_token: 'feed-token' })
      case '/introspect':
        this.grants.push(`${authorization} ${body}`)
        return void json(this.introspected)
      case '/v1/activity':
        if (authorization === 'Bearer feed-token' && this.reporting === 204) this.reports.push(JSON.parse(body))
        return void response.writeHead(this.reporting).end()
      case '/v1/feed/snapshot':
        return void json({
          epoch: this.epoch,
          seq: this.entries.length,
          chain: this.chain(),
          salt: '09'.repeat(16),
          entries: this.entries,
        })
      case '/v1/feed':
        return this.stream(url.searchParams.get('cursor') ?? '', response)
      default:
        return void response.writeHead(404).end()
    }
  }

  private stream(cursor: string, response: ServerResponse): void {
    this.cursors.push(cursor)
    const [epoch, seq, chain] = cursor.split('.') as [string, string, string]
    if (epoch !== this.epoch || chain !== this.chain(Number(seq))) return void response.writeHead(409).end()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('retry: 1000\n\n')
    this.streams.add(response)
    response.on('close', () => this.streams.delete(response))
    if (this.silent) return
    const missed = this.entries.slice(Number(seq)).filter((entry) => !this.drops(entry))
    if (missed.length > 0) this.frame(response, missed, this.chain(Number(missed.at(-1)?.seq)))
    else this.heartbeat(response)
  }
}
