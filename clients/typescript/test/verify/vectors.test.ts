// The corpus of tests/vectors, made by the Rust verifier: the same tokens and key sets get the same verdicts here, at
// first sight and when they come again.

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  type Algorithm,
  type Claims,
  checkRequirement,
  type Entry,
  Expected,
  Keys,
  KeysRefused,
  Rejection,
  Revoked,
  SeenTokens,
  verify,
} from '../../src/verify/index.js'

interface Case {
  id: string
  token: string
  verdict: string
  action?: string
  reason?: string
  why?: string
  claim?: string
  expired?: true
  renewal_due?: true
}
interface Group {
  name: string
  now: number
  expected: {
    issuer: string
    audience: string[] | null
    algorithms: Algorithm[]
    types: (string | null)[]
    exp_leeway: number
    future_leeway: number
    expired_for: number
    soft_expiry: 'hint' | 'reject'
  }
  require: { scopes: string[]; max_age: number | null; acr_values: string[]; caller: 'any' | 'user' | 'machine' }
  revoked: { salt: string; entries: Entry[] }
  cases: Case[]
}
const read = (name: string) => JSON.parse(readFileSync(`../../tests/vectors/${name}`, 'utf8'))
const { keys: jwks, groups } = read('tokens.json') as { keys: object; groups: Group[] }
const keys = await Keys.fromJwks(JSON.stringify(jwks))

/** What a case says of an outcome. */
const said = ({ verdict, action, reason, why, claim, expired, renewal_due }: Case) => ({
  verdict,
  action,
  reason,
  why,
  claim,
  expired: verdict === 'ok' ? expired === true : undefined,
  renewalDue: verdict === 'ok' ? renewal_due === true : undefined,
})

const outcome = async (ask: () => Claims | Promise<Claims>): Promise<ReturnType<typeof said>> => {
  try {
    const { expired, renewalDue } = await ask()
    return {
      verdict: 'ok',
      action: undefined,
      reason: undefined,
      why: undefined,
      claim: undefined,
      expired,
      renewalDue,
    }
  } catch (error) {
    if (!(error instanceof Rejection)) throw error
    const { code: verdict, action, reason, kind: why, claim } = error
    return { verdict, action, reason, why, claim, expired: undefined, renewalDue: undefined }
  }
}

test('every token of the corpus', async () => {
  let seenOnes = 0
  for (const group of groups) {
    const { now, require, expected: of } = group
    const revoked = new Revoked(group.revoked.salt)
    for (const entry of group.revoked.entries) revoked.apply(entry)
    const requirement = {
      scopes: require.scopes,
      acrValues: require.acr_values,
      caller: require.caller,
      ...(require.max_age === null ? {} : { maxAge: require.max_age }),
    }
    const seen = new SeenTokens(100_000)
    for (const one of group.cases) {
      // "Any audience" is for the authority itself: here, whatever the token names.
      const audience = of.audience ?? audienceIn(one.token)
      const expected = new Expected({
        issuer: of.issuer,
        audience,
        algorithms: of.algorithms,
        types: of.types,
        expLeeway: of.exp_leeway,
        futureLeeway: of.future_leeway,
        expiredFor: of.expired_for,
        softExpiry: of.soft_expiry,
      })
      const required = (claims: Claims) => {
        checkRequirement(requirement, claims, now)
        return claims
      }
      const first = await outcome(async () => required(await verify(one.token, keys, expected, revoked, now)))
      expect(first, `${group.name}: ${one.id}`).toEqual(said(one))
      for (let sight = 0; sight < 2; sight++) {
        const again = await outcome(async () => {
          const found = seen.verify(one.token, keys, expected, revoked, now)
          if (!(found instanceof Promise)) seenOnes++
          return required(await found)
        })
        expect(again, `${group.name}: ${one.id}, sight ${sight}`).toEqual(said(one))
      }
    }
  }
  expect(groups.flatMap(({ cases }) => cases).length).toBeGreaterThan(500)
  expect(seenOnes).toBeGreaterThan(20)
})

const audienceIn = (token: string): string[] => {
  try {
    const { aud } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    const all = [aud].flat().filter((one) => typeof one === 'string' && one !== '')
    return all.length > 0 ? all : ['x']
  } catch {
    return ['x']
  }
}

test('every key set of the corpus', async () => {
  const { cases } = read('key-sets.json') as {
    cases: {
      id: string
      document: string
      used?: Record<string, Algorithm>
      refused?: string
      left_out?: { kid: string | null; why: string }[]
    }[]
  }
  for (const { id, document, used, refused, left_out } of cases) {
    if (refused !== undefined) {
      const error = await Keys.fromJwks(document).catch((error: unknown) => error)
      expect(error, id).toBeInstanceOf(KeysRefused)
      expect((error as KeysRefused).fault, id).toBe(refused)
      continue
    }
    const set = await Keys.fromJwks(document).catch((error: unknown) => error)
    expect(set, id).toBeInstanceOf(Keys)
    const found = Object.fromEntries(Object.keys(used ?? {}).map((kid) => [kid, (set as Keys).get(kid)?.algorithm]))
    expect(found, id).toEqual(used)
    const leftOut = (set as Keys).leftOut.map(({ kid, why }) => ({ kid: kid ?? null, why }))
    expect(leftOut, id).toEqual(left_out)
    expect((set as Keys).size, id).toBe(Object.keys(used ?? {}).length)
  }
  expect(cases.length).toBeGreaterThan(20)
})
