import type { Environment, SharedStore } from './environment.js'
import type { Options, RenewContext } from './types.js'

/**
 * What outlives a page: tokens where the app asked for it, and facts that are no secrets.
 *
 * Every access may throw (quota, private mode, blocked by the user): memory then does. What cannot be written is removed, which
 * a full storage allows: a spent token that stayed would be presented by the next page.
 */
export const storeOf = (environment: Environment, prefix: string, storage: Options['storage']) => {
  const key = (what: string) => prefix + what
  const put = (storage: SharedStore, what: string, value?: string): unknown =>
    value ? storage.setItem(key(what), value) : storage.removeItem(key(what))
  const fallback: Record<string, string | undefined> = {}
  let unsaved = false
  // In order: a removal must not be overtaken by the write before it.
  let queue: Promise<unknown> = Promise.resolve()
  const kept = <T>(run: (storage: SharedStore) => T) => {
    queue = queue.then(() => run((storage === 'local' ? environment.shared : storage) as SharedStore)).catch(() => {})
    return queue as Promise<Awaited<T> | undefined>
  }
  const notes: RenewContext['notes'] = {
    get: (what) => {
      let found: string | null | undefined
      try {
        found = (environment.shared as SharedStore).getItem(key(what))
      } catch {}
      return found ?? fallback[what]
    },
    set: (what, value) => {
      fallback[what] = value
      try {
        put(environment.shared as SharedStore, what, value)
        fallback[what] = undefined
      } catch {}
    },
  }
  return [
    notes,
    /** Gives the tokens as they were packed. */
    () => kept((storage) => storage.getItem(key('tokens'))),
    /** Keeps packed tokens; without, removes what is there. */
    (packed?: string) =>
      kept(async (storage) => {
        unsaved = true
        try {
          await put(storage, 'tokens', packed)
          unsaved = false
        } catch {
          await put(storage, 'tokens')
        }
      }),
    /** What was saved last is not in storage. */
    () => unsaved,
  ] as const
}
