// Verifying an access token: `prolong/verify` beside `jose`, in turns, in one process. `npm run bench`.
//
// Both check the same rules: algorithm, typ, iss, aud, exp, iat, the required claims. Every call of "first sight" gets a token
// that was not seen before; "seen" is one token again and again. What is printed is the median of the rounds, and of each
// round's ratio: the machine's mood is in both halves of it.

import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { Expected, Keys, Revoked, SeenTokens, verify } from '../dist/verify/index.js'

const [ISSUER, AUDIENCE] = ['https://auth.example.com', 'orders-api']
const ROUNDS = 15
/** Tokens of a round; a feed of an hour's ends for a large installation. */
const TOKENS = 400
const ENDED = 10_000

const kinds = {
  ES256: [generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, 'sha256', { dsaEncoding: 'ieee-p1363' }],
  EdDSA: [generateKeyPairSync('ed25519').privateKey, null, {}],
  RS256: [generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey, 'sha256', {}],
}
const b64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
const now = Math.floor(Date.now() / 1000)
let drawn = 0
const mint = (alg) => {
  const [key, hash, more] = kinds[alg]
  const claims = { iss: ISSUER, sub: 'u1', aud: AUDIENCE, client_id: 'web', iat: now - 60, exp: now + 3600, jti: `j${drawn++}` }
  const rest = { auth_time: now - 600, sid: `s${drawn}`, jwt_version: 3, gen: 5, scope: 'orders:read profile' }
  const signed = `${b64({ typ: 'at+jwt', alg, kid: alg })}.${b64({ ...claims, ...rest })}`
  return `${signed}.${sign(hash, Buffer.from(signed), { key, ...more }).toString('base64url')}`
}
const set = {
  keys: Object.entries(kinds).map(([alg, [key]]) => ({
    ...createPublicKey(key).export({ format: 'jwk' }),
    ...{ kid: alg, alg, use: 'sig' },
  })),
}
const keys = await Keys.fromJwks(JSON.stringify(set))
const expected = new Expected({ issuer: ISSUER, audience: AUDIENCE })
const salt = '09'.repeat(16)
const empty = new Revoked(salt)
const revoked = new Revoked(salt)
for (let seq = 1; seq <= ENDED; seq++)
  revoked.apply({ seq, kind: 'S', key: revoked.keyOf(`ended-${seq}`), arg: 0, until: now + 9999 })
const jwks = createLocalJWKSet(set)
const options = {
  issuer: ISSUER,
  audience: AUDIENCE,
  typ: 'at+jwt',
  algorithms: Object.keys(kinds),
  requiredClaims: ['exp', 'iat', 'sub', 'client_id'],
}

/** Microseconds for each token. */
const timed = async (tokens, run) => {
  const start = process.hrtime.bigint()
  for (const token of tokens) await run(token)
  return Number(process.hrtime.bigint() - start) / 1e3 / tokens.length
}
const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]

console.log(`Node ${process.version}, ${ROUNDS} rounds of ${TOKENS} tokens\n`)
console.log('| algorithm | sight | jose, µs | prolong/verify, µs | prolong ÷ jose |\n|---|---|---|---|---|')
for (const alg of Object.keys(kinds)) {
  const seen = new SeenTokens()
  const memory = async (ends) => {
    const token = mint(alg)
    await seen.verify(token, keys, expected, ends, now)
    return Array(TOKENS * 10).fill(token)
  }
  const [again, among] = [await memory(empty), await memory(revoked)]
  const theirs = (token) => jwtVerify(token, jwks, options)
  const cases = [
    ['first', () => Array.from({ length: TOKENS }, () => mint(alg)), (token) => verify(token, keys, expected, empty, now)],
    ['seen', () => again, (token) => seen.verify(token, keys, expected, empty, now)],
    [`seen, ${ENDED.toLocaleString('en')} ended`, () => among, (token) => seen.verify(token, keys, expected, revoked, now)],
  ]
  for (const [sight, make, ours] of cases) {
    const [their, our, ratio] = [[], [], []]
    for (let round = -2; round < ROUNDS; round++) {
      const tokens = make()
      // Who goes first takes turns, too. jose has no memory: a seen token costs it what the first did.
      const first = round % 2 === 0
      const a = first ? await timed(tokens.slice(0, TOKENS), theirs) : undefined
      const b = await timed(tokens, ours)
      const c = a ?? (await timed(tokens.slice(0, TOKENS), theirs))
      // Two rounds warm up.
      if (round >= 0) [their, our, ratio].forEach((list, at) => list.push([c, b, b / c][at]))
    }
    const [x, y, z] = [their, our, ratio].map(median)
    console.log(`| ${alg} | ${sight} | ${x.toFixed(1)} | ${y.toFixed(2)} | ${z < 0.1 ? z.toFixed(4) : z.toFixed(2)} |`)
  }
}
