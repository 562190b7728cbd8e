import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { extend, readEvent, readSnapshot } from '../../src/verify/feed.js'
import type { Entry, Frame, Heartbeat, Snapshot } from '../../src/verify/index.js'
import { Expected, Follower, Keys, Rejection, Revoked, SeenTokens } from '../../src/verify/index.js'
import { parseObject } from '../../src/verify/json.js'
import { b64, expected, jwk, jwks, keys, NOW, nameOf, token, verdict } from './mint.js'

const salt = '09'.repeat(16)
const zero = '00'.repeat(16)
const late = 4_000_000_000
const named = new Revoked(salt)
const entry = (seq: number, kind: string, name: string, arg: number | bigint = 0, until = late): Entry => ({
  seq,
  kind,
  key: named.keyOf(name),
  arg,
  until,
})
const revoked = (...entries: Entry[]) => {
  const all = new Revoked(salt)
  for (const one of entries) expect(all.apply(one)).toBe(true)
  return all
}

test('each kind refuses what it names, and nothing else', async () => {
  for (const [kind, name, arg, wanted] of [
    ['S', 's1', 8, 'SessionEnded'],
    ['S', 's2', 8, 'ok'],
    ['U', 'u1', 3, 'ok'],
    ['U', 'u1', 4, 'VersionRaised'],
    ['U', 'u1', 2n ** 64n - 1n, 'VersionRaised'],
    ['T', 's1', 5, 'ok'],
    ['T', 's1', 6, 'Superseded'],
    ['K', 'ES256', 0, 'KeyDistrusted'],
    ['K', 'EdDSA', 0, 'ok'],
    ['C', 'web', NOW - 60, 'ok'],
    ['C', 'web', NOW - 59, 'IssuedBeforeCut'],
    ['G', '', NOW - 59, 'IssuedBeforeCut'],
    ['G', '', NOW - 60, 'ok'],
  ] as [string, string, number, string][])
    expect(await verdict(token(), { revoked: revoked(entry(1, kind, name, arg)) }), `${kind} ${name} ${arg}`).toBe(
      wanted,
    )
  // A machine's token has no session; a token without a version is older than any.
  const ended = revoked(entry(1, 'S', 's1', 1), entry(2, 'U', 'u1', 1))
  expect(await verdict(token({}, { sid: undefined }), { revoked: ended })).toBe('ok')
  expect(await verdict(token({}, { sid: undefined, jwt_version: undefined }), { revoked: ended })).toBe('VersionRaised')
})

test('an ended session tells why, and what to do', async () => {
  for (const [arg, reason, action] of [
    [8, 'user_disabled', 'sign_in'],
    [6, 'reauth_required', 'reauthenticate'],
    [5, 'sign_in_too_old', 'reauthenticate'],
    [0, undefined, 'sign_in'],
    [99, undefined, 'sign_in'],
  ] as const) {
    const seen = new SeenTokens().verify(token(), keys, new Expected(expected), revoked(entry(1, 'S', 's1', arg)), NOW)
    await expect(seen).rejects.toMatchObject({ kind: 'SessionEnded', code: 'INVALID_TOKEN', reason, action })
  }
})

test('nothing is un-learnt before its time, in whatever order it comes', async () => {
  for (const entries of [
    [entry(1, 'U', 'u1', 9, NOW + 10), entry(2, 'U', 'u1', 4, NOW + 99)],
    [entry(1, 'U', 'u1', 4, NOW + 99), entry(2, 'U', 'u1', 9, NOW + 10)],
  ]) {
    const all = revoked(...entries)
    all.prune(NOW + 98)
    expect(await verdict(token({}, { jwt_version: 8 }), { revoked: all })).toBe('VersionRaised')
    all.prune(NOW + 99)
    expect([await verdict(token(), { revoked: all }), all.size]).toEqual(['ok', 0])
  }
  // Under another salt, what was known is kept beside.
  const other = new Revoked('0a'.repeat(16))
  other.merge(revoked(entry(1, 'S', 's1', 8)))
  expect(await verdict(token(), { revoked: other })).toBe('SessionEnded')
  other.prune(late)
  expect([await verdict(token(), { revoked: other }), other.size]).toEqual(['ok', 0])
})

test('a token seen before is asked everything again, but its signature', async () => {
  const seen = new SeenTokens()
  const good = token()
  const strict = new Expected(expected)
  const sight = async (
    asked: { keys?: Keys; expected?: Expected; revoked?: Revoked; now?: number; token?: string } = {},
  ) => {
    try {
      const found = seen.verify(
        asked.token ?? good,
        asked.keys ?? keys,
        asked.expected ?? strict,
        asked.revoked ?? new Revoked(salt),
        asked.now ?? NOW,
      )
      return found instanceof Promise ? ['first', (await found).subject] : ['again', found.subject]
    } catch (error) {
      return nameOf(error)
    }
  }
  expect(await sight({ now: NOW + 840 })).toBe('Expired')
  expect(seen.size).toBe(0)
  expect(await sight()).toEqual(['first', 'u1'])
  expect(await sight()).toEqual(['again', 'u1'])
  expect(await sight({ now: NOW + 840 })).toBe('Expired')
  expect(await sight({ now: NOW - 91 })).toBe('NotYetValid')
  expect(await sight({ expected: new Expected({ ...expected, audience: 'x' }) })).toBe('WrongAudience')
  expect(await sight({ expected: new Expected({ ...expected, issuer: 'x' }) })).toBe('WrongIssuer')
  expect(await sight({ expected: new Expected({ ...expected, types: ['JWT'] }) })).toBe('WrongType')
  expect(await sight({ expected: new Expected({ ...expected, algorithms: ['EdDSA'] }) })).toBe('WrongAlgorithm')
  expect(await sight({ keys: Keys.none })).toBe('UnknownKey')
  // The same name for another key is another key; the same key in a new document is the same.
  const { x, y } = { x: jwk('ES256').x, y: jwk('ES256').y }
  const stranger = await Keys.fromJwks(jwks({ ...jwk('EdDSA'), kid: 'ES256' }))
  expect(await sight({ keys: stranger })).toBe('UnknownKey')
  const again = await Keys.fromJwks(jwks({ kty: 'EC', crv: 'P-256', kid: 'ES256', x, y }))
  expect(await sight({ keys: again })).toEqual(['again', 'u1'])
  for (const [one, wanted] of [
    [entry(1, 'S', 's1', 8), 'SessionEnded'],
    [entry(1, 'U', 'u1', 4), 'VersionRaised'],
    [entry(1, 'T', 's1', 6), 'Superseded'],
    [entry(1, 'K', 'ES256'), 'KeyDistrusted'],
  ] as [Entry, string][])
    expect(await sight({ revoked: revoked(one) })).toBe(wanted)
  // Under a new salt the remembered keys are of no use.
  const salted = new Revoked('0b'.repeat(16))
  salted.apply({ ...entry(1, 'S', 's1', 8), key: salted.keyOf('s1') })
  expect(await sight({ revoked: salted })).toBe('SessionEnded')
  // Another signature over the same characters is another token.
  const [first, second, third] = good.split('.') as [string, string, string]
  const forged = `${first}.${second}.${b64(Buffer.from(third, 'base64url').reverse())}`
  expect(await sight({ token: forged })).toBe('BadSignature')
  expect(
    await sight({ token: `${good.slice(0, -1)}${String.fromCharCode(good.charCodeAt(good.length - 1) + 256)}` }),
  ).toBe('NotCompact')
  expect(await sight({ token: `${first}.${second}.` })).toBe('NotCompact')
  expect(await sight()).toEqual(['again', 'u1'])
})

test('the memory is bounded, and keeps what is used', async () => {
  const seen = new SeenTokens(10)
  const strict = new Expected(expected)
  const see = (name: string) => seen.verify(token({}, { sub: name }), keys, strict, new Revoked(), NOW)
  const favourite = token({}, { sub: 'favourite' })
  const favoured = () => seen.verify(favourite, keys, strict, new Revoked(), NOW)
  await favoured()
  for (let index = 0; index < 50; index++) {
    await see(`u${index}`)
    expect(favoured()).not.toBeInstanceOf(Promise)
    expect(seen.size).toBeLessThanOrEqual(10)
  }
})

// ---- the follower ----

const chainOf = (entries: readonly Entry[]) => entries.reduce(extend, zero)
const snapshot = (entries: Entry[], epoch = 'e1'): Snapshot => ({
  epoch,
  seq: entries.length,
  chain: chainOf(entries),
  salt,
  entries,
})
const frame = (before: Entry[], entries: Entry[]): Frame => ({
  first: before.length + 1,
  last: before.length + entries.length,
  chain: chainOf([...before, ...entries]),
  entries,
})
const beat = (entries: readonly Entry[], asOf: number): Heartbeat => ({
  head: entries.length,
  chain: chainOf(entries),
  asOf,
})
const history = [1, 2, 3, 4].map((seq) => entry(seq, 'S', `s${seq}`, 8))
const [one, two, three, four] = history as [Entry, Entry, Entry, Entry]

test('the follower: frames in order, freshness at the head only, never back', () => {
  const follower = new Follower()
  expect(follower.frame(frame([], [one]))).toBe('snapshot')
  expect(follower.heartbeat(beat([], 1), NOW)).toBe('snapshot')
  follower.snapshot(snapshot([one]))
  expect([follower.fresh, follower.revoked.size]).toEqual([undefined, 1])
  expect(follower.heartbeat(beat([one], 100), NOW)).toBe('nothing')
  expect(follower.frame(frame([one], [two, three]))).toBe('nothing')
  expect(follower.frame(frame([], [one])), 'seen already').toBe('nothing')
  expect(follower.cursor).toEqual({ epoch: 'e1', seq: 3, chain: chainOf([one, two, three]) })
  expect(follower.heartbeat(beat([one, two, three], 99), NOW)).toBe('nothing')
  expect([follower.fresh, follower.revoked.size]).toEqual([100, 3])
  expect(follower.heartbeat(beat(history, 200), NOW)).toBe('range')
  expect(follower.fresh).toBe(100)
})

test('the follower: an authority whose clock is ahead makes us fresh now, not later', () => {
  const follower = new Follower()
  follower.snapshot(snapshot([one]))
  follower.heartbeat(beat([one], NOW + 60), NOW)
  expect(follower.fresh).toBe(NOW)
})

test('the follower: a gap asks for the range, then for a snapshot', () => {
  const follower = new Follower()
  follower.snapshot(snapshot([one]))
  expect(follower.frame(frame([one, two], [three]))).toBe('range')
  expect(follower.revoked.size, 'nothing of it is applied').toBe(1)
  expect(follower.frame(frame([one], [two]))).toBe('nothing')
  expect(follower.frame(frame([one, two, three], [four]))).toBe('range')
  expect(follower.frame(frame([one, two, three], [four]))).toBe('snapshot')
  expect(follower.cursor).toBeUndefined()
})

test('the follower: holes, a wrong chain, a lost tail', () => {
  const at = () => {
    const follower = new Follower()
    follower.snapshot(snapshot([one]))
    return follower
  }
  const holed = [two, four]
  const cheat = { first: 2, last: 3, chain: chainOf([one, ...holed]), entries: holed }
  expect(at().frame(cheat)).toBe('snapshot')
  expect(at().frame({ ...frame([one], [two]), last: 3 })).toBe('snapshot')
  expect(at().frame({ ...frame([one], [two]), chain: zero })).toBe('snapshot')
  expect(at().frame(frame([one], [{ ...two, until: late + 1 }])), 'consistent in itself').toBe('nothing')
  expect(at().frame({ ...frame([one], [two]), entries: [{ ...two, until: late + 1 }] })).toBe('snapshot')
  expect(at().heartbeat(beat([], 5), NOW)).toBe('snapshot')
  expect(at().heartbeat({ ...beat([one], 5), chain: zero }, NOW)).toBe('snapshot')
})

test('the follower: a restored authority does not make us forget', async () => {
  const follower = new Follower()
  follower.snapshot(snapshot(history))
  expect(follower.cursorRefused()).toBe('snapshot')
  follower.snapshot(snapshot([two], 'e2'))
  expect(follower.cursor?.epoch).toBe('e2')
  expect(await verdict(token(), { revoked: follower.revoked })).toBe('SessionEnded')
})

test('the follower: an unknown kind makes stale, not blind', async () => {
  const follower = new Follower()
  follower.snapshot(snapshot([one]))
  follower.heartbeat(beat([one], 100), NOW)
  const strange = entry(2, 'Z', 'x')
  expect(follower.frame(frame([one], [strange, three]))).toBe('nothing')
  expect(follower.heartbeat(beat([one, strange, three], 101), NOW)).toBe('nothing')
  expect(follower.fresh).toBeUndefined()
  expect(await verdict(token(), { revoked: follower.revoked })).toBe('SessionEnded')
})

test('the chain is that of the protocol: a vector computed apart', () => {
  const link = `${'07'.repeat(16)}${'0000000000000001'}${'53'}0102030405060708${'0000000000000009'}${'0000000000000102'}`
  const wanted = createHash('sha256').update(Buffer.from(link, 'hex')).digest('hex').slice(0, 32)
  expect(extend('07'.repeat(16), { seq: 1, kind: 'S', key: '0102030405060708', arg: 9, until: 258 })).toBe(wanted)
})

test('numbers beyond 2^53 keep every digit', () => {
  const big = 2n ** 63n + 1n
  const text = JSON.stringify({ ...entry(1, 'U', 'u1'), arg: 0 }).replace('"arg":0', `"arg":${big}`)
  const event = readEvent(parseObject(Buffer.from(`{"first":1,"last":1,"chain":"${zero}","entries":[${text}]}`)))
  expect(event).toMatchObject({ entries: [{ arg: big }] })
})

test('a signature and unknown members are passed over', () => {
  const more = '"sig":"c2lnbmVk","later":{"more":[1]}'
  const told = readEvent(parseObject(Buffer.from(`{"head":1,${more},"chain":"${zero}","as_of":5}`)))
  expect(told).toEqual({ head: 1, chain: zero, asOf: 5 })
  const entries = [{ ...one, note: 'new' }]
  const text = JSON.stringify({ ...frame([], [one]), entries }).replace('{', `{${more},`)
  expect(readEvent(parseObject(Buffer.from(text)))).toEqual(frame([], [one]))
})

test('what is not a frame, heartbeat or snapshot is neither', () => {
  const event = (text: string) => readEvent(parseObject(Buffer.from(text)))
  const good = `{"head":1,"chain":"${zero}","as_of":5}`
  expect(event(good)).toEqual({ head: 1, chain: zero, asOf: 5 })
  for (const bad of [
    '',
    '{}',
    good.replace('"head":1', '"head":-1'),
    good.replace('"head":1', '"head":1.5'),
    good.replace(zero, 'zz'),
    good.replace('5}', '"5"}'),
    `{"first":1,"last":1,"chain":"${zero}","entries":[{"seq":1}]}`,
    `{"first":1,"last":1,"chain":"${zero}","entries":[{"seq":1,"kind":"SS","key":"0102030405060708","arg":0,"until":1}]}`,
  ])
    expect(event(bad), bad).toBeUndefined()
  expect(readSnapshot(parseObject(Buffer.from(`{"epoch":"e","seq":0,"chain":"${zero}","entries":[]}`)))).toBeUndefined()
})

test('a refusal holds no part of the token', async () => {
  const secret = token({}, { iss: 'x' })
  const error = await Promise.resolve(
    new SeenTokens().verify(secret, keys, new Expected(expected), new Revoked(), NOW),
  ).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(Rejection)
  const told = `${(error as Error).stack} ${JSON.stringify(error)}`
  for (const part of secret.split('.')) expect(told).not.toContain(part)
})
