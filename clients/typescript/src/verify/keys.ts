import { isObject, type Json, type JsonObject, parseObject } from './json.js'
import { type Key, keyOf } from './key.js'

/** The longest JWKS document that is read, in bytes. */
export const maxJwksBytes = 256 * 1024

/** Why a key set was refused as a whole. */
export type KeysFault = 'NotAKeySet' | 'DuplicateKid' | 'BadRsaSize' | 'PrivateKey'

const sentences: { readonly [Fault in KeysFault]: (kid: string) => string } = {
  NotAKeySet: () => 'the document is not a JWK set: expected {"keys": […]} of at most 256 KiB',
  DuplicateKid: (kid) => `two keys have the kid ${kid}: give each key its own`,
  BadRsaSize: (kid) => `the RSA key ${kid} is not of 2048 to 8192 bits with a sound exponent`,
  PrivateKey: (kid) => `the key ${kid} is published with its private half: replace it`,
}

/** A key set that must not be used; `fault` says why, `kid` which key. */
export class KeysRefused extends Error {
  override readonly name = 'KeysRefused'
  readonly fault: KeysFault
  readonly kid: string | undefined

  constructor(fault: KeysFault, kid?: string) {
    super(sentences[fault](JSON.stringify(kid)))
    this.fault = fault
    this.kid = kid
  }
}

/** The public keys of one issuer, by `kid`; never changed, replaced when the document changes. */
export class Keys {
  private readonly byKid: ReadonlyMap<string, Key>

  private constructor(byKid: ReadonlyMap<string, Key>) {
    this.byKid = byKid
  }

  /** No key at all. */
  static readonly none: Keys = new Keys(new Map())

  /**
   * Reads a JWKS document (RFC 7517), as text or bytes.
   *
   * Left out without failing the set (RFC 7517 §5): keys of unknown `kty`, `crv` or `alg`, of a `use` other than `sig`,
   * with `key_ops` that lack `verify`, without a `kid`, symmetric keys, keys that are not on their curve or of small order,
   * and RSA keys without `alg`, since they would not have exactly one algorithm.
   *
   * @throws {KeysRefused}
   */
  static async fromJwks(document: string | Uint8Array): Promise<Keys> {
    const bytes = typeof document === 'string' ? new TextEncoder().encode(document) : document
    const list = bytes.length <= maxJwksBytes ? parseObject(bytes)?.keys : undefined
    if (!Array.isArray(list)) throw new KeysRefused('NotAKeySet')
    const byKid = new Map<string, Key>()
    for (const jwk of list.filter(isObject)) {
      const { kid } = jwk
      if (typeof kid !== 'string' || !kid || !isForSignatures(jwk)) continue
      if ('d' in jwk) throw new KeysRefused('PrivateKey', kid)
      const key = await keyOf(kid, jwk)
      if (key === 'BadRsaSize') throw new KeysRefused('BadRsaSize', kid)
      if (typeof key === 'string') continue
      if (byKid.has(kid)) throw new KeysRefused('DuplicateKid', kid)
      byKid.set(kid, key)
    }
    return new Keys(byKid)
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

const isForSignatures = (jwk: JsonObject): boolean => {
  const has = (name: string, good: (value: Json) => boolean): boolean => !(name in jwk) || good(jwk[name] as Json)
  return (
    (jwk.kty === 'EC' || jwk.kty === 'OKP' || jwk.kty === 'RSA') &&
    has('use', (use) => use === 'sig') &&
    has('key_ops', (ops) => Array.isArray(ops) && ops.includes('verify'))
  )
}
