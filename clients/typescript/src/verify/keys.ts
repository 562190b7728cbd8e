import { isObject, type Json, type JsonObject, parseObject } from './json.js'
import { type Key, keyOf, type WhyLeftOut } from './key.js'

/** The longest JWKS document that is read, in bytes. */
export const maxJwksBytes = 256 * 1024

/** Why a key set was refused as a whole. */
export type KeysFault = 'NotAKeySet' | 'DuplicateKid'

const faults: { readonly [Fault in KeysFault]: (kid: string) => string } = {
  NotAKeySet: () => 'the document is not a JWK set: expected {"keys": […]} of at most 256 KiB',
  DuplicateKid: (kid) => `two keys have the kid ${kid}: give each key its own`,
}

/** A key of the document that is not used, and why. */
export interface LeftOut {
  readonly kid: string | undefined
  readonly why: WhyLeftOut
}

const phrases: { readonly [Why in WhyLeftOut]: string } = {
  NoKid: 'it has no kid',
  NotForSignatures: 'its use or key_ops is not for checking signatures',
  UnknownKind: 'its kty, crv or alg is not known',
  WrongAlgorithm: 'its alg is missing or not one for this kind of key',
  BadRsaSize: 'it is not of 2048 to 8192 bits with a sound exponent',
  NotAKey: 'its members are not a public key',
  PrivateKey: 'it is published with its private half: replace it',
}

/** One phrase for the operator of the issuer. */
export const phraseOf = ({ kid, why }: LeftOut): string =>
  `${kid === undefined ? 'a key' : `the key ${JSON.stringify(kid)}`}: ${phrases[why]}`

/** A key set that must not be used; `fault` says why, `kid` which key. */
export class KeysRefused extends Error {
  override readonly name = 'KeysRefused'
  readonly fault: KeysFault
  readonly kid: string | undefined

  constructor(fault: KeysFault, kid?: string) {
    super(faults[fault](JSON.stringify(kid)))
    this.fault = fault
    this.kid = kid
  }
}

/** The public keys of one issuer, by `kid`; never changed, replaced when the document changes. */
export class Keys {
  private readonly byKid: ReadonlyMap<string, Key>
  /** The keys of the document that are not used, in its order. */
  readonly leftOut: readonly LeftOut[]

  private constructor(byKid: ReadonlyMap<string, Key>, leftOut: readonly LeftOut[]) {
    this.byKid = byKid
    this.leftOut = leftOut
  }

  /** No key at all. */
  static readonly none: Keys = new Keys(new Map(), [])

  /**
   * Reads a JWKS document (RFC 7517), as text or bytes. A document that is ambiguous is refused whole; a key that cannot be
   * used is left out and the others stay (RFC 7517 §5), which {@link leftOut} tells.
   *
   * @throws {KeysRefused}
   */
  static async fromJwks(document: string | Uint8Array): Promise<Keys> {
    const bytes = typeof document === 'string' ? new TextEncoder().encode(document) : document
    const list = bytes.length <= maxJwksBytes ? parseObject(bytes)?.keys : undefined
    if (!Array.isArray(list)) throw new KeysRefused('NotAKeySet')
    const byKid = new Map<string, Key>()
    const leftOut: LeftOut[] = []
    for (const jwk of list) {
      const key = await read(jwk)
      if (typeof key === 'string') {
        const kid = isObject(jwk) && typeof jwk.kid === 'string' ? jwk.kid : undefined
        leftOut.push({ kid, why: key })
        continue
      }
      if (byKid.has(key.kid)) throw new KeysRefused('DuplicateKid', key.kid)
      byKid.set(key.kid, key)
    }
    return new Keys(byKid, leftOut)
  }

  /** The key of a `kid`, compared as opaque characters. */
  get(kid: string): Key | undefined {
    return this.byKid.get(kid)
  }

  /** Whether this very key is among them: the same numbers under the same name and algorithm. */
  holds(key: Key): boolean {
    const one = this.byKid.get(key.kid)
    return one === key || one?.identity === key.identity
  }

  /** How many keys there are. */
  get size(): number {
    return this.byKid.size
  }
}

/** Private members of EC, OKP and RSA keys (RFC 7518 §§6.2.2, 6.3.2; RFC 8037 §2). */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth']

const read = async (jwk: Json): Promise<Key | WhyLeftOut> => {
  if (!isObject(jwk) || typeof jwk.kid !== 'string' || !jwk.kid) return 'NoKid'
  if (jwk.kty !== 'EC' && jwk.kty !== 'OKP' && jwk.kty !== 'RSA') return 'UnknownKind'
  if (privateMembers.some((name) => name in jwk)) return 'PrivateKey'
  if (!isForSignatures(jwk)) return 'NotForSignatures'
  return keyOf(jwk.kid, jwk)
}

const isForSignatures = (jwk: JsonObject): boolean =>
  (!('use' in jwk) || jwk.use === 'sig') && (!('key_ops' in jwk) || mayVerify(jwk.key_ops))

const mayVerify = (ops: Json | undefined): boolean =>
  Array.isArray(ops) &&
  ops.includes('verify') &&
  ops.every((op, place) => typeof op === 'string' && ops.indexOf(op) === place)
