import type { Environment } from './environment.js'
import type { Held } from './tokens.js'
import type { FetchInit, Session, Verdict } from './types.js'

/** RFC 6750 §3: a 401 is about the token if its challenge says so, or says nothing. */
export const challenged = ({ status, headers }: Response): Verdict => ({
  refused: status === 401 && /^$|bearer(?!.*error=)|error="?invalid_token/i.test(headers.get('WWW-Authenticate') ?? ''),
})

/** `fetch` with the token: to allowed origins only, and sent once more if a 401 is about the token. */
export const fetchWith =
  (
    environment: Environment,
    origins: readonly string[],
    verdictOf: (response: Response) => Verdict | Promise<Verdict>,
    token: Session['token'],
    current: () => Held | undefined,
    renew: (why: string) => Promise<void> | undefined,
    hear: (verdict: Verdict, used: Held | undefined) => void,
  ) =>
  async (input: RequestInfo | URL, { prolong, ...init }: FetchInit = {}): Promise<Response> => {
    // Strings and URLs have none of the members of a `Request`.
    const request = input as Partial<Request>
    const { origin } = new URL(request.url ?? (input as string), environment.origin)
    if (!origins.some((allowed) => new URL(allowed).origin === origin)) return environment.fetch(input, init)
    const body = init.body as { getReader?: unknown; [Symbol.asyncIterator]?: unknown } | null | undefined
    const once = prolong?.replay === 'never' || body?.getReader || body?.[Symbol.asyncIterator]
    for (let again = false; ; again = true) {
      // What cannot be sent twice goes with a token that has time left.
      const access = await token(once ? { validFor: 60 } : {})
      const used = current()
      const headers = new Headers(init.headers ?? request.headers)
      headers.set('Authorization', `Bearer ${access}`)
      const target = once || again ? input : (request.clone?.() ?? input)
      const response = await environment.fetch(target, { ...init, headers })
      const verdict = await verdictOf(response)
      hear(verdict, used)
      if (again || !verdict.refused) return response
      if (current() === used) await renew('refused by an API')
      const newer = current()
      if (once || init.signal?.aborted || newer === used || newer?.signedIn !== used?.signedIn) return response
    }
  }
