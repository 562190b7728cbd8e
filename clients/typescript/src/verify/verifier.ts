// A verifier that fills itself over HTTPS: metadata (RFC 8414), keys, revocation feed; and routes that ask it.
//
// 1. `discover` succeeds only with metadata, keys and a snapshot of the feed in hand.
// 2. After that, an authority that is down costs freshness only: known keys and revocations stay.
// 3. Keys are fetched again every 5 minutes, and where a token names an unknown one, at most once in 30 s
//    (sooner where the last fetch failed).
// 4. Where it is asked for, the authority is told every 10 s which sessions were used.
// 5. The background work ends with `close()` or the `signal`.

import { Activity, isBackground } from './activity.js'
import type { Claims } from './claims.js'
import { type Expectation, Expected, isText, option } from './expected.js'
import type { Follower } from './follower.js'
import { bearerOf } from './http/bearer.js'
import { activityOf, authorizationOf, type ConnectMiddleware, remember, send, targetOf } from './http/connect.js'
import { type Answer, answerTo, type Refusal } from './http/refusal.js'
import { type Route, type RouteOptions, routeOf } from './http/route.js'
import type { JsonObject } from './json.js'
import { Keys } from './keys.js'
import { Rejection } from './rejection.js'
import { type ClientCredentials, ClientToken } from './remote/client.js'
import { badAnswer, wrongIssuer } from './remote/error.js'
import { FeedSource } from './remote/feed-source.js'
import { introspectAt } from './remote/introspect.js'
import { KeySource } from './remote/key-source.js'
import { nameOf, Origin } from './remote/origin.js'
import { Reports } from './remote/reports.js'
import { checkRequirement } from './requirement.js'
import { Revoked } from './revoked.js'
import { SeenTokens } from './seen.js'

/** Seconds from which on revocations count as stale. */
const staleAfter = 5
/** Under `shrink`, tokens younger than so many seconds are still accepted. */
const young = 120
const maxMetadataBytes = 64 * 1024

/** What `discover` may be told beyond issuer and audience. */
export interface DiscoverOptions extends Omit<Expectation, 'issuer' | 'audience'> {
  /**
   * Where to fetch from, if that is not the issuer's own URL: an inner network's address, which may be plain HTTP.
   * Addresses in the metadata that begin with the issuer are fetched from here too.
   */
  fetchUrl?: string
  /** The client with the scope `prolong:feed`, where the feed is not public; with `prolong:introspect`, for {@link Verifier.introspect}. */
  client?: ClientCredentials
  /** Whether to follow the feed. Without it, an ended session is served until its token expires: for other issuers. */
  feed?: boolean
  /**
   * Whether to report every 10 s which sessions were used, for policies with `activity = "request"`. Takes a `client` with the
   * scope `prolong:activity`. What is not acknowledged is reported again; a crash of this service loses the last 10 s.
   * `verify()` by itself reports nothing.
   */
  reportActivity?: boolean
  /** How many tokens to remember: 10,000. */
  seenTokens?: number
  /** Told of each fault in the background: a feed or keys that cannot be fetched just now. */
  onFault?: (error: Error) => void
  /** Another `fetch`, with its own trust anchors or proxy. */
  fetch?: typeof fetch
  /** Ends the background work. */
  signal?: AbortSignal
  /** Seconds since the epoch. */
  now?: () => number
}

/**
 * A verifier of `issuer`'s tokens for `audience`.
 *
 * @throws {DiscoverError} by rejecting: the issuer is unreachable, is not who it should be, or gives no keys or feed.
 */
export const discover = async (
  issuer: string,
  audience: string | readonly string[],
  options: DiscoverOptions = {},
): Promise<Verifier> => {
  const verifier = new Verifier(new Expected({ ...options, issuer, audience }), options)
  try {
    await verifier.begin()
  } catch (error) {
    verifier.close()
    throw error
  }
  return verifier
}

/** Verifies one issuer's tokens; see {@link discover}. */
export class Verifier {
  private readonly expected: Expected
  private readonly options: DiscoverOptions
  private readonly seen: SeenTokens
  private readonly closing = new AbortController()
  private readonly origin: Origin
  private readonly everywhere: Route
  private keys = Keys.none
  private revoked = new Revoked()
  private freshAsOf: number | undefined
  /** The same by a clock that nobody sets, in milliseconds. */
  private freshSince = Number.NEGATIVE_INFINITY
  private keySource: KeySource | undefined
  private introspection: URL | undefined
  private activity: Activity | undefined
  private stale = 0

  constructor(expected: Expected, options: DiscoverOptions) {
    const { fetchUrl, fetch, client, signal, seenTokens, reportActivity } = options
    if (reportActivity && !client)
      throw option('reportActivity', 'needs the option "client", with the scope prolong:activity')
    if (client && !(isText(client.id) && isText(client.secret))) throw option('client', 'must be { id, secret }')
    this.expected = expected
    this.options = options
    this.seen = new SeenTokens(seenTokens)
    this.origin = new Origin({ issuer: expected.issuer, fetchUrl, fetch, signal: this.closing.signal })
    this.everywhere = routeOf(expected, {})
    if (signal?.aborted) this.close()
    signal?.addEventListener('abort', () => this.close(), { once: true })
  }

  /** Used by {@link discover}. */
  async begin(): Promise<void> {
    const { client, feed = true, reportActivity = false, onFault = () => {} } = this.options
    const metadata = await this.metadata()
    const endpoint = (name: string): URL | undefined =>
      isText(metadata[name]) ? this.origin.resolve(metadata[name]) : undefined
    const [jwks, token] = [endpoint('jwks_uri'), endpoint('token_endpoint')]
    if (!jwks || (client && (feed || reportActivity) && !token)) throw badAnswer(nameOf(this.origin.metadataUrl()))
    this.introspection = endpoint('introspection_endpoint')
    this.keySource = new KeySource(this.origin, jwks, (keys) => {
      this.keys = keys
    })
    await this.keySource.fetch()
    if (feed) {
      const source = new FeedSource({
        origin: this.origin,
        token: client && token ? new ClientToken(this.origin, token, client, 'prolong:feed') : undefined,
        now: () => this.now(),
        learnt: (follower) => this.learn(follower),
        proved: (age) => {
          this.freshSince = Math.max(this.freshSince, performance.now() - age * 1000)
        },
        keyDied: () => this.keySource?.succeed(),
        failed: onFault,
      })
      await source.begin()
      void source.follow(this.closing.signal)
    }
    if (reportActivity && client && token) {
      this.activity = new Activity()
      const reports = new Reports({
        origin: this.origin,
        token: new ClientToken(this.origin, token, client, 'prolong:activity'),
        activity: this.activity,
        now: () => this.now(),
        failed: onFault,
      })
      void reports.keepTelling(this.closing.signal)
    }
    void this.keySource.keepFresh(this.closing.signal)
  }

  /**
   * Verifies a token as a route would, without HTTP. Reports no activity, even with `reportActivity`: whether a person is
   * behind the token is not known here. `middleware` and `handler` do.
   *
   * @throws {Rejection} by rejecting: the token is refused.
   * @throws {Undecidable} by rejecting: it cannot be told just now. Answer 503, never 401: a 401 signs people out.
   */
  async verify(token: string, options?: RouteOptions): Promise<Claims> {
    return this.judge(token, options ? routeOf(this.expected, options) : this.everywhere)
  }

  /** Middleware for Express, Connect and their like: `app.get('/orders', verifier.middleware({ scopes: ['orders:read'] }), …)`. */
  middleware(options: RouteOptions = {}): ConnectMiddleware {
    const route = routeOf(this.expected, options)
    return async (request, response, next) => {
      const { path, query } = targetOf(request)
      let outcome: Claims | undefined | Answer
      try {
        outcome = await this.decide(authorizationOf(request), path, query, route)
      } catch (error) {
        return next(error)
      }
      if (isAnswer(outcome)) return send(response, outcome)
      remember(request, outcome)
      this.note(outcome, route, activityOf(request))
      if (outcome?.renewalDue) response.setHeader('prolong-renew', 'due')
      next()
    }
  }

  /** For servers of the fetch style (`Request` → `Response`): calls `serve` if the request may pass, answers it otherwise. */
  handler<Rest extends unknown[]>(
    serve: (request: Request, ...rest: Rest) => Response | Promise<Response>,
    options: RouteOptions = {},
  ): (request: Request, ...rest: Rest) => Promise<Response> {
    const route = routeOf(this.expected, options)
    return async (request, ...rest) => {
      const { pathname, search } = new URL(request.url)
      const field = request.headers.get('authorization')
      const outcome = await this.decide(field === null ? [] : [field], pathname, search.slice(1), route)
      if (isAnswer(outcome)) return new Response(outcome.body, outcome)
      remember(request, outcome)
      this.note(outcome, route, request.headers.get('prolong-activity'))
      const response = await serve(request, ...rest)
      if (!outcome?.renewalDue) return response
      const due = new Response(response.body, response)
      due.headers.set('prolong-renew', 'due')
      return due
    }
  }

  /**
   * Asks the authority itself (RFC 7662): the token's claims, or `undefined` if it is not active. Needs the option
   * `client`, with the scope `prolong:introspect`.
   *
   * @throws {DiscoverError} by rejecting: the authority could not be asked; the token may be good.
   */
  async introspect(token: string): Promise<JsonObject | undefined> {
    const { client } = this.options
    if (!client) throw option('client', 'is needed to introspect: { id, secret }')
    if (!this.introspection) throw badAnswer(nameOf(this.origin.metadataUrl()))
    return introspectAt(this.origin, this.introspection, client, token)
  }

  /**
   * Seconds since what is revoked was known to be complete; `undefined`: never, or not any more. A wall clock that is set back
   * does not make it less: what has passed is counted by another one, too.
   */
  get staleness(): number | undefined {
    if (this.freshAsOf === undefined) return undefined
    const passed = this.options.now ? 0 : Math.ceil((performance.now() - this.freshSince) / 1000)
    return Math.max(passed, this.now() - this.freshAsOf)
  }

  /** How many requests were served while stale, on routes that stay open. */
  get servedStale(): number {
    return this.stale
  }

  /** Ends the background work. What is known stays, and grows stale. */
  close(): void {
    this.closing.abort()
  }

  private now(): number {
    return this.options.now?.() ?? Math.floor(Date.now() / 1000)
  }

  /** The `issuer` in the answer must be the expected one, character by character (RFC 8414 §3.3). */
  private async metadata(): Promise<JsonObject> {
    const metadata = await this.origin.json(this.origin.metadataUrl(), maxMetadataBytes)
    if (metadata.issuer !== this.expected.issuer) throw wrongIssuer(this.expected.issuer, metadata.issuer)
    return metadata
  }

  /** A request that reaches the service counts as activity of its session, unless it or its route is marked as background. */
  private note(claims: Claims | undefined, route: Route, field: string | null | undefined): void {
    if (claims && !route.background && !isBackground(field)) this.activity?.note(claims, this.now())
  }

  /** Freshness never moves back, but can be lost. */
  private learn(follower: Follower): void {
    this.revoked = follower.revoked
    const { fresh } = follower
    this.freshAsOf = fresh === undefined ? undefined : Math.max(fresh, this.freshAsOf ?? fresh)
  }

  /** `undefined`: an optional route, and no credentials. */
  private async decide(
    fields: readonly string[],
    path: string,
    query: string,
    route: Route,
  ): Promise<Claims | undefined | Answer> {
    const token = bearerOf(fields, query)
    if (typeof token !== 'string') {
      if (route.optional && token.why === 'NoCredentials') return undefined
      return answerTo(token, route.requirement, route.expected.issuer, path)
    }
    try {
      return await this.judge(token, route)
    } catch (error) {
      const refusal: Refusal | undefined =
        error instanceof Rejection
          ? { why: 'Token', rejection: error }
          : error instanceof Undecidable
            ? { why: 'Undecidable' }
            : undefined
      if (!refusal) throw error
      return answerTo(refusal, route.requirement, route.expected.issuer, path)
    }
  }

  /** Not knowing a key is not the client's fault, so an issuer that cannot be asked for it makes 503. */
  private async judge(token: string, route: Route): Promise<Claims> {
    try {
      return await this.judgeNow(token, route)
    } catch (error) {
      if (!(error instanceof Rejection) || error.kind !== 'UnknownKey' || !this.keySource) throw error
      if ((await this.keySource.refetch()) === 'failed') throw new Undecidable()
      return this.judgeNow(token, route)
    }
  }

  /** What is known here comes first, what the route asks included: it needs neither feed nor authority. */
  private async judgeNow(token: string, route: Route): Promise<Claims> {
    const now = this.now()
    const seen = this.seen.verify(token, this.keys, route.expected, this.revoked, now)
    const claims = seen instanceof Promise ? await seen : seen
    checkRequirement(route.requirement, claims, now)
    const { staleness } = this
    if (staleness === undefined || staleness > staleAfter) {
      if (route.staleness === 'open') this.stale++
      else if (route.staleness === 'closed') await this.askOnline(token)
      else if (now - claims.issuedAt >= young) throw new Rejection('SoftExpired')
    }
    return claims
  }

  /** Under `closed`, a stale verifier introspects; if that fails, nobody is served, and nobody signed out. */
  private async askOnline(token: string): Promise<void> {
    if (!this.options.client || !this.introspection) throw new Undecidable()
    let answer: JsonObject | undefined
    try {
      answer = await this.introspect(token)
    } catch {
      throw new Undecidable()
    }
    if (!answer) throw new Rejection('NotActive')
  }
}

/** It cannot be told just now whether a token is good: feed or keys are too old. Answer 503 with `Retry-After`. */
export class Undecidable extends Error {
  override readonly name = 'Undecidable'

  constructor() {
    super('prolong/verify: it cannot be told just now whether the token is good')
  }
}

const isAnswer = (outcome: Claims | Answer | undefined): outcome is Answer =>
  outcome !== undefined && 'status' in outcome
