import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
// @ts-expect-error: the package brings no types
import Provider from 'oidc-provider'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { prolong, prolongServer } from '../src/index.js'

let server: Server
let issuer: string
// biome-ignore lint/suspicious/noExplicitAny: see above
let provider: any

beforeAll(async () => {
  server = createServer((request, response) => provider.callback()(request, response))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'web',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: ['https://app.example.com/cb'],
      },
    ],
    features: { revocation: { enabled: true } },
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
    rotateRefreshToken: true,
  })
})
afterAll(() => new Promise<void>((done) => void server.close(() => done())))

/** A refresh token as the server gives it after a sign-in. */
const granted = async () => {
  const client = await provider.Client.find('web')
  const grant = new provider.Grant({ accountId: 'maryo', clientId: 'web' })
  grant.addOIDCScope('openid offline_access')
  const grantId: string = await grant.save()
  const refresh = new provider.RefreshToken({
    accountId: 'maryo',
    client,
    grantId,
    gty: 'authorization_code',
    scope: 'openid offline_access',
    authTime: Math.floor(Date.now() / 1e3),
  })
  return { grantId, first: (await refresh.save()) as string }
}
const sessionWith = async (refresh: string) => {
  const session = prolong(
    prolongServer({
      authority: issuer,
      client: 'web',
      tokenEndpoint: `${issuer}/token`,
      revocationEndpoint: `${issuer}/token/revocation`,
    }),
  )
  await session.adopt({ access_token: 'gone', expires_in: 0, refresh_token: refresh })
  return session
}

test('a foreign OAuth server with rotating refresh tokens works, and signing out revokes there', async () => {
  const { grantId, first } = await granted()
  const session = await sessionWith(first)
  const token = await session.token()
  expect(token).not.toBe('gone')
  expect(session.explain().expiresIn).toBeGreaterThan(3000)
  await session.end()
  expect(await provider.Grant.find(grantId)).toBeUndefined()
}, 20_000)

test('its invalid_grant ends the session, with no reason where it gives none', async () => {
  const { grantId, first } = await granted()
  const rightful = await sessionWith(first)
  await rightful.token()
  // The token was rotated away: whoever presents it again is refused, and the server revokes the grant.
  const thief = await sessionWith(first)
  const heard: string[] = []
  thief.on('ended', ({ reason }) => heard.push(reason))
  await expect(thief.token()).rejects.toMatchObject({ code: 'SESSION_ENDED', reason: 'unknown' })
  expect([thief.state, ...heard]).toEqual(['ended', 'unknown'])
  expect(thief.peek()).toBeUndefined()
  expect(await provider.Grant.find(grantId)).toBeUndefined()
  rightful.dispose()
}, 20_000)
