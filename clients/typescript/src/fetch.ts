import type { Environment } from './environment.js'
import { word } from './errors.js'
import type { Action, Reason } from './generated/codes.js'
import type { Held } from './tokens.js'
import type { FetchInit, Session } from './types.js'

/** What requests need from their session. */
interface Hooks {
  origins: readonly string[]
  environment: Environment
  token: Session['token']
  held(): Held | undefined
  renew(why: string): Promise<boolean>
  background(): void
  reauthenticate(reason: Reason): void
  adopt(access: string, from: Held): void
}

/** `fetch` with the token: to allowed origins only, and sent once more if a 401 is about the token. */
export const fetchWith =
  (hooks: Hooks) =>
  async (input: RequestInfo | URL, init: FetchInit = {}): Promise<Response> => {
    const { environment } = hooks
    const { prolong, ...rest } = init
    const request = typeof input === 'object' && 'headers' in input ? input : undefined
    const url = new URL(request?.url ?? String(input), environment.origin)
    const allowed = hooks.origins.length ? hooks.origins : [environment.origin]
    if (!allowed.includes(url.origin)) return environment.fetch(input, rest)

    const stream =
      rest.body instanceof ReadableStream ||
      (typeof rest.body === 'object' && rest.body !== null && Symbol.asyncIterator in rest.body)
    const replayable = prolong?.replay !== 'never' && !stream
    // What cannot be sent twice goes with a token that has time left.
    await hooks.token(replayable ? {} : { validFor: 60 })
    const send = (again: boolean) => {
      const used = hooks.held()
      const headers = new Headers(rest.headers ?? request?.headers)
      if (used) headers.set('Authorization', `Bearer ${used.access}`)
      const target = request ? (again || !replayable ? request : request.clone()) : input
      return { used, sent: environment.fetch(target, { ...rest, headers }) }
    }
    const first = send(false)
    const response = await first.sent
    notice(response, first.used, hooks)
    if (response.status !== 401) return response

    const { about, action, reason } = await verdictOf(response)
    if (action === 'reauthenticate') {
      hooks.reauthenticate(reason ?? 'reauth_required')
      return response
    }
    if (!about) return response
    const current = hooks.held()
    const newer = current && current !== first.used
    if (!newer && !(await hooks.renew('an API refused the token').catch(() => false))) return response
    if (!replayable || rest.signal?.aborted || !hooks.held() || hooks.held()?.signedIn !== first.used?.signedIn)
      return response
    const second = send(true)
    const answer = await second.sent
    notice(answer, second.used, hooks)
    return answer
  }

/** What an ordinary response says about the token. */
const notice = (response: Response, used: Held | undefined, hooks: Hooks) => {
  const token = response.headers.get('Prolong-Access-Token')
  if (token && used) hooks.adopt(token, used)
  else if (response.headers.get('Prolong-Renew') === 'due' && used === hooks.held()) hooks.background()
}

/** Whether a 401 is about the token: from the challenge (RFC 6750 §3), else from the problem in the body, else yes. */
const verdictOf = async (
  response: Response,
): Promise<{ about: boolean; action?: Action | undefined; reason?: Reason | undefined }> => {
  const challenge = response.headers.get('WWW-Authenticate')
  const parameter = (name: string) => new RegExp(`[\\s,]${name}="?([^",\\s]+)`, 'i').exec(challenge ?? '')?.[1]
  let code = parameter('code')
  let action = parameter('action') as Action | undefined
  let reason = word<Reason>(parameter('reason'))
  if (!action && /json/.test(response.headers.get('Content-Type') ?? '')) {
    const problem = (await response
      .clone()
      .json()
      .catch(() => null)) as Record<string, string> | null
    code ??= problem?.code
    action = problem?.action as Action | undefined
    reason ??= word(problem?.reason)
  }
  const token = action === 'renew' || action === 'sign_in' || code === 'EXPIRED_TOKEN' || code === 'INVALID_TOKEN'
  const error = parameter('error')
  return {
    about:
      token || error === 'invalid_token' || (!action && !code && !error && (!challenge || /bearer/i.test(challenge))),
    action,
    reason,
  }
}
