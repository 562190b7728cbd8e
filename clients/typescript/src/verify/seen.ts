// A bounded memory of verified tokens: the second sight of a token costs one short hash and a look-up.
//
// 1. It is found by its signed characters, compared whole, and a keyed 256-bit hash of its signature: the memory cannot be
//    read out for tokens that work, and nobody can aim for a collision.
// 2. An entry holds the signature's result and the claims, nothing that depends on time, expectation or feed.
// 3. On every sight: key still present, algorithm, `typ`, `iss`, `aud`, times, revocation.
// 4. Refusals are not remembered: a flood of bad tokens displaces nothing.

import type { Claims } from './claims.js'
import type { Expected } from './expected.js'
import { judge } from './judge.js'
import type { Keys } from './keys.js'
import type { Revoked, Subjects } from './revoked.js'
import { hex, sha256 } from './sha256.js'
import { type Authentic, maxTokenBytes, readToken, recheckToken } from './token.js'
import { checkArguments } from './verify.js'

interface Sight {
  signature: string
  authentic: Authentic
  subjects: Subjects
}

const utf8 = new TextEncoder()
const text = new TextDecoder()
/** A slice keeps the text alive that it was cut from, and with it the signature. */
const copyOf = (slice: string): string => text.decode(utf8.encode(slice))

/** Verified tokens, remembered. */
export class SeenTokens {
  private readonly secret = globalThis.crypto.getRandomValues(new Uint8Array(32))
  private readonly half: number
  private young = new Map<string, Sight>()
  private old = new Map<string, Sight>()

  /** Remembers at most `capacity` tokens, of those used most recently. */
  constructor(capacity = 10_000) {
    if (!Number.isInteger(capacity) || capacity < 2)
      throw new TypeError('prolong/verify: the capacity must be a number of tokens, at least 2')
    this.half = Math.floor(capacity / 2)
  }

  /** As {@link verify}, with memory; at once, without a promise, for a token that was seen. The answer is the same. */
  verify(token: string, keys: Keys, expected: Expected, revoked: Revoked, now: number): Claims | Promise<Claims> {
    checkArguments(token, now)
    const end = token.length <= maxTokenBytes ? token.lastIndexOf('.') : -1
    if (end < 0) return this.first(token, keys, expected, revoked, now)
    const signed = token.slice(0, end)
    const sight = this.young.get(signed) ?? this.old.get(signed)
    if (!sight || sight.signature !== this.fingerprint(token, end))
      return this.first(token, keys, expected, revoked, now)
    this.remember(signed, sight)
    recheckToken(sight.authentic, keys, expected, revoked)
    return judge(sight.authentic, expected, revoked, now, sight.subjects)
  }

  /** How many tokens are remembered. */
  get size(): number {
    return this.young.size + this.old.size
  }

  private async first(token: string, keys: Keys, expected: Expected, revoked: Revoked, now: number): Promise<Claims> {
    const authentic = await readToken(token, keys, expected, revoked)
    const claims = judge(authentic, expected, revoked, now)
    const end = token.lastIndexOf('.')
    const subjects = revoked.subjects(authentic.key.kid, authentic.body)
    this.remember(copyOf(token.slice(0, end)), { signature: this.fingerprint(token, end), authentic, subjects })
    return claims
  }

  /** Two halves: when the young one is full it becomes the old one, whose unused tokens are forgotten next. */
  private remember(signed: string, sight: Sight): void {
    if (this.young.get(signed) === sight) return
    this.old.delete(signed)
    if (!this.young.has(signed) && this.young.size >= this.half) {
      this.old = this.young
      this.young = new Map()
    }
    this.young.set(signed, sight)
  }

  private fingerprint(token: string, end: number): string {
    const characters = new Uint8Array(token.length - end - 1)
    for (let index = 0; index < characters.length; index++) {
      const letter = token.charCodeAt(end + 1 + index)
      // Whoever is not ASCII is not the token that was verified, and must not look like it after being cut to a byte.
      if (letter > 127) return ''
      characters[index] = letter
    }
    return hex(sha256(this.secret, characters))
  }
}
