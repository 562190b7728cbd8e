import type { Environment, SharedStore } from './environment.js'
import type { Options } from './types.js'

/** What outlives a page: tokens where the app asked for it, and facts that are no secrets. */
export const storeOf = (environment: Environment, name: string, storage: Options['storage']) => {
  const key = (what: string) => `prolong:${name}:${what}`
  const put = (storage: SharedStore, what: string, value?: string) =>
    value ? storage.setItem(key(what), value) : storage.removeItem(key(what))
  const fallback: Record<string, string | undefined> = {}
  // In order: a removal must not be overtaken by the write before it.
  let queue: Promise<unknown> = Promise.resolve()
  // Every access may throw (quota, private mode, blocked by the user): memory then does.
  const kept = <T>(run: (storage: SharedStore) => T) => {
    const done = queue
      .then(() => run((storage === 'local' ? environment.shared : storage) as SharedStore))
      .catch(() => {})
    queue = done
    return done as Promise<Awaited<T> | undefined>
  }
  return {
    load: () => kept((storage) => storage.getItem(key('tokens'))),
    /** Without a value: removes it. */
    save: (packed?: string) => kept((storage) => put(storage, 'tokens', packed)),
    get: (what: string): string | undefined => {
      let found: string | null | undefined
      try {
        found = (environment.shared as SharedStore).getItem(key(what))
      } catch {}
      return found ?? fallback[what]
    },
    set: (what: string, value?: string) => {
      try {
        put(environment.shared as SharedStore, what, value)
        value = undefined
      } catch {}
      fallback[what] = value
    },
  }
}
