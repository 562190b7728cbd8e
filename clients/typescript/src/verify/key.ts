import { type Algorithm, algorithmNamed } from './algorithm.js'
import { decode } from './base64url.js'
import { isGoodEd25519Key, isInEd25519Range, isInP256Range, isOnP256 } from './curves.js'
import type { JsonObject } from './json.js'

type Bytes = Uint8Array<ArrayBuffer>

/** A public key, imported once, with exactly one algorithm. */
export interface Key {
  readonly kid: string
  readonly algorithm: Algorithm
  /** What makes it this key and no other: the algorithm and the public numbers. */
  readonly identity: string
  /** Whether `signature` is this key's over `message`. */
  signed(message: Bytes, signature: Bytes): Promise<boolean>
}

/** Why a key of a document is not used. The names are those of the Rust crate. */
export type WhyLeftOut =
  /** Not an object, or without a `kid` of at least one character. */
  | 'NoKid'
  /** `use` is not `sig`, or `key_ops` is not a list with `verify` and without repetition (RFC 7517 §4.3). */
  | 'NotForSignatures'
  /** A `kty`, `crv` or `alg` that is not known here; symmetric keys among them. */
  | 'UnknownKind'
  /** `alg` is not one for this kind of key, or an RSA key names none: it would not have exactly one algorithm. */
  | 'WrongAlgorithm'
  /** An RSA key not of 2048 to 8192 bits, even, with leading zeros, or with an unsound exponent. */
  | 'BadRsaSize'
  /** Members are missing, not strict base64url, of the wrong length, not on the curve, or of small order. */
  | 'NotAKey'
  /** It carries its private half, which must be considered lost: replace the key. */
  | 'PrivateKey'

const { subtle } = globalThis.crypto

/** How one algorithm imports and verifies, and what it asks of a signature before. */
interface Scheme {
  parameters: { name: string; namedCurve?: string; hash?: string; saltLength?: number }
  sound(signature: Bytes, modulusBytes: number): boolean
}

const ed25519: Scheme = {
  parameters: { name: 'Ed25519' },
  sound: (signature) => signature.length === 64 && isInEd25519Range(signature),
}
const ofModulusLength: Scheme['sound'] = (signature, modulusBytes) => signature.length === modulusBytes
const schemes: { readonly [Name in Algorithm]: Scheme } = {
  // Raw r ‖ s of 64 bytes, never DER (RFC 7518 §3.4).
  ES256: {
    parameters: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
    sound: (signature) => signature.length === 64 && isInP256Range(signature),
  },
  EdDSA: ed25519,
  Ed25519: ed25519,
  RS256: { parameters: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, sound: ofModulusLength },
  PS256: { parameters: { name: 'RSA-PSS', hash: 'SHA-256', saltLength: 32 }, sound: ofModulusLength },
}

/** The key of a JWK's public members (RFC 7517 §4), or why there is none. */
export const keyOf = async (kid: string, jwk: JsonObject): Promise<Key | WhyLeftOut> => {
  const half = publicHalf(jwk)
  if (typeof half === 'string') return half
  const { algorithm, modulusBytes = 0, material } = half
  const { parameters, sound } = schemes[algorithm]
  let imported: CryptoKey
  try {
    imported = await subtle.importKey('jwk', { ...material, ext: true }, parameters, false, ['verify'])
  } catch {
    return 'NotAKey'
  }
  return {
    kid,
    algorithm,
    identity: JSON.stringify([algorithm, material]),
    signed: async (message, signature) =>
      sound(signature, modulusBytes) && (await subtle.verify(parameters, imported, signature, message)),
  }
}

interface PublicHalf {
  algorithm: Algorithm
  material: JsonWebKey
  modulusBytes?: number
}

const publicHalf = (jwk: JsonObject): PublicHalf | WhyLeftOut => {
  const named = algorithmNamed(jwk.alg)
  if ('alg' in jwk && !named) return 'UnknownKind'
  const member = (name: string, length?: number): [string, Bytes] | undefined => {
    const text = jwk[name]
    const bytes = typeof text === 'string' ? decode(text) : undefined
    return typeof text === 'string' && bytes && (length === undefined || bytes.length === length)
      ? [text, bytes]
      : undefined
  }
  if (jwk.kty === 'EC' && jwk.crv === 'P-256') {
    const [x, y] = [member('x', 32), member('y', 32)]
    if (!x || !y || !isOnP256(x[1], y[1])) return 'NotAKey'
    if (named && named !== 'ES256') return 'WrongAlgorithm'
    return { algorithm: 'ES256', material: { kty: 'EC', crv: 'P-256', x: x[0], y: y[0] } }
  }
  if (jwk.kty === 'OKP' && jwk.crv === 'Ed25519') {
    const x = member('x', 32)
    if (!x || !isGoodEd25519Key(x[1])) return 'NotAKey'
    if (named && named !== 'EdDSA' && named !== 'Ed25519') return 'WrongAlgorithm'
    return { algorithm: named ?? 'EdDSA', material: { kty: 'OKP', crv: 'Ed25519', x: x[0] } }
  }
  if (jwk.kty !== 'RSA') return 'UnknownKind'
  const [n, e] = [member('n'), member('e')]
  if (!n || !e) return 'NotAKey'
  if (named !== 'RS256' && named !== 'PS256') return 'WrongAlgorithm'
  if (!isGoodRsa(n[1], e[1])) return 'BadRsaSize'
  return { algorithm: named, material: { kty: 'RSA', n: n[0], e: e[0] }, modulusBytes: n[1].length }
}

/** Odd, 2048 to 8192 bits without leading zeros (RFC 7518 §§3.3, 6.3.1.1); an odd exponent of at least 3 and at most 33 bits. */
const isGoodRsa = (n: Bytes, e: Bytes): boolean => {
  const [top = 0, odd] = [n[0], (n.at(-1) ?? 0) % 2 === 1]
  const bits = top === 0 ? 0 : n.length * 8 - Math.clz32(top) + 24
  const exponent = e[0] && e.length <= 5 ? e.reduce((value, byte) => value * 256 + byte, 0) : 0
  return odd && 2048 <= bits && bits <= 8192 && exponent >= 3 && exponent % 2 === 1 && exponent < 2 ** 33
}
