import type { Verdict } from './types.js'

/** RFC 6750 §3: a 401 is about the token if its challenge says so, or says nothing. */
export const challenged = (response: Response): Verdict => ({
  refused:
    response.status === 401 &&
    /^$|bearer(?!.*error=)|error="?invalid_token/i.test(response.headers.get('WWW-Authenticate') ?? ''),
})
