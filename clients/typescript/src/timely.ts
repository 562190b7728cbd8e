import type { Environment } from './environment.js'
import { unavailable } from './errors.js'

/** Runs what may throw, reject or never settle; after 10 s it is aborted and rejects. */
export const timelyOf =
  (after: Environment['after']) =>
  <T>(run: (signal: AbortSignal) => T | Promise<T>): Promise<T> => {
    const stop = new AbortController()
    return new Promise<T>((resolve, reject) => {
      const cancel = after(1e4, () => {
        stop.abort()
        reject(unavailable(0))
      })
      Promise.resolve(stop.signal).then(run).then(resolve, reject).finally(cancel)
    })
  }
