// An API that believes Prolong's access tokens, and asks nobody while it serves. How to start it: README.md.

import express from 'express'
import { claimsIfAny, claimsOf, discover } from 'prolong/verify'

const { ISSUER = 'http://127.0.0.1:8080', AUTHORITY, CLIENT_ID = 'orders-api', CLIENT_SECRET, PORT = '8081' } = process.env
if (!CLIENT_SECRET) throw new Error('CLIENT_SECRET must be the secret of the client orders-api')

// Returns once keys and a snapshot of the feed are there, and follows the feed from then on.
const prolong = await discover(ISSUER, 'orders-api', {
  client: { id: CLIENT_ID, secret: CLIENT_SECRET },
  // Where the authority is reached, if that is not the issuer's own address: a container's name, say.
  ...(AUTHORITY ? { fetchUrl: AUTHORITY } : {}),
  // Sessions whose policy says activity = "request" are kept alive by requests here.
  reportActivity: true,
  onFault: (error) => console.error(error.message),
})

const app = express()

/** Whoever has the scope. A passed soft expiry is a hint: the answer says `Prolong-Renew: due`. */
app.get('/orders', prolong.middleware({ scopes: ['orders:read'] }), (request, response) => {
  response.json({ subject: claimsOf(request).subject })
})
/** The same where a passed soft expiry is enforced: 401 EXPIRED_TOKEN, and the client renews silently. */
app.get('/report', prolong.middleware({ scopes: ['orders:read'], softExpiry: 'reject' }), (request, response) => {
  response.json({ subject: claimsOf(request).subject })
})
/** A purchase wants a sign-in of the last five minutes (RFC 9470). */
app.post('/orders', prolong.middleware({ scopes: ['orders:write'], maxAge: 300 }), (request, response) => {
  response.status(201).json({ subject: claimsOf(request).subject })
})
/** A payment wants certainty: while the feed cannot be followed the authority is asked, and if it does not answer, 503. */
app.post('/payments', prolong.middleware({ scopes: ['orders:write'], staleness: 'closed' }), (request, response) => {
  response.status(201).json({ subject: claimsOf(request).subject })
})
/** In between: while the feed cannot be followed only tokens of the last two minutes are good, others are renewed. */
app.get('/account', prolong.middleware({ staleness: 'shrink' }), (request, response) => {
  response.json({ subject: claimsOf(request).subject })
})
/** Anybody; who is signed in is greeted by name. */
app.get('/', prolong.middleware({ optional: true }), (request, response) => {
  response.json({ subject: claimsIfAny(request)?.subject ?? null })
})
/** For your monitoring: how old what is known may be, in seconds, and how many requests were served all the same. */
app.get('/status', (_, response) => {
  response.json({ staleness: prolong.staleness ?? null, servedStale: prolong.servedStale })
})

const server = app.listen(Number(PORT), '127.0.0.1', () =>
  console.error(`listening on http://127.0.0.1:${server.address().port}`),
)
