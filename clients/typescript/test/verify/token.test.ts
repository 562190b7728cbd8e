// The lines JWT-1 … JWT-16 and ATJ of the checklists, as in crates/prolong-verify/tests/verifier.

import { expect, test } from 'vitest'
import {
  type Algorithm,
  algorithms,
  type Claims,
  type Expectation,
  Expected,
  Revoked,
  verify,
} from '../../src/verify/index.js'
import {
  b64,
  check,
  claims,
  claimsWith,
  expected,
  header,
  ISSUER,
  jwk,
  keys,
  type Members,
  NOW,
  signature,
  signed,
  token,
  verdict,
} from './mint.js'

const withHeader = (members: Members) => verdict(token(members))
const withClaims = (members: Members) => verdict(token({}, members))

test('JWT-0: a sound token of each algorithm is accepted', async () => {
  for (const algorithm of algorithms) {
    const found = (await check(token({}, {}, algorithm))) as Claims
    expect(found).toMatchObject({
      subject: 'u1',
      sessionId: 's1',
      audience: ['orders-api'],
      jwtVersion: 3,
      expired: false,
    })
    expect([found.hasScope('profile'), found.hasScope('orders'), found.hasScope('')]).toEqual([true, false, false])
  }
})

test('JWT-1: algorithms outside the allowlist are never tried', async () => {
  expect(await verdict(token(), { expected: { ...expected, algorithms: ['EdDSA'] } })).toBe('WrongAlgorithm')
  for (const alg of ['es256', 'ES384', 'HS256', 'noNE', '', 'eddsa'])
    expect(await withHeader({ alg })).toBe('WrongAlgorithm')
})

test('JWT-2: the key of the kid decides the algorithm', async () => {
  for (const [alg, kid] of [
    ['EdDSA', 'Ed25519'],
    ['Ed25519', 'EdDSA'],
    ['PS256', 'RS256'],
    ['ES256', 'RS256'],
  ] as [Algorithm, string][])
    expect(await verdict(token({ kid }, {}, alg)), `${alg} ${kid}`).toBe('KeyAlgorithm')
  expect(await withHeader({ kid: 'other' })).toBe('UnknownKey')
  for (const kid of [undefined, null, 7]) expect(await withHeader({ kid })).toBe('BadHeader')
})

test('JWT-3: none is refused, and HS256 with the public key as secret', async () => {
  const unsigned = `${b64(JSON.stringify({ ...header('ES256'), alg: 'none' }))}.${b64(JSON.stringify(claims()))}.`
  expect(await verdict(unsigned)).toBe('NotCompact')
  expect(await verdict(`${unsigned}AAAA`)).toBe('WrongAlgorithm')
})

test('JWT-4: only three compact parts', async () => {
  const good = token()
  const [first, second, third] = good.split('.') as [string, string, string]
  for (const bad of [
    '..',
    `${first}.${second}`,
    `${good}.`,
    `.${good}`,
    `${good}.a.b`,
    ` ${good}`,
    `${good}\n`,
    `${good}=`,
    `"${good}"`,
    good.replace('.', '%2e'),
    `${first}..${third}`,
    JSON.stringify({ protected: first, payload: second, signature: third }),
    good.replace('e', 'é'),
  ])
    expect(await verdict(bad), bad).toBe('NotCompact')
})

test('JWT-5: unused bits must be zero', async () => {
  // 64 bytes are 86 characters; the last has 4 unused bits.
  const good = token()
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const place = alphabet.indexOf(good.at(-1)!)
  const begin = place - (place % 16)
  for (const last of alphabet.slice(begin, begin + 16)) {
    const twin = good.slice(0, -1) + last
    expect(await verdict(twin)).toBe(twin === good ? 'ok' : 'BadEncoding')
  }
  expect(await verdict(`${good}A`), 'a 65th byte').not.toBe('ok')
  expect(await verdict(good.slice(0, -1)), '85 characters').not.toBe('ok')
})

test('JWT-6: duplicate members are refused at every level', async () => {
  const twice = (more: string) => JSON.stringify(header('ES256')).replace('{', `{${more},`)
  for (const more of ['"alg":"ES256"', '"a\\u006cg":"ES256"', '"x":{"a":1,"a":1}'])
    expect(await verdict(signed('ES256', twice(more), JSON.stringify(claims())))).toBe('BadHeader')
  for (const more of ['"sub":"u2"', '"s\\u0075b":"u2"', '"x":[{"a":1,"a":2}]', '"__proto__":1,"__proto__":2'])
    expect(await verdict(signed('ES256', JSON.stringify(header('ES256')), claimsWith(more))), more).toBe('BadClaims')
})

test('JWT-6: a member __proto__ is a member, and gives no claims', async () => {
  const inherited = claimsWith('"__proto__":{"scope":"admin"}').replace(/,"scope":"[^"]*"/, '')
  const found = (await check(signed('ES256', JSON.stringify(header('ES256')), inherited))) as Claims
  expect([found.scope, found.hasScope('admin'), Object.keys(found.raw)]).toEqual([
    undefined,
    false,
    expect.arrayContaining(['__proto__']),
  ])
  const { iss: _, ...without } = claims()
  const borrowed = JSON.stringify(without).replace('{', `{"__proto__":{"iss":"${ISSUER}"},`)
  expect(await verdict(signed('ES256', JSON.stringify(header('ES256')), borrowed))).toBe('BadClaim(iss)')
})

test('JWT-7: crit in any form and b64 are refused', async () => {
  for (const crit of [[], ['exp'], ['alg'], 'x', ['b64'], 1, null])
    expect(await withHeader({ crit })).toBe('CriticalExtension')
  expect(await withHeader({ b64: true })).toBe('CriticalExtension')
})

test('JWT-8: UTF-8 only, no byte order mark, no lone surrogates, capped in size and depth', async () => {
  const sound = JSON.stringify(header('ES256'))
  const broken = Buffer.from(JSON.stringify(claims()))
  broken[broken.indexOf('u')] = 0xff
  expect(await verdict(signed('ES256', sound, broken))).toBe('BadClaims')
  expect(await verdict(signed('ES256', sound, `\ufeff${JSON.stringify(claims())}`))).toBe('BadClaims')
  for (const lone of ['\\ud800', '\\udc00', '\\ud800\\ud800', '\\ud800x', '\\uDBFF\\n'])
    expect(await verdict(signed('ES256', sound, claimsWith(`"x":"${lone}"`))), lone).toBe('BadClaims')
  expect(await verdict(signed('ES256', sound, claimsWith('"x":"\\ud83d\\ude00"')))).toBe('ok')
  expect(await withClaims({ x: 'a'.repeat(7000) })).toBe('TooLarge')
  expect(await verdict('é'.repeat(5000)), '10,000 bytes').toBe('TooLarge')
  expect(await withClaims({ x: 'a'.repeat(5000) })).toBe('ok')
  const deep = (levels: number) => claimsWith(`"x":${'['.repeat(levels)}${']'.repeat(levels)}`)
  expect(await verdict(signed('ES256', sound, deep(126)))).toBe('ok')
  expect(await verdict(signed('ES256', sound, deep(127)))).toBe('BadClaims')
})

test('JWT-8: JSON is JSON', async () => {
  for (const text of [
    '{"a":1,}',
    "{'a':1}",
    '{"a":01}',
    '{"a":+1}',
    '{"a":.5}',
    '{"a":1.}',
    '{"a":NaN}',
    '{"a":1e999}',
    '{"a":"\t"}',
    '{"a":"\\x41"}',
    '{"a":"\\u00g0"}',
    '{"a"}',
    '{a:1}',
    '[1]',
    '7',
    '"x"',
    '{} x',
    '{"a":1}}',
    '{"a":tru}',
    '{/**/}',
    '\u00a0{}',
  ])
    expect(await verdict(signed('ES256', JSON.stringify(header('ES256')), text)), text).toBe('BadClaims')
})

test('JWT-9: ECDSA signatures are raw and in range', async () => {
  const key = keys.get('ES256')!
  const good = new Uint8Array(signature('ES256', 'm'))
  const [r, s, zero, message] = [good.slice(0, 32), good.slice(32), new Uint8Array(32), new TextEncoder().encode('m')]
  const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex')
  expect(await key.signed(message, good)).toBe(true)
  for (const bad of [
    [zero, zero],
    [r, zero],
    [zero, s],
    [order, s],
    [r, order],
    [r, s, [0]],
    [[0], r, s],
    [good.slice(0, 63)],
    [],
    [[0x30, 0x44, 2, 32], r, [2, 32], s],
  ])
    expect(await key.signed(message, Uint8Array.from(bad.flatMap((part) => [...part])))).toBe(false)
})

test('JWT-10: iss is compared exactly', async () => {
  for (const iss of [`${ISSUER}/`, 'HTTPS://auth.example.com', `${ISSUER}.evil`, 'x'])
    expect(await withClaims({ iss })).toBe('WrongIssuer')
})

test('JWT-11: aud must contain us', async () => {
  expect(await withClaims({ aud: ['x', 'orders-api'] })).toBe('ok')
  for (const aud of ['orders', ['orders-api2'], 'orders-api ']) expect(await withClaims({ aud })).toBe('WrongAudience')
  for (const aud of [[], null, 7, ['orders-api', 7], { 'orders-api': 1 }, '', ['orders-api', '']])
    expect(await withClaims({ aud })).toBe('BadClaim(aud)')
})

test('JWT-12: no key comes from the token', async () => {
  const forged = { kid: '../../etc/passwd', jwk: jwk('ES256'), jku: 'https://evil.example/jwks', x5c: ['AA'] }
  expect(await withHeader(forged)).toBe('UnknownKey')
  for (const kid of ['__proto__', 'constructor', 'toString']) expect(await withHeader({ kid })).toBe('UnknownKey')
  expect(await withHeader({ jwk: jwk('EdDSA'), jku: 'https://evil.example/' })).toBe('ok')
})

test('JWT-14, ATJ-6: typ follows the media type rule, and nothing else is an access token', async () => {
  for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/At+Jwt'])
    expect(await withHeader({ typ })).toBe('ok')
  for (const typ of [undefined, 'JWT', 'dpop+jwt', 'application/application/at+jwt', 'text/at+jwt', 'at+jwt ', ''])
    expect(await withHeader({ typ })).toBe('WrongType')
  for (const typ of [null, 7, ['at+jwt']]) expect(await withHeader({ typ })).toBe('BadHeader')
  expect(await verdict(token({ typ: undefined }), { expected: { ...expected, types: [null] } })).toBe('ok')
})

test('JWT-15: exp is half-open', async () => {
  const at = (change: Partial<Expectation>, exp: unknown, now: number) =>
    check(token({}, { exp }), { expected: { ...expected, ...change }, now })
  expect(await at({}, NOW + 1, NOW)).toMatchObject({ expired: false })
  expect(await at({}, NOW, NOW)).toBe('Expired')
  expect(await at({}, NOW + 0.5, NOW)).toMatchObject({ expired: false })
  expect(await at({}, NOW + 0.5, NOW + 1)).toBe('Expired')
  expect(await at({ expiredFor: 60 }, NOW, NOW)).toMatchObject({ expired: true })
  expect(await at({ expiredFor: 60 }, NOW, NOW + 59)).toMatchObject({ expired: true })
  expect(await at({ expiredFor: 60 }, NOW, NOW + 60)).toBe('Expired')
  expect(await at({ expiredFor: 60, expLeeway: 5 }, NOW, NOW + 4)).toMatchObject({ expired: false })
})

test('JWT-15: nbf and iat may be 30 s ahead', async () => {
  for (const name of ['nbf', 'iat']) {
    expect(await withClaims({ [name]: NOW + 30 })).toBe('ok')
    expect(await withClaims({ [name]: NOW + 31 })).toBe('NotYetValid')
  }
})

test('JWT-15: strange numbers do no harm', async () => {
  const raw = (name: string, text: string) => {
    const { [name]: _, ...rest } = claims()
    return verdict(
      signed('ES256', JSON.stringify(header('ES256')), JSON.stringify(rest).replace('{', `{"${name}":${text},`)),
    )
  }
  expect(await raw('exp', '1e300')).toBe('ok')
  expect(await raw('exp', '18446744073709551615')).toBe('ok')
  expect(await raw('exp', '-1e300')).toBe('Expired')
  expect(await raw('exp', '-9223372036854775808')).toBe('Expired')
  expect(await raw('nbf', '1e300')).toBe('NotYetValid')
  expect(await raw('exp', '"1e9"')).toBe('BadClaim(exp)')
  expect(await raw('exp', '9'.repeat(400))).toBe('BadClaims')
  for (const [text, wanted] of [
    ['18446744073709551615', 'ok'],
    ['18446744073709551616', 'BadClaim(jwt_version)'],
    ['3.0', 'ok'],
    ['3e0', 'ok'],
    ['-0', 'ok'],
    ['-1', 'BadClaim(jwt_version)'],
    ['3.5', 'BadClaim(jwt_version)'],
    ['1e17', 'BadClaim(jwt_version)'],
    ['"3"', 'BadClaim(jwt_version)'],
    ['null', 'BadClaim(jwt_version)'],
  ])
    expect(await raw('jwt_version', text!), text).toBe(wanted)
})

test('ATJ-2: the required claims, each of its type', async () => {
  for (const name of ['iss', 'sub', 'aud', 'client_id', 'exp', 'iat', 'jti'])
    for (const value of [undefined, null, '', {}, true])
      expect(await withClaims({ [name]: value }), `${name} ${value}`).toBe(`BadClaim(${name})`)
  for (const name of ['nbf', 'auth_time', 'softexp', 'sid', 'gen', 'scope', 'acr'])
    expect(await withClaims({ [name]: null })).toBe(`BadClaim(${name})`)
})

test('ATJ-9: a signature of another key, or over other characters, is refused', async () => {
  const [first, second, third] = token().split('.') as [string, string, string]
  const [, other] = token({}, { sub: 'u2' }).split('.') as [string, string, string]
  expect(await verdict(`${first}.${other}.${third}`)).toBe('BadSignature')
  expect(await verdict(`${first}.${second}.${b64(signature('RS256', `${first}.${second}`))}`)).toBe('BadSignature')
  for (const algorithm of algorithms) {
    const good = token({}, {}, algorithm)
    const changed = `${good.slice(0, -3)}${good.at(-3) === 'A' ? 'B' : 'A'}${good.slice(-2)}`
    expect(await verdict(changed), algorithm).toBe('BadSignature')
  }
})

test('softexp is a hint or enforced', async () => {
  const soft = async (softExpiry: 'hint' | 'reject', softexp: number | undefined, now: number) => {
    const outcome = await check(token({}, { softexp, exp: NOW + 10 }), { expected: { ...expected, softExpiry }, now })
    return typeof outcome === 'string' ? outcome : outcome.renewalDue
  }
  expect(await soft('hint', NOW, NOW - 1)).toBe(false)
  expect(await soft('hint', NOW, NOW)).toBe(true)
  expect(await soft('hint', NOW, NOW + 10)).toBe('Expired')
  expect(await soft('reject', NOW, NOW - 1)).toBe(false)
  expect(await soft('reject', NOW, NOW)).toBe('SoftExpired')
  expect(await soft('reject', NOW, NOW + 10)).toBe('RenewalMissed')
  expect(await soft('reject', undefined, NOW + 10)).toBe('Expired')
})

test('what is expected is checked: nothing left out means "anything"', async () => {
  for (const [field, wrong] of [
    ['issuer', { issuer: '' }],
    ['audience', { audience: [] }],
    ['audience', { audience: undefined }],
    ['algorithms', { algorithms: ['HS256'] }],
    ['algorithms', { algorithms: [] }],
    ['types', { types: [] }],
    ['expLeeway', { expLeeway: Number.NaN }],
    ['softExpiry', { softExpiry: 'rejct' }],
  ] as [string, Partial<Expectation>][])
    expect(() => new Expected({ ...expected, ...wrong } as Expectation), field).toThrow(`"${field}"`)
  for (const now of [Number.NaN, undefined, 1.5, '1'])
    await expect(verify(token(), keys, expected, new Revoked(), now as number)).rejects.toThrow(TypeError)
})
