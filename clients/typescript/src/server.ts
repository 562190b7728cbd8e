import { badOption, fault, word } from './errors.js'
import type { Action, Reason } from './generated/codes.js'
import { originOf } from './options.js'
import type { Credentials, Options, RenewContext, RenewResult, TokenAnswer } from './types.js'

/** Options of `prolongServer`; those of `prolong` may be given too. */
export interface ServerOptions extends Omit<Options, 'renew' | 'signIn' | 'end' | 'resume'> {
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
    requireAccessToken,
    tokenEndpoint,
    revocationEndpoint,
    ...rest
  } = given ?? {}
  originOf(authority, 'authority')
  if (typeof client !== 'string' || !client) throw badOption('client', 'must be the client id, like "web"')
  if (transport !== 'body' && transport !== 'cookie') throw badOption('transport', 'must be "body" or "cookie"')
  if (prolongWith !== 'refresh-token' && prolongWith !== 'access-token')
    throw badOption('prolongWith', 'must be "refresh-token" or "access-token"')
  const base = authority.replace(/\/+$/, '')
  const cookie = transport === 'cookie'

  const call = async (context: RenewContext, url: string, init: RequestInit): Promise<Response> => {
    const headers = new Headers(init.headers)
    if (cookie) headers.set('Prolong-Request', '1')
    return context.fetch(url, {
      ...init,
      headers,
      signal: context.signal,
      cache: 'no-store',
      credentials: cookie ? 'include' : 'omit',
    })
  }
  const json = (body: unknown): RequestInit => ({
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  const form = (fields: Record<string, string | undefined>): RequestInit => {
    const body = new URLSearchParams()
    for (const [name, value] of Object.entries(fields)) if (value !== undefined) body.set(name, value)
    return { method: 'POST', body }
  }
  const bearer = (context: RenewContext, init: RequestInit): RequestInit => {
    const headers = new Headers(init.headers)
    if (context.accessToken) headers.set('Authorization', `Bearer ${context.accessToken}`)
    return { ...init, headers }
  }

  const renew = async (context: RenewContext): Promise<RenewResult> => {
    const idle = context.idleFor
    const response =
      prolongWith === 'access-token'
        ? await call(context, `${base}/v1/sessions/current/prolong`, bearer(context, json({ idle_for: idle })))
        : await call(
            context,
            tokenEndpoint ?? `${base}/oauth/token`,
            form({
              grant_type: 'refresh_token',
              client_id: client,
              refresh_token: cookie ? undefined : context.refreshToken,
              attempt_id: context.attemptId,
              idle_for: idle?.toString(),
              access_token: requireAccessToken ? context.accessToken : undefined,
            }),
          )
    if (response.ok) return answerIn(response)
    const problem = await problemOf(response, context)
    const { action, reason, error } = problem
    if (action === 'reauthenticate') return { reauthenticate: reason ?? 'reauth_required' }
    // Only these are the authority's word on the session; a wrong client id, say, is a fault to mend.
    const refusable = response.status === 400 || response.status === 401 || response.status === 403
    if (refusable && action !== 'retry' && (action === 'sign_in' || error === 'invalid_grant'))
      return { refused: reason ?? 'unknown' }
    throw refusal(response, problem)
  }

  const signIn = async (credentials: Credentials, context: RenewContext): Promise<TokenAnswer> => {
    const body =
      'ticket' in credentials
        ? { client_id: client, ticket: credentials.ticket }
        : {
            client_id: client,
            username: credentials.username,
            password: credentials.password,
            device_name: credentials.deviceName,
            remember: credentials.remember,
          }
    const response = await call(context, `${base}/v1/sessions`, json(body))
    if (!response.ok) throw refusal(response, await problemOf(response, context, credentials))
    return answerIn(response)
  }

  const end = async (context: RenewContext): Promise<void> => {
    const revoke = !cookie && context.refreshToken !== undefined
    const response = revoke
      ? await call(
          context,
          revocationEndpoint ?? `${base}/oauth/revoke`,
          form({ token: context.refreshToken, client_id: client }),
        )
      : await call(context, `${base}/v1/sessions/current`, bearer(context, { method: 'DELETE' }))
    // 401: over already.
    if (!response.ok && response.status !== 401) throw refusal(response, await problemOf(response, context))
  }

  return { ...rest, renew, signIn, end, resume: cookie }
}

/** The parser's own error would quote the body, and with it a token. */
const answerIn = async (response: Response): Promise<TokenAnswer> => {
  const answer: unknown = await response.json().catch(() => {
    throw fault('token answer: "body" must be JSON (RFC 6749 §5.1)', { code: 'BAD_ANSWER', field: 'body' })
  })
  return answer as TokenAnswer
}

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
        ? +after
        : Math.max(0, (Date.parse(after) - Date.now()) / 1e3) || undefined
  const what = problem.code ?? problem.error ?? `HTTP ${response.status}`
  const why = problem.detail
  return fault(`the authority answered ${response.status} ${what}${why ? `: ${why}` : ''}`, {
    code: 'REFUSED',
    status: response.status,
    problem: what,
    ...(problem.action && { action: problem.action }),
    ...(problem.reason && { reason: problem.reason }),
    ...(wait !== undefined && { retryAfter: wait }),
  })
}
