// Bounded requests to the issuer: time, size, no redirects, no cookies, and no plain HTTP but where it was asked for.

import { type JsonObject, parseObject } from '../json.js'
import { badAnswer, DiscoverError } from './error.js'

/** Milliseconds for a whole answer. */
const timeout = 5_000

export interface OriginOptions {
  issuer: string
  fetchUrl?: string | undefined
  fetch?: typeof fetch | undefined
  signal: AbortSignal
}

/** Where the issuer is, and how it is asked. */
export class Origin {
  private readonly issuer: string
  private readonly base: string | undefined
  private readonly send: typeof fetch
  private readonly closing: AbortSignal

  constructor({ issuer, fetchUrl, fetch = globalThis.fetch, signal }: OriginOptions) {
    this.issuer = issuer.replace(/\/+$/, '')
    this.base = fetchUrl?.replace(/\/+$/, '')
    this.send = fetch
    this.closing = signal
  }

  /** The metadata's address: the well-known path goes between host and path (RFC 8414 §3.1). */
  metadataUrl(): URL {
    const url = this.resolve(this.issuer)
    url.pathname = `/.well-known/oauth-authorization-server${url.pathname.replace(/\/+$/, '')}`
    return url
  }

  /** An address of Prolong's own, below the issuer. */
  own(path: string): URL {
    return this.resolve(`${this.issuer}${path}`)
  }

  /** Where an address is fetched from: below the issuer from `fetchUrl`, if there is one. */
  resolve(address: string): URL {
    const rest = address.startsWith(this.issuer) ? address.slice(this.issuer.length) : undefined
    const inside = this.base !== undefined && (rest === '' || rest?.startsWith('/'))
    const url = parsed(inside ? `${this.base}${rest}` : address)
    const loopback = url !== undefined && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
    if (url?.protocol === 'https:' || (url?.protocol === 'http:' && (inside || loopback))) return url
    throw new DiscoverError('BAD_URL', `${JSON.stringify(address)} is not an https URL`)
  }

  /** Sends; anything but 200, or what else is wanted, is an error. `signal` ends the answer's body too. */
  async ask(url: URL, init: RequestInit, signal: AbortSignal, wanted = 200): Promise<Response> {
    let response: Response
    try {
      const request: RequestInit = { redirect: 'manual', credentials: 'omit', cache: 'no-store', ...init }
      response = await this.send(url, { ...request, signal: anyOf(signal, this.closing) })
    } catch (cause) {
      throw new DiscoverError('UNREACHABLE', `${nameOf(url)} could not be reached`, { cause })
    }
    if (response.status === wanted) return response
    await response.body?.cancel().catch(() => {})
    throw new DiscoverError('STATUS', statusSentence(url, response.status), { status: response.status })
  }

  /** The JSON object of a 200 answer of at most `limit` bytes. */
  async json(url: URL, limit: number, init: RequestInit = {}): Promise<JsonObject> {
    const object = parseObject(await this.bytes(url, limit, init))
    if (!object) throw badAnswer(nameOf(url))
    return object
  }

  /** The body of a 200 answer of at most `limit` bytes. */
  async bytes(url: URL, limit: number, init: RequestInit = {}): Promise<Uint8Array> {
    return inTime((signal) => this.read(url, limit, init, signal))
  }

  /** Sends what is answered with 204. */
  async tell(url: URL, init: RequestInit): Promise<void> {
    await inTime((signal) => this.ask(url, init, signal, 204))
  }

  private async read(url: URL, limit: number, init: RequestInit, signal: AbortSignal): Promise<Uint8Array> {
    const response = await this.ask(url, init, signal)
    const chunks: Uint8Array[] = []
    let length = 0
    try {
      for await (const chunk of response.body ?? []) {
        length += chunk.length
        if (length > limit) throw badAnswer(nameOf(url))
        chunks.push(chunk)
      }
    } catch (cause) {
      if (cause instanceof DiscoverError) throw cause
      throw new DiscoverError('UNREACHABLE', `${nameOf(url)} broke off`, { cause })
    }
    const bytes = new Uint8Array(length)
    let place = 0
    for (const chunk of chunks) {
      bytes.set(chunk, place)
      place += chunk.length
    }
    return bytes
  }
}

/** Without the query, which is nobody's business. */
export const nameOf = ({ origin, pathname }: URL): string => `${origin}${pathname}`

const inTime = async <Outcome>(run: (signal: AbortSignal) => Promise<Outcome>): Promise<Outcome> => {
  const over = new AbortController()
  const timer = setTimeout(() => over.abort(new Error('it took too long')), timeout)
  try {
    return await run(over.signal)
  } finally {
    clearTimeout(timer)
    over.abort()
  }
}

const parsed = (address: string): URL | undefined => {
  try {
    return new URL(address)
  } catch {
    return undefined
  }
}

const statusSentence = (url: URL, status: number): string => {
  const needs = url.pathname.includes('/v1/feed')
    ? 'name a client with the scope prolong:feed by the option "client", or make the feed public'
    : url.pathname.endsWith('/v1/activity')
      ? 'the client of the option "client" needs the scope prolong:activity'
      : undefined
  return `${nameOf(url)} answered ${status}${needs && (status === 401 || status === 403) ? `: ${needs}` : ''}`
}

/** `AbortSignal.any` came with Node 20.3. */
const anyOf = (...signals: AbortSignal[]): AbortSignal => {
  const either = new AbortController()
  for (const signal of signals) {
    if (signal.aborted) either.abort(signal.reason)
    else signal.addEventListener('abort', () => either.abort(signal.reason), { once: true, signal: either.signal })
  }
  return either.signal
}
