// The lines JWK-1 … JWK-5, and published vectors (RFC 7515, 7638, 8037), as in crates/prolong-verify/tests/verifier.

import { createHash, generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { decode, encode } from '../../src/verify/base64url.js'
import { type Algorithm, Keys, KeysRefused } from '../../src/verify/index.js'
import { sha256 } from '../../src/verify/sha256.js'
import { b64, jwk, jwks, type Members, signature } from './mint.js'

const refused = async (...keys: unknown[]): Promise<string> => {
  try {
    const { size, leftOut } = await Keys.fromJwks(jwks(...keys))
    return `${size} taken${leftOut.map(({ why }) => `, ${why}`).join('')}`
  } catch (error) {
    if (!(error instanceof KeysRefused)) throw error
    return error.kid === undefined ? error.fault : `${error.fault}(${error.kid})`
  }
}
const changed = (members: Members, algorithm: Algorithm = 'ES256') => ({ ...jwk(algorithm), ...members })
const bytes = (text: string) => new TextEncoder().encode(text)

test('JWK-1: duplicate kids, private halves and broken sets are refused', async () => {
  expect(await refused(jwk('ES256'), jwk('ES256'))).toBe('DuplicateKid(ES256)')
  for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth'])
    expect(await refused(changed({ [name]: 'AA' }))).toBe('0 taken, PrivateKey')
  for (const broken of ['', '[]', '{}', '{"keys":{}}', '{"keys":[],"keys":[]}', '{"keys":[]} x'])
    await expect(Keys.fromJwks(broken), broken).rejects.toMatchObject({ fault: 'NotAKeySet' })
  await expect(Keys.fromJwks(`{"keys":[],"x":"${'a'.repeat(256 * 1024)}"}`)).rejects.toMatchObject({
    fault: 'NotAKeySet',
  })
})

test('JWK-2: unknown keys do not fail the set', async () => {
  const { n } = jwk('RS256')
  expect(
    await refused(
      changed({ kty: 'AKP' }),
      changed({ crv: 'P-384' }),
      changed({ alg: 'ES512' }),
      changed({ alg: 'RS256' }),
      changed({ alg: 7 }),
      changed({ alg: null }),
      changed({ use: 'enc' }),
      changed({ key_ops: ['sign'] }),
      changed({ key_ops: ['verify', 'verify'] }),
      changed({ kid: '' }),
      changed({ x: 'AA' }),
      changed({ y: jwk('ES256').x }),
      { kty: 'oct', kid: 'h', k: 'AAAA', alg: 'HS256' },
      { kty: 'RSA', kid: 'r', n, e: 'AQAB' },
      7,
      null,
      jwk('ES256'),
    ),
  ).toBe(
    '1 taken, UnknownKind, UnknownKind, UnknownKind, WrongAlgorithm, UnknownKind, UnknownKind, NotForSignatures, NotForSignatures, NotForSignatures, NoKid, NotAKey, NotAKey, UnknownKind, WrongAlgorithm, NoKid, NoKid',
  )
})

test('JWK-2, JWT-9: bad RSA keys are told by name', async () => {
  const rsa = (n: string, e: string) => refused({ kty: 'RSA', kid: 'r', alg: 'RS256', n, e })
  const of = (length: number, fill: number) => b64(new Uint8Array(length).fill(fill))
  for (const [n, e] of [
    [of(128, 0xff), 'AQAB'],
    [of(256, 0x7f), 'AQAB'],
    [of(1025, 0xff), 'AQAB'],
    [of(256, 0xff), b64(Uint8Array.of(1))],
    [of(256, 0xff), b64(Uint8Array.of(4))],
    [of(256, 0xff), b64(Uint8Array.of(0, 1, 1))],
    [of(256, 0xff), b64(Uint8Array.of(2, 0, 0, 0, 1))],
  ])
    expect(await rsa(n!, e!), `${n!.length} ${e}`).toBe('0 taken, BadRsaSize')
  expect(await rsa(of(256, 0xff), b64(Uint8Array.of(1, 0, 0, 0, 1)))).toBe('1 taken')
  expect(await rsa(of(256, 0xfe), 'AQAB'), 'an even modulus').toBe('0 taken, BadRsaSize')
  expect(await rsa(`AP${of(256, 0xff).slice(2)}`, 'AQAB'), 'leading zero').toBe('0 taken, BadRsaSize')
})

test('JWK-5: Ed25519 refuses small-order keys, second spellings and malleable signatures', async () => {
  const p = 2n ** 255n - 19n
  const l = 2n ** 252n + 27742317777372353535851937790883648493n
  const little = (value: bigint) =>
    Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 255n))
  const eighth = BigInt('0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826')
  for (const y of [0n, 1n, p - 1n, eighth, p - eighth, p, p + 1n, p + 3n])
    for (const sign of [0n, 1n])
      expect(await refused(changed({ x: b64(little(y + (sign << 255n))) }, 'EdDSA')), `${y}`).toBe('0 taken, NotAKey')

  const key = (await Keys.fromJwks(jwks(jwk('EdDSA')))).get('EdDSA')!
  const good = new Uint8Array(signature('EdDSA', 'm'))
  expect(await key.signed(bytes('m'), good)).toBe(true)
  expect(await key.signed(bytes('m'), good.slice(0, 63))).toBe(false)
  // s + L is the same scalar in a second spelling.
  const s = good.slice(32).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n)
  const twin = good.slice()
  twin.set(little(s + l), 32)
  expect(await key.signed(bytes('m'), twin)).toBe(false)
})

test('RFC 7515 A.2, A.3 and RFC 8037 A.4: published signatures', async () => {
  const body = 'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ'
  const n =
    'ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ'
  const rs =
    'cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw'
  const ec = {
    kty: 'EC',
    crv: 'P-256',
    x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
    y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
  }
  const es = 'DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q'
  const okp = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }
  const ed = 'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg'
  for (const [key, message, text, good] of [
    [{ kty: 'RSA', alg: 'RS256', n, e: 'AQAB' }, `eyJhbGciOiJSUzI1NiJ9.${body}`, rs, true],
    [{ kty: 'RSA', alg: 'PS256', n, e: 'AQAB' }, `eyJhbGciOiJSUzI1NiJ9.${body}`, rs, false],
    [ec, `eyJhbGciOiJFUzI1NiJ9.${body}`, es, true],
    [okp, 'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc', ed, true],
  ] as [Members, string, string, boolean][]) {
    const keys = await Keys.fromJwks(jwks({ kid: 'k', ...key }))
    expect(await keys.get('k')!.signed(bytes(message), decode(text)!)).toBe(good)
  }
})

test('SHA-256 is that of everybody, at every length and position', () => {
  for (let length = 0; length < 200; length++) {
    const message = Uint8Array.from({ length }, (_, index) => (index * 7 + length) & 255)
    const wanted = createHash('sha256').update(message).digest('hex')
    const cut = length >> 1
    expect(Buffer.from(sha256(message.slice(0, cut), message.slice(cut))).toString('hex')).toBe(wanted)
  }
  const long = new Uint8Array(1_000_003).fill(0xa5)
  expect(Buffer.from(sha256(long))).toEqual(createHash('sha256').update(long).digest())
})

test('base64url has one spelling for every text', () => {
  for (let length = 0; length < 70; length++) {
    const message = Uint8Array.from({ length }, (_, index) => (index * 151 + length) & 255)
    expect(encode(message)).toBe(Buffer.from(message).toString('base64url'))
    expect(decode(encode(message))).toEqual(message)
  }
  for (const bad of [
    'A',
    'AAAAA',
    'AB',
    'AAB',
    'AA==',
    'AA=',
    'A A',
    'AA\n',
    '+AAA',
    '/AAA',
    'éAAA',
    'AA.A',
    '\u0141AAA',
  ])
    expect(decode(bad), bad).toBeUndefined()
})

test('a P-256 key that WebCrypto draws is on the curve for us too', async () => {
  for (let round = 0; round < 20; round++) {
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
    expect(await refused({ ...key, kid: 'k' })).toBe('1 taken')
  }
})
