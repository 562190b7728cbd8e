import type { Claims } from '../claims.js'
import type { Answer } from './refusal.js'

/** What the middleware reads of a request: Node's, Express's and Connect's all have it. */
export interface ConnectRequest {
  url?: string | undefined
  /** Express: the path before routers cut it. */
  originalUrl?: string | undefined
  /** Names and values by turns, as they came. */
  rawHeaders: string[]
}
/** What the middleware uses of an answer. */
export interface ConnectResponse {
  statusCode: number
  setHeader(name: string, value: string): unknown
  end(body: string): unknown
}
/** For `app.use(…)`. Calls `next()` if the request may pass, answers it otherwise. */
export type ConnectMiddleware = (
  request: ConnectRequest,
  response: ConnectResponse,
  next: (error?: unknown) => void,
) => Promise<void>

/** Every `Authorization` field. Node's `headers` keeps the first and drops the others. */
export const authorizationOf = ({ rawHeaders }: ConnectRequest): string[] =>
  rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]!.toLowerCase() === 'authorization')

/** What the request says of the person behind it. */
export const activityOf = ({ rawHeaders }: ConnectRequest): string | undefined =>
  rawHeaders.find((_, index) => index % 2 === 1 && rawHeaders[index - 1]!.toLowerCase() === 'prolong-activity')

export const targetOf = ({ originalUrl, url = '/' }: ConnectRequest): { path: string; query: string } => {
  const target = originalUrl ?? url
  const mark = target.indexOf('?')
  return mark < 0 ? { path: target, query: '' } : { path: target.slice(0, mark), query: target.slice(mark + 1) }
}

export const send = (response: ConnectResponse, { status, headers, body }: Answer): void => {
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.end(body)
}

/** The claims that middleware found, by request: nothing on the request itself can be forged or overwritten. */
const claims = new WeakMap<object, Claims>()

export const remember = (request: object, found: Claims | undefined): void => {
  // An outer route's claims are not this one's.
  if (found) claims.set(request, found)
  else claims.delete(request)
}

/**
 * Who calls: the claims of the request's token, behind a middleware or handler of this package.
 *
 * @throws {Error} if the request did not pass one, or only an optional one without credentials: a fault of the service.
 */
export const claimsOf = (request: object): Claims => {
  const found = claims.get(request)
  if (!found) throw new Error('prolong/verify: claimsOf was called on a route that is not behind the middleware')
  return found
}

/** As {@link claimsOf}, for optional routes: `undefined` without credentials. */
export const claimsIfAny = (request: object): Claims | undefined => claims.get(request)
