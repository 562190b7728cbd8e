import { type Algorithm, algorithmNamed } from './algorithm.js'
import { decode } from './base64url.js'
import { type Body, parseBody } from './claims.js'
import type { Expected } from './expected.js'
import { type Json, parseObject } from './json.js'
import type { Key } from './key.js'
import type { Keys } from './keys.js'
import { Rejection } from './rejection.js'
import type { Revoked } from './revoked.js'

/** The longest token that is read, in bytes. */
export const maxTokenBytes = 8 * 1024

/** A token whose signature was checked. */
export interface Authentic {
  readonly key: Key
  readonly typ: string | null
  readonly body: Body
}

const ascii = new TextEncoder()
/** UTF-8 makes no text shorter than its characters, and longer than three bytes for each. */
const isTooLong = (token: string): boolean =>
  token.length > maxTokenBytes || (token.length * 3 > maxTokenBytes && ascii.encode(token).length > maxTokenBytes)

/**
 * From characters to an authentic body: form, header, key, signature. No clock; of revocation only why a key is missing. The
 * claims are not parsed before the signature holds.
 *
 * @throws {Rejection}
 */
export const readToken = async (
  token: string,
  keys: Keys,
  expected: Expected,
  revoked: Revoked,
): Promise<Authentic> => {
  if (isTooLong(token)) throw new Rejection('TooLarge')
  if (!/^[A-Za-z0-9_.-]*$/.test(token)) throw new Rejection('NotCompact')
  const parts = token.split('.')
  if (parts.length !== 3 || parts.includes('')) throw new Rejection('NotCompact')
  const [headerText, claimsText, signatureText] = parts as [string, string, string]
  const { alg, kid, typ } = parseHeader(bytesOf(headerText))
  const claims = bytesOf(claimsText)
  const signature = bytesOf(signatureText)
  const key = keyFor(alg, kid, typ, keys, expected) ?? withoutKey(kid, revoked)
  const message = ascii.encode(token.slice(0, headerText.length + 1 + claimsText.length))
  if (!(await key.signed(message, signature))) throw new Rejection('BadSignature')
  return { key, typ, body: parseBody(claims) }
}

/** Whether the token would still be authentic under these keys and expectations: for later sights. */
export const recheckToken = ({ key, typ }: Authentic, keys: Keys, expected: Expected, revoked: Revoked): void => {
  if (!expected.acceptsType(typ)) throw new Rejection('WrongType')
  if (!expected.algorithms.includes(key.algorithm)) throw new Rejection('WrongAlgorithm')
  if (!keys.holds(key)) withoutKey(key.kid, revoked)
}

/** A key that was declared unsafe leaves the set, and yet its tokens are renewed and nobody signs in again. */
const withoutKey = (kid: string, revoked: Revoked): never => {
  throw new Rejection(revoked.killsKey(kid) ? 'KeyDistrusted' : 'UnknownKey')
}

const bytesOf = (part: string): Uint8Array<ArrayBuffer> => {
  const bytes = decode(part)
  if (!bytes) throw new Rejection('BadEncoding')
  return bytes
}

interface Header {
  alg: string
  kid: string
  typ: string | null
}

/** The three members that count. `jku`, `x5u`, `jwk`, `x5c` are never looked at. */
const parseHeader = (bytes: Uint8Array): Header => {
  const header = parseObject(bytes)
  if (!header) throw new Rejection('BadHeader')
  if ('crit' in header || 'b64' in header) throw new Rejection('CriticalExtension')
  const text = (value: Json | undefined): string => {
    if (typeof value !== 'string') throw new Rejection('BadHeader')
    return value
  }
  return { alg: text(header.alg), kid: text(header.kid), typ: 'typ' in header ? text(header.typ) : null }
}

const keyFor = (alg: string, kid: string, typ: string | null, keys: Keys, expected: Expected): Key | undefined => {
  if (!expected.acceptsType(typ)) throw new Rejection('WrongType')
  const algorithm: Algorithm | undefined = algorithmNamed(alg)
  if (!algorithm || !expected.algorithms.includes(algorithm)) throw new Rejection('WrongAlgorithm')
  const key = keys.get(kid)
  if (key && key.algorithm !== algorithm) throw new Rejection('KeyAlgorithm')
  return key
}
