// The corpus of tests/vectors, its thousands of changed tokens included, before npm's `jose` as well. Where the two differ, a
// lenient reading of the token must show the rule that makes the difference; and every rule listed here makes one.

import { readFileSync } from 'node:fs'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { expect, test } from 'vitest'
import { algorithms } from '../../src/verify/index.js'
import * as mint from './mint.js'

interface Case {
  id: string
  token: string
  verdict: string
  why?: string
  claim?: string
}
interface Group {
  name: string
  now: number
  expected: {
    issuer: string
    audience: string[] | null
    algorithms: string[]
    types: (string | null)[]
    exp_leeway: number
    future_leeway: number
    expired_for: number
    soft_expiry: 'hint' | 'reject'
  }
  require: { scopes: string[]; max_age: number | null; acr_values: string[]; caller: string }
  revoked: { entries: unknown[] }
  cases: Case[]
}
type Members = Record<string, unknown>

const read = (name: string) => JSON.parse(readFileSync(`../../tests/vectors/${name}`, 'utf8'))
const { keys: jwks, groups } = read('tokens.json') as { keys: JSONWebKeySet; groups: Group[] }

/** A byte order mark. */
const MARK = /^\uFEFF/

/** Part `n` without any strictness: its text, and what the text says. */
const lenient = (token: string, n: number): { text: string; value: Members } => {
  const text = Buffer.from(token.split('.')[n] ?? '', 'base64url').toString()
  try {
    return { text, value: JSON.parse(text.replace(MARK, '')) }
  } catch {
    return { text, value: {} }
  }
}

/** Whether some part would be written otherwise by whoever encodes it. */
const unusedBits = (token: string): boolean =>
  token.split('.').some((part) => Buffer.from(part, 'base64url').toString('base64url') !== part)

const repeats = (text: string): boolean => {
  const names = text.match(/"(?:[^"\\]|\\.)*"\s*:/g) ?? []
  const members = (value: unknown): number =>
    value !== null && typeof value === 'object'
      ? Object.values(value).reduce(
          (sum: number, one) => sum + members(one),
          Array.isArray(value) ? 0 : Object.keys(value).length,
        )
      : 0
  return names.length > members(JSON.parse(text.replace(MARK, '')))
}

/** Whether a number is too large to be one, or something is nested deeper than anybody means it. */
const endless = (value: unknown, depth = 0): boolean =>
  typeof value === 'number'
    ? !Number.isFinite(value)
    : value !== null &&
      typeof value === 'object' &&
      (depth > 120 || Object.values(value).some((one) => endless(one, depth + 1)))
const LONE = /\\u[dD][89a-fA-F]/

const whole = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
const word = (value: unknown): boolean => typeof value === 'string' && value !== ''
/** What RFC 9068 and this verifier want a claim to be. Most may be absent. */
const sound: Record<string, (value: unknown) => boolean> = {
  sub: word,
  client_id: word,
  jti: word,
  iat: (value) => typeof value === 'number',
  exp: (value) => typeof value === 'number',
  aud: (value) => word(value) || (Array.isArray(value) && value.length > 0 && value.every(word)),
  sid: (value) => value === undefined || word(value),
  scope: (value) => value === undefined || word(value),
  acr: (value) => value === undefined || word(value),
  auth_time: (value) => value === undefined || typeof value === 'number',
  softexp: (value) => value === undefined || typeof value === 'number',
  jwt_version: (value) => value === undefined || whole(value),
  gen: (value) => value === undefined || whole(value),
}

/** Why we refuse what jose accepts. */
const stricter = ({ token, why = '', claim = '' }: Case, group: Group): string | undefined => {
  const [header, claims] = [lenient(token, 0), lenient(token, 1)]
  const { typ, crit, b64 } = header.value
  const asked = group.revoked.entries.length > 0
  if (why === 'NotCompact' && /[^\w.-]/.test(token)) return 'it passes over what is not base64url'
  if (why === 'BadEncoding' && unusedBits(token)) return 'it does not look at unused bits'
  if (why === 'TooLarge' && token.length > 4096) return 'it has no bound'
  if (/^Bad(Header|Claims)$/.test(why) && (MARK.test(header.text) || MARK.test(claims.text)))
    return 'it passes over a mark'
  if (why === 'BadHeader' && header.value.kid === undefined) return 'it does not ask for a kid'
  if (why === 'BadHeader' && LONE.test(header.text)) return 'it takes half a character'
  if (why === 'BadClaims' && LONE.test(claims.text)) return 'it takes half a character'
  if (why === 'BadClaims' && endless(claims.value)) return 'it has no bound'
  if (why === 'BadHeader' && typ !== undefined && typeof typ !== 'string') return 'it does not ask for a typ'
  if (why === 'BadHeader' && repeats(header.text)) return 'it takes the last of two members'
  if (why === 'WrongType' && !group.expected.types.includes((typ as string) ?? null)) return 'it does not ask for a typ'
  if (why === 'CriticalExtension' && (crit !== undefined || b64 !== undefined)) return 'it knows b64'
  if (why === 'BadClaim' && !sound[claim]?.(claims.value[claim])) return 'RFC 9068 asks for more claims, and types'
  if (why === 'BadClaims' && repeats(claims.text)) return 'it takes the last of two members'
  if (why === 'NotYetValid' && (claims.value.iat as number) > group.now) return 'it does not look at iat'
  if (why === 'SoftExpired' && group.expected.soft_expiry === 'reject') return 'nobody asked it'
  if (/Distrusted|Cut|Raised|Ended|Superseded/.test(why) && asked) return 'it follows no feed'
  if (/^Insufficient|^WrongSubjectKind/.test(why)) return 'nobody asked it'
  return undefined
}

/** Why we accept what jose refuses. */
const wider = ({ token }: Case, { now, expected }: Group): string | undefined => {
  const { nbf, exp } = lenient(token, 1).value as { nbf?: number; exp: number }
  if (nbf !== undefined && nbf > now && nbf <= now + expected.future_leeway) return 'it has one leeway for both ends'
  if (exp <= now && now < exp + expected.exp_leeway + expected.expired_for) return 'it was not told of expired tokens'
  return undefined
}

/** Counts why ours and theirs differ; what no rule explains is told. */
class Differences {
  readonly reasons: Record<string, number> = {}
  readonly unexplained: string[] = []
  all = 0
  accepted = 0

  async note(keys: ReturnType<typeof createLocalJWKSet>, one: Case, group: Group): Promise<void> {
    const { now, expected } = group
    const ours = one.verdict === 'ok'
    const theirs = await jwtVerify(one.token, keys, {
      issuer: expected.issuer,
      ...(expected.audience && { audience: expected.audience }),
      algorithms: expected.algorithms,
      currentDate: new Date(now * 1000),
      clockTolerance: expected.exp_leeway,
    }).then(
      () => true,
      () => false,
    )
    this.all += 1
    this.accepted += Number(theirs)
    if (ours === theirs) return
    const reason = ours ? wider(one, group) : stricter(one, group)
    if (reason) this.reasons[reason] = (this.reasons[reason] ?? 0) + 1
    else {
      const text = [0, 1].map((n) => lenient(one.token, n).text)
      this.unexplained.push(
        `${group.name}: ${one.id}: we ${one.verdict} ${one.why} ${one.claim}, they ${theirs}: ${text}`,
      )
    }
  }
}

test('every difference about the corpus is explained', async () => {
  const keys = createLocalJWKSet(jwks)
  const found = new Differences()
  for (const group of groups) for (const one of group.cases) await found.note(keys, one, group)
  expect(found.unexplained).toEqual([])
  expect(found.all).toBeGreaterThan(1500)
  expect(found.accepted).toBeGreaterThan(found.all / 20)
  expect(Object.keys(found.reasons).sort()).toEqual([
    'RFC 9068 asks for more claims, and types',
    'it does not ask for a kid',
    'it does not ask for a typ',
    'it does not look at iat',
    'it does not look at unused bits',
    'it follows no feed',
    'it has no bound',
    'it has one leeway for both ends',
    'it knows b64',
    'it passes over a mark',
    'it passes over what is not base64url',
    'it takes half a character',
    'it takes the last of two members',
    'it was not told of expired tokens',
    'nobody asked it',
  ])
}, 60_000)

test('every difference about thousands of changed tokens is explained', async () => {
  const keys = createLocalJWKSet(JSON.parse(mint.jwks(...algorithms.map(mint.jwk))) as JSONWebKeySet)
  const group = groups[0] as Group
  const found = new Differences()
  let state = 2026
  const below = (bound: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * bound)
  }
  const any = <T>(of: readonly T[]): T => of[below(of.length)] as T
  const near = [-31, -30, -1, 0, 1, 30, 31].map((seconds) => group.now + seconds)
  const odd = [undefined, null, true, 0, -1, 1.5, '', 'x', [], ['orders-api'], ['orders-api', 1], {}, 'none', ...near]
  const names = Object.keys(mint.claims()).concat('nbf', 'softexp', 'acr')
  const inHeader = ['typ', 'alg', 'kid', 'crit', 'b64', 'jku', 'jwk', 'zip', 'cty']
  for (let n = 0; n < 4000; n++) {
    const algorithm = any(['ES256', 'EdDSA', 'EdDSA', 'RS256'] as const)
    const [first, second] = [below(3), below(3)]
    let token = mint.token(
      first ? {} : { [any(inHeader)]: any(odd) },
      second ? {} : { [any(names)]: any(odd) },
      algorithm,
    )
    if (!below(3)) {
      const at = below(token.length)
      const put = any(['', 'A', '=', ' ', '.', '-', '+', '\u00e9', token[at] as string])
      token = token.slice(0, at) + put + token.slice(at + below(2))
    }
    const [, why = '', claim = ''] = /^(\w+)(?:\((.*)\))?$/.exec(await mint.verdict(token, { now: group.now })) ?? []
    await found.note(keys, { id: `${n}`, token, verdict: why === 'ok' ? 'ok' : 'refused', why, claim }, group)
  }
  expect(found.unexplained).toEqual([])
  expect(found.accepted).toBeGreaterThan(found.all / 10)
  expect(found.accepted).toBeLessThan((found.all * 3) / 4)
  expect(Object.keys(found.reasons).sort()).toEqual([
    'RFC 9068 asks for more claims, and types',
    'it does not ask for a kid',
    'it does not ask for a typ',
    'it does not look at iat',
    'it has one leeway for both ends',
    'it knows b64',
    'it passes over what is not base64url',
  ])
}, 60_000)
