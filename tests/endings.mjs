// Everything that ends a token before its time, done at the authority and seen by an API in another process. Each ending is
// told `passes(token, user)` and `comesToRefuse(token, code, action)` of that API.

const client = (id, rest) => `
[[clients]]
id = "${id}"
kind = "public"
audience = "orders-api"
scopes = ["orders:read", "orders:write"]
origins = ["http://localhost:3000"]
${rest}
`
/** Durations that do not make a test wait. */
const policy = (name, rest) => `
[policies.${name}]
grace = "0s"
min_rotation_interval = "0s"
${rest}
`

/** Clients, each for one thing that differs. */
export const config = [
  client('web', 'policy = "app"\npassword_sign_in = true'),
  client('exact', 'policy = "exact"'),
  client('neighbour', 'policy = "app"').replace('orders-api', 'neighbour-api'),
  client('reader', 'policy = "app"').replace('"orders:read", "orders:write"', '"news:read"'),
  client('brief', 'policy = "brief"'),
  client('soft', 'policy = "soft"'),
  policy('app', 'preset = "refresh"'),
  policy('exact', 'preset = "refresh"\nsupersede = true'),
  policy('brief', 'preset = "refresh"\naccess = "2s"'),
  policy('soft', 'preset = "soft-expiry"\nsoft = "1s"'),
].join('')

const bearer = (token) => ({ authorization: `Bearer ${token}` })
const json = { 'content-type': 'application/json', origin: 'http://localhost:3000' }

const signInAsPeach = (prolong, password) =>
  prolong.ask(
    '/v1/sessions',
    { method: 'POST', headers: json, body: JSON.stringify({ client_id: 'web', username: 'peach', password }) },
    201,
  )
const refresh = (prolong, refresh_token, wanted) =>
  prolong.ask('/oauth/token', { method: 'POST', body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token }) }, wanted)

export const endings = {
  'a sign-out from another device': async (prolong, { passes, comesToRefuse }) => {
    const [phone, page] = [await prolong.signIn('maryo'), await prolong.signIn('maryo')]
    await passes(phone.access_token, 'maryo')
    await prolong.ask(`/v1/sessions/${phone.session.id}`, { method: 'DELETE', headers: bearer(page.access_token) }, 204)
    await comesToRefuse(phone.access_token, 'INVALID_TOKEN', 'sign_in')
    await passes(page.access_token, 'maryo')
  },
  'a raised version': async (prolong, { passes, comesToRefuse }) => {
    const { access_token: older } = await prolong.signIn('yoshi')
    await passes(older, 'yoshi')
    await prolong.admin('/users/yoshi/sign-out', {})
    await comesToRefuse(older, 'INVALID_TOKEN', 'sign_in')
    await passes((await prolong.signIn('yoshi')).access_token, 'yoshi')
  },
  'a ban': async (prolong, { passes, comesToRefuse }) => {
    const { access_token: banned } = await prolong.signIn('bowser')
    await passes(banned, 'bowser')
    await prolong.ban('bowser')
    await comesToRefuse(banned, 'INVALID_TOKEN', 'sign_in')
  },
  'a password change': async (prolong, { passes, comesToRefuse }) => {
    const [old, fresh] = ['a password of hers', 'another of hers']
    await prolong.admin('/users', { sub: 'peach', login: 'peach', password: old }, 201)
    const [hers, theirs] = [await signInAsPeach(prolong, old), await signInAsPeach(prolong, old)]
    await passes(theirs.access_token, 'peach')
    const change = { method: 'POST', headers: { ...bearer(hers.access_token), ...json } }
    const body = JSON.stringify({ current_password: old, new_password: fresh })
    const kept = await prolong.ask('/v1/password', { ...change, body }, 200)
    await comesToRefuse(theirs.access_token, 'INVALID_TOKEN', 'sign_in')
    await passes(kept.access_token, 'peach')
  },
  'a stolen refresh token, out of step': async (prolong, { passes, comesToRefuse }) => {
    const first = await prolong.signIn('luigi')
    const second = await refresh(prolong, first.refresh_token, 200)
    const third = await refresh(prolong, second.refresh_token, 200)
    await passes(third.access_token, 'luigi')
    await refresh(prolong, first.refresh_token, 400)
    await comesToRefuse(third.access_token, 'INVALID_TOKEN', 'sign_in')
  },
  'a newer token, where only the newest is good': async (prolong, { passes, comesToRefuse }) => {
    const older = await prolong.signIn('toad', { client_id: 'exact' })
    await passes(older.access_token, 'toad')
    const newer = await refresh(prolong, older.refresh_token, 200)
    await comesToRefuse(older.access_token, 'EXPIRED_TOKEN', 'renew')
    await passes(newer.access_token, 'toad')
  },
}
