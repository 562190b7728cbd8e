// Where there is no document, no storage, no other tab and no lock: React Native, as far as Node can play it.
import { expect, onTestFinished, test, vi } from 'vitest'
import { nativeSession } from './recipes/react-native.js'

/** As expo-secure-store: asynchronous, and particular about its keys. */
const secureStore = (kept: Map<string, string>) => {
  const checked = async (key: string) => {
    await new Promise((later) => setTimeout(later, 2))
    if (!/^[\w.-]+$/.test(key)) throw new Error('Invalid key provided to SecureStore.')
    return key
  }
  return {
    getItem: async (key: string) => kept.get(await checked(key)) ?? null,
    setItem: async (key: string, value: string) => void kept.set(await checked(key), value),
    removeItem: async (key: string) => void kept.delete(await checked(key)),
  }
}

test('React Native: the keychain keeps the session for the next start, and each renewal of it', async () => {
  const absent = ['document', 'localStorage', 'sessionStorage', 'location', 'navigator', 'BroadcastChannel']
  for (const name of absent) vi.stubGlobal(name, undefined)
  onTestFinished(() => void vi.unstubAllGlobals())
  let generation = 1
  vi.stubGlobal('fetch', async (input: URL | string, init: RequestInit) => {
    if (!String(input).endsWith('/oauth/token')) {
      const good = new Headers(init.headers).get('Authorization') === `Bearer access-${generation}`
      return good ? new Response('ok') : Response.json({ code: 'EXPIRED_TOKEN', action: 'renew' }, { status: 401 })
    }
    const presented = new URLSearchParams(String(init.body)).get('refresh_token')
    if (presented !== `refresh-${generation}`) return Response.json({ error: 'invalid_grant' }, { status: 400 })
    generation++
    return Response.json({
      access_token: `access-${generation}`,
      refresh_token: `refresh-${generation}`,
      expires_in: 900,
    })
  })
  const kept = new Map<string, string>()
  let resume = () => {}
  const start = () => nativeSession(secureStore(kept), (run) => (resume = run))
  const first = start()
  await first.adopt({ access_token: 'access-0', refresh_token: 'refresh-1', expires_in: 900 })
  first.dispose()

  const second = start()
  expect(await second.token()).toBe('access-0')
  expect((await second.fetch('https://api.example.com/orders')).status).toBe(200)
  await vi.waitFor(() => expect([...kept.values()].join()).toContain('refresh-2'))
  second.dispose()

  const third = start()
  resume()
  expect(await third.token()).toBe('access-2')
  await third.end()
  await vi.waitFor(() => expect(kept.size).toBe(0))
})
