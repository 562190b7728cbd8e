import { type Algorithm, algorithms } from './algorithm.js'

/** What a verifier expects of every token. Closed by default: all that is optional is strictest when left out. */
export interface Expectation {
  /** `iss`, compared character by character. */
  issuer: string
  /** `aud` must hold this, or one of these. */
  audience: string | readonly string[]
  /** Algorithms that may be tried at all. All five by default, each only with keys that have it. */
  algorithms?: readonly Algorithm[]
  /**
   * Accepted `typ` values without `application/`, in any case; `null` stands for a token without `typ`. `["at+jwt"]` by
   * default (RFC 9068 §4); only for issuers that are not Prolong should it differ.
   */
  types?: readonly (string | null)[]
  /** Seconds by which `exp` is stretched: 0, unless clocks are known to be bad. */
  expLeeway?: number
  /** Seconds by which `nbf` and `iat` may lie ahead: 30. */
  futureLeeway?: number
  /** Accept a token that expired less than so many seconds ago, and say so by `claims.expired`: 0. */
  expiredFor?: number
  /** A passed `softexp` is a hint by `claims.renewalDue` (default), or refused: renew up to `exp`, sign in after it. */
  softExpiry?: 'hint' | 'reject'
}

/** An {@link Expectation} with everything said, checked once. */
export class Expected {
  readonly issuer: string
  readonly audience: readonly string[]
  readonly algorithms: readonly Algorithm[]
  readonly types: readonly (string | null)[]
  readonly expLeeway: number
  readonly futureLeeway: number
  readonly expiredFor: number
  readonly softExpiry: 'hint' | 'reject'

  /** @throws {TypeError} naming the option that is wrong: what is left out by mistake must not mean "anything goes". */
  constructor(given: Expectation) {
    const audience = typeof given.audience === 'string' ? [given.audience] : given.audience
    if (!isText(given.issuer)) throw option('issuer', "must be the authority's issuer, exactly as it writes it")
    if (!isListOf(audience, isText)) throw option('audience', 'must be a text or a list of texts, none empty')
    this.issuer = given.issuer
    this.audience = [...audience]
    this.algorithms = [...(given.algorithms ?? algorithms)]
    if (!isListOf(this.algorithms, (one) => algorithms.includes(one as Algorithm)))
      throw option('algorithms', `must be a list of ${algorithms.join(', ')}`)
    this.types = [...(given.types ?? ['at+jwt'])]
    if (!isListOf(this.types, (one) => one === null || isText(one)))
      throw option('types', 'must be a list of media types, or null for none')
    this.expLeeway = seconds('expLeeway', given.expLeeway ?? 0)
    this.futureLeeway = seconds('futureLeeway', given.futureLeeway ?? 30)
    this.expiredFor = seconds('expiredFor', given.expiredFor ?? 0)
    this.softExpiry = given.softExpiry ?? 'hint'
    if (this.softExpiry !== 'hint' && this.softExpiry !== 'reject')
      throw option('softExpiry', 'must be "hint" or "reject"')
  }

  /** RFC 7515 §4.1.9: in any case, and `application/` is understood where no other slash is. */
  acceptsType(typ: string | null): boolean {
    if (this.types.includes(typ)) return true
    if (typ === null) return false
    const short = /^application\/([^/]*)$/i.exec(typ)?.[1] ?? typ
    return this.types.some((accepted) => accepted !== null && asciiLower(accepted) === asciiLower(short))
  }

  acceptsAudience(aud: readonly string[]): boolean {
    return aud.some((theirs) => this.audience.includes(theirs))
  }
}

/** `toLowerCase` would make a K of the Kelvin sign. */
const asciiLower = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

export const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
export const isListOf = (value: unknown, good: (one: unknown) => boolean): boolean =>
  Array.isArray(value) && value.length > 0 && value.every(good)
export const option = (name: string, mend: string): TypeError =>
  new TypeError(`prolong/verify: option "${name}" ${mend}`)
export const seconds = (name: string, value: number): number => {
  if (!Number.isInteger(value) || value < 0) throw option(name, 'must be whole seconds, not negative')
  return value
}
