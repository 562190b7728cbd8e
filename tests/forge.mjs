// Tokens as the authority would sign them, or wrong in one thing. What is signed with the key of the test's is good where
// that key is in the key set (`between`), so each refusal has one reason only.

import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'

const newKey = (kind, kid) => {
  const { privateKey, publicKey } = kind === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519')
  return { kind, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: kind, use: 'sig' } }
}
const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** For tokens of this issuer, for the user `maryo` and the API `orders-api`. */
export const forge = (issuer) => {
  const key = newKey('ES256', 'of-the-test')
  const edwards = newKey('EdDSA', 'edwards')
  const forger = newKey('ES256', 'of-the-forger')
  const now = Math.floor(Date.now() / 1000)
  const good = {
    ...{ iss: issuer, sub: 'maryo', aud: 'orders-api', client_id: 'web', scope: 'orders:read orders:write' },
    ...{ iat: now, exp: now + 600, jti: 'one', auth_time: now, sid: '01905b2e-7c1a-8f3e-9d42-5a6b7c8d9e0f' },
  }
  const usual = { alg: 'ES256', typ: 'at+jwt', kid: 'of-the-test' }
  /** A member that is `undefined` is left out. */
  const mint = (claims = {}, header = {}, { kind, privateKey } = key) => {
    const input = `${encoded({ ...usual, ...header })}.${encoded({ ...good, ...claims })}`
    const how = kind === 'ES256' ? ['sha256', { key: privateKey, dsaEncoding: 'ieee-p1363' }] : [null, privateKey]
    return `${input}.${sign(how[0], Buffer.from(input), how[1]).toString('base64url')}`
  }
  /** With a secret for a key, or with nothing. */
  const unsafe = (alg, secret) => {
    const input = `${encoded({ ...usual, alg })}.${encoded(good)}`
    return `${input}.${secret ? createHmac('sha256', secret).update(input).digest('base64url') : ''}`
  }
  const pem = createPublicKey({ key: key.jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
  const own = forger.jwk

  return {
    /** To be put into the key set: the second is of an algorithm that an API which expects ES256 does not accept. */
    keys: [key.jwk, edwards.jwk],
    now,
    mint,
    /** What an API for `orders-api` that expects ES256 refuses with INVALID_TOKEN, by what is wrong with it. */
    forged: {
      'none of the forms of a token': 'x.y.z',
      'not a token': 'x',
      'alg none': unsafe('none'),
      'alg None, with a signature': unsafe('None', 'x'),
      'HS256 with the public key as PEM': unsafe('HS256', pem),
      'HS256 with the public key as PEM, without its last newline': unsafe('HS256', pem.trim()),
      'HS256 with the public key as JWK': unsafe('HS256', JSON.stringify(key.jwk)),
      'an algorithm that is not expected': mint({}, { alg: 'EdDSA', kid: 'edwards' }, edwards),
      "the forger's signature": mint({}, {}, forger),
      "the forger's kid": mint({}, { kid: own.kid }, forger),
      "the forger's key in the header": mint({}, { jwk: own }, forger),
      "the forger's key in the header, and its kid": mint({}, { kid: own.kid, jwk: own }, forger),
      "the forger's key in the header, and no kid": mint({}, { kid: undefined, jwk: own }, forger),
      'another audience': mint({ aud: 'neighbour-api' }),
      'no audience': mint({ aud: undefined }),
      'another issuer': mint({ iss: 'https://auth.example.com' }),
      'no issuer': mint({ iss: undefined }),
      'another type': mint({}, { typ: 'JWT' }),
      'no type': mint({}, { typ: undefined }),
      'no end': mint({ exp: undefined }),
      'issued in five minutes': mint({ iat: now + 300 }),
    },
    /** Tokens that must pass, so that the others are refused for what they are. */
    good: { usual: mint(), 'one of two audiences': mint({ aud: ['neighbour-api', 'orders-api'] }), 'a clock ahead': mint({ iat: now + 20 }) },
  }
}

/** A real token with one character changed in its signature, and one whose user was changed. */
export const tampered = (token) => {
  const [head, body, signature] = token.split('.')
  const claims = { ...JSON.parse(Buffer.from(body, 'base64url')), sub: 'root' }
  return {
    'a changed signature': `${head}.${body}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
    'a changed user': `${head}.${encoded(claims)}.${signature}`,
  }
}
