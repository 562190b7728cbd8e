// @vitest-environment happy-dom
import axios from 'axios'
import { act } from 'react'
import { createRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { expect, test } from 'vitest'
import { prolong } from '../src/index.js'
import { withSession } from './recipes/axios.js'
import { orders } from './recipes/fetch.js'
import { SignedIn } from './recipes/react.js'
import './recipes/node.js'
import './recipes/react-native.js'

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true })

const fakeApi = (good: string) => {
  const seen: Array<string | null> = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    seen.push(request.headers.get('Authorization'))
    const ok = seen.at(-1) === `Bearer ${good}`
    return ok ? Response.json([1]) : Response.json({ code: 'EXPIRED_TOKEN', action: 'renew' }, { status: 401 })
  }
  return { fetch, seen }
}
let made = 0
const sessionOver = async (fetch: typeof globalThis.fetch) => {
  const { ambient } = await import('../src/environment.js')
  // Not the last one's: pages share how long ago it renewed.
  const name = `session ${++made}`
  const session = prolong({
    name,
    renew: () => ({ access_token: 'new', expires_in: 900 }),
    origins: ['https://api.example.com'],
    environment: { ...ambient(), fetch },
  })
  await session.adopt({ access_token: 'old', expires_in: 900 })
  return session
}

test('fetch', async () => {
  const api = fakeApi('new')
  expect(await orders(await sessionOver(api.fetch))).toEqual([1])
  expect(api.seen).toEqual(['Bearer old', 'Bearer new'])
})

test('axios', async () => {
  const api = fakeApi('new')
  const client = withSession(axios.create({ baseURL: 'https://api.example.com' }), await sessionOver(api.fetch))
  expect((await client.get('/orders')).data).toEqual([1])
  expect(api.seen).toEqual(['Bearer old', 'Bearer new'])
})

test('React: what is inside is there while somebody is signed in, renewed or not, and no longer', async () => {
  const session = await sessionOver(fakeApi('new').fetch)
  expect(renderToString(<SignedIn session={session}>inside</SignedIn>)).toBe('inside')
  const place = document.createElement('div')
  const root = createRoot(place)
  await act(async () => root.render(<SignedIn session={session}>inside</SignedIn>))
  expect(place.textContent).toBe('inside')
  await act(async () => session.adopt({ access_token: 'newer', expires_in: 900 }))
  expect(place.textContent).toBe('inside')
  await act(async () => session.end())
  expect(place.innerHTML).toBe('<a href="/sign-in">Sign in</a>')
  await act(async () => session.adopt({ access_token: 'newest', expires_in: 900 }))
  expect(place.textContent).toBe('inside')
  await act(async () => root.unmount())
})
