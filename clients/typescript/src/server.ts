import { fault, must } from './errors.js'
import type { Action, Reason } from './generated/codes.js'
import { originOf } from './options.js'
import type { Credentials, Options, RenewContext, RenewResult, TokenAnswer, Verdict } from './types.js'
import { challenged } from './verdict.js'

/** Options of `prolongServer`; those of `prolong` may be given too. */
export interface ServerOptions extends Omit<Options, 'renew' | 'attempt' | 'signIn' | 'end' | 'verdict' | 'resume'> {
  /** Address of the authority. */
  authority: string
  /** Client id. */
  client: string
  /** Where the refresh token lives: `"body"` (default) or, in browsers, an HttpOnly `"cookie"`. */
  transport?: 'body' | 'cookie'
  /** What prolongs: must match the client's policy. */
  prolongWith?: 'refresh-token' | 'access-token'
  /** Policy `require_access_token`: present the access token at each refresh. */
  requireAccessToken?: boolean
  /** For OAuth servers other than Prolong, whose endpoints are elsewhere. */
  tokenEndpoint?: string
  revocationEndpoint?: string
}

interface Problem {
  error: string | undefined
  code: string | undefined
  detail: string | undefined
  action: Action | undefined
  reason: Reason | undefined
}

/** The calls of a Prolong authority, or of any OAuth server with a refresh grant, as options for `prolong`. */
export const prolongServer = (given: ServerOptions): Options => {
  const {
    authority,
    client,
    transport = 'body',
    prolongWith = 'refresh-token',
    requireAccessToken = false,
    tokenEndpoint = 'oauth/token',
    revocationEndpoint = 'oauth/revoke',
    ...rest
  } = given ?? {}
  originOf(authority, 'authority')
  must(typeof requireAccessToken === 'boolean', 'requireAccessToken', 'true or false')
  must(typeof client === 'string' && client, 'client', 'the client id, like "web"')
  must(transport === 'body' || transport === 'cookie', 'transport', '"body" or "cookie"')
  must(
    prolongWith === 'refresh-token' || prolongWith === 'access-token',
    'prolongWith',
    '"refresh-token" or "access-token"',
  )
  const base = `${authority.replace(/\/+$/, '')}/`
  // An address, or a path below the authority.
  for (const [field, path] of Object.entries({ tokenEndpoint, revocationEndpoint }))
    originOf(typeof path === 'string' && !/^\w+:/.test(path) ? base : path, field)
  const cookie = transport === 'cookie'

  const call = (
    { fetch, signal, accessToken }: RenewContext,
    url: string,
    method: string,
    body?: URLSearchParams | object,
    bearer?: boolean,
  ): Promise<Response> => {
    const form = body instanceof URLSearchParams
    const headers = new Headers()
    if (body && !form) headers.set('Content-Type', 'application/json')
    if (cookie) headers.set('Prolong-Request', '1')
    if (bearer && accessToken) headers.set('Authorization', `Bearer ${accessToken}`)
    return fetch(new URL(url, base), {
      method,
      headers,
      signal,
      body: form ? body : body ? JSON.stringify(body) : null,
      cache: 'no-store',
      credentials: cookie ? 'include' : 'omit',
    })
  }
  const form = (fields: Record<string, string | undefined>) =>
    new URLSearchParams(Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined))

  const renew = async (context: RenewContext): Promise<RenewResult> => {
    const { idleFor, refreshToken, accessToken } = context
    const response =
      prolongWith === 'access-token'
        ? await call(context, 'v1/sessions/current/prolong', 'POST', { idle_for: idleFor }, true)
        : await call(
            context,
            tokenEndpoint,
            'POST',
            form({
              grant_type: 'refresh_token',
              client_id: client,
              refresh_token: cookie ? undefined : refreshToken,
              attempt_id: attemptId(context),
              idle_for: idleFor?.toString(),
              access_token: requireAccessToken ? accessToken : undefined,
            }),
          )
    if (response.ok) return answerIn(response)
    const problem = await problemOf(response, context)
    const { action, reason, error } = problem
    if (action === 'reauthenticate') return { reauthenticate: reason ?? 'reauth_required' }
    // Only these are the authority's word on the session; a wrong client id, say, is a fault to mend.
    if (
      [400, 401, 403].includes(response.status) &&
      (action === 'sign_in' || (action !== 'retry' && error === 'invalid_grant'))
    )
      return { refused: reason ?? 'unknown' }
    throw refusal(response, problem)
  }

  const signIn = async (credentials: Credentials, context: RenewContext): Promise<TokenAnswer> => {
    must(credentials, 'credentials', '{ username, password } or { ticket }')
    const { deviceName, ...known } = credentials as { deviceName?: string }
    const response = await call(context, 'v1/sessions', 'POST', {
      client_id: client,
      ...known,
      device_name: deviceName,
    })
    if (response.ok) return answerIn(response)
    throw refusal(response, await problemOf(response, context, credentials))
  }

  const end = async (context: RenewContext): Promise<void> => {
    const { refreshToken } = context
    const response =
      refreshToken && !cookie
        ? await call(context, revocationEndpoint, 'POST', form({ token: refreshToken, client_id: client }))
        : await call(context, 'v1/sessions/current', 'DELETE', undefined, true)
    // 401: over already.
    if (!response.ok && response.status !== 401) throw refusal(response, await problemOf(response, context))
  }

  return { ...rest, renew, signIn, end, verdict, attempt: drawAttempt, resume: cookie }
}

/**
 * The same for every retry of one renewal, across reloads and tabs: 16 random bytes, base64url. Noted before the renewal is
 * sent; with the option `attempt`, when the tokens were stored, so that tabs that renew at the same instant name it alike.
 */
export const attemptId = ({ notes }: RenewContext): string => {
  const noted = notes.get('attempt')
  if (noted && /^[\w-]{22}$/.test(noted)) return noted
  const drawn = drawAttempt()
  notes.set('attempt', drawn)
  return drawn
}

/** For the option `attempt`: 16 random bytes, base64url. */
export const drawAttempt = (): string =>
  btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .slice(0, 22)

/** What a response says about the token: in Prolong's headers, in the problem of a 401, else in its challenge. */
const verdict = async (response: Response): Promise<Verdict> => {
  const { status, headers } = response
  const told = { token: headers.get('Prolong-Access-Token'), due: headers.get('Prolong-Renew') === 'due' }
  if (status !== 401) return told
  const challenge = headers.get('WWW-Authenticate')
  const parameter = (name: string) => new RegExp(`[\\s,]${name}="?([^",\\s]+)`, 'i').exec(challenge ?? '')?.[1]
  let { action, reason, code } = { action: parameter('action'), reason: parameter('reason'), code: parameter('code') }
  if (!action && /json/.test(headers.get('Content-Type') ?? '')) {
    const problem = ((await response
      .clone()
      .json()
      .catch(() => null)) ?? {}) as Record<string, string | undefined>
    action = problem.action
    reason ??= problem.reason
    code ??= problem.code
  }
  if (action === 'reauthenticate') return { reauthenticate: word<Reason>(reason) ?? 'reauth_required' }
  const about = action === 'renew' || action === 'sign_in' || code === 'EXPIRED_TOKEN' || code === 'INVALID_TOKEN'
  return action || code ? { ...told, refused: about } : challenged(response)
}

/** The parser's own error would quote the body, and with it a token. */
const answerIn = async (response: Response): Promise<TokenAnswer> => {
  const answer: unknown = await response.json().catch(() => undefined)
  must(answer, 'body', 'JSON (RFC 6749 §5.1)', 'BAD_ANSWER')
  return answer as TokenAnswer
}

/** A name from a closed list, as servers send them, or nothing: text that is not one may hold a token. */
const word = <Name extends string>(text: unknown): Name | undefined =>
  typeof text === 'string' && /^[a-z_]{1,40}$/i.test(text) ? (text as Name) : undefined

/** What the server said, without anything that may be a secret: free text survives only if none of what was sent, and nothing as long as a token, is in it. */
const problemOf = async (response: Response, context: RenewContext, credentials?: Credentials): Promise<Problem> => {
  const found = ((await response.json().catch(() => null)) ?? {}) as Record<string, unknown>
  const sent = [context.refreshToken, context.accessToken]
  if (credentials) sent.push('ticket' in credentials ? credentials.ticket : credentials.password)
  const clean = (text: string) => !sent.some((secret) => secret && text.includes(secret))
  const name = <Name extends string>(text: unknown) => {
    const given = word<Name>(text)
    return given && clean(given) ? given : undefined
  }
  const text = [found.detail, found.error_description, found.title].find((given) => typeof given === 'string') as
    | string
    | undefined
  return {
    error: name(found.error),
    code: name(found.code),
    action: name(found.action),
    reason: name(found.reason),
    detail: text && text.length <= 300 && clean(text) && !/[\w.~+/=-]{20}/.test(text) ? text : undefined,
  }
}

const refusal = (response: Response, problem: Problem) => {
  const after = response.headers.get('Retry-After')
  const wait =
    after === null
      ? undefined
      : Number.isFinite(+after)
        ? Math.min(+after, 86400)
        : Math.min(Math.max(0, (Date.parse(after) - Date.now()) / 1e3), 86400) || undefined
  const what = problem.code ?? problem.error ?? `HTTP ${response.status}`
  const why = problem.detail
  return fault('REFUSED', `by the authority: ${response.status} ${what}${why ? `: ${why}` : ''}`, {
    status: response.status,
    problem: what,
    ...(problem.action && { action: problem.action }),
    ...(problem.reason && { reason: problem.reason }),
    ...(wait !== undefined && { retryAfter: wait }),
  })
}
