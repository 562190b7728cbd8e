/** What can go wrong between a verifier and the authority. */
export type DiscoverFault =
  /** Not an `https` URL. Plain `http` is for loopback addresses and for `fetchUrl` only. */
  | 'BAD_URL'
  /** Could not be reached, or answered too late. */
  | 'UNREACHABLE'
  /** Answered with another status than 200. */
  | 'STATUS'
  /** The answer is too large or is not the JSON that it should be. */
  | 'BAD_ANSWER'
  /** The metadata name another issuer than the expected one (RFC 8414 §3.3). */
  | 'WRONG_ISSUER'
  /** The key set was refused, or holds no key that could be used. */
  | 'BAD_KEYS'

/** Why a verifier could not begin, or the authority could not be asked. Never holds a secret. */
export class DiscoverError extends Error {
  override readonly name = 'DiscoverError'
  readonly code: DiscoverFault
  /** With `STATUS`. */
  readonly status: number | undefined

  constructor(code: DiscoverFault, message: string, more: { status?: number; cause?: unknown } = {}) {
    super(`prolong/verify: ${message}`, more.cause === undefined ? {} : { cause: more.cause })
    this.code = code
    this.status = more.status
  }
}

export const badAnswer = (url: string): DiscoverError =>
  new DiscoverError('BAD_ANSWER', `${url} answered with something unexpected`)

export const wrongIssuer = (expected: string, found: unknown): DiscoverError =>
  new DiscoverError(
    'WRONG_ISSUER',
    `the metadata are of the issuer ${JSON.stringify(String(found))}, not ${JSON.stringify(expected)}: write the issuer exactly as the authority does`,
  )
