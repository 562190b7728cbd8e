// A small issuer for tests: one key of each kind, drawn once.

import { constants, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import {
  type Algorithm,
  algorithms,
  type Claims,
  type Expectation,
  Keys,
  Rejection,
  Revoked,
  verify,
} from '../../src/verify/index.js'

export const NOW = 1_795_435_200
export const ISSUER = 'https://auth.example.com'

const es = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const ed = generateKeyPairSync('ed25519').privateKey
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey

export const secretKey = (algorithm: Algorithm): KeyObject =>
  algorithm === 'ES256' ? es : algorithm === 'RS256' || algorithm === 'PS256' ? rsa : ed

export const signature = (algorithm: Algorithm, message: string): Buffer => {
  const key = secretKey(algorithm)
  const bytes = Buffer.from(message)
  if (algorithm === 'ES256') return sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' })
  if (algorithm === 'RS256') return sign('sha256', bytes, key)
  if (algorithm === 'PS256')
    return sign('sha256', bytes, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 })
  return sign(null, bytes, key)
}

export type Members = Record<string, unknown>

/** The key of this algorithm, `kid` = its name. */
export const jwk = (algorithm: Algorithm): Members => ({
  ...createPublicKey(secretKey(algorithm)).export({ format: 'jwk' }),
  kid: algorithm,
  alg: algorithm,
  use: 'sig',
})

export const jwks = (...keys: unknown[]): string => JSON.stringify({ keys })
export const keys = await Keys.fromJwks(jwks(...algorithms.map(jwk)))

export const b64 = (text: string | Uint8Array): string => Buffer.from(text).toString('base64url')

/** Signs exactly these characters. */
export const signed = (algorithm: Algorithm, header: string, claims: string | Uint8Array): string => {
  const message = `${b64(header)}.${b64(claims)}`
  return `${message}.${b64(signature(algorithm, message))}`
}

export const header = (algorithm: Algorithm): Members => ({ typ: 'at+jwt', alg: algorithm, kid: algorithm })

export const claims = (): Members => ({
  iss: ISSUER,
  sub: 'u1',
  aud: 'orders-api',
  client_id: 'web',
  iat: NOW - 60,
  exp: NOW + 840,
  jti: 'j1',
  auth_time: NOW - 600,
  sid: 's1',
  jwt_version: 3,
  gen: 5,
  scope: 'orders:read profile',
})

/** A token with some members changed; `undefined` removes one. */
export const token = (inHeader: Members = {}, inClaims: Members = {}, algorithm: Algorithm = 'ES256'): string =>
  signed(algorithm, JSON.stringify({ ...header(algorithm), ...inHeader }), JSON.stringify({ ...claims(), ...inClaims }))

/** The claims with more text inside, as it is written. */
export const claimsWith = (more: string): string => JSON.stringify(claims()).replace('{', `{${more},`)

export const expected: Expectation = { issuer: ISSUER, audience: 'orders-api' }

export interface Asked {
  keys?: Keys
  expected?: Expectation
  revoked?: Revoked
  now?: number
}

/** The claims, or the name of the refusal: `BadClaim(exp)`. Anything else that is thrown is a fault. */
export const check = async (token: string, asked: Asked = {}): Promise<Claims | string> => {
  try {
    return await verify(
      token,
      asked.keys ?? keys,
      asked.expected ?? expected,
      asked.revoked ?? new Revoked(),
      asked.now ?? NOW,
    )
  } catch (error) {
    return nameOf(error)
  }
}

export const nameOf = (error: unknown): string => {
  if (!(error instanceof Rejection)) throw error
  return error.claim ? `${error.kind}(${error.claim})` : error.kind
}

/** `ok`, or the name of the refusal. */
export const verdict = async (token: string, asked?: Asked): Promise<string> => {
  const outcome = await check(token, asked)
  return typeof outcome === 'string' ? outcome : 'ok'
}
