import type { Events, Session } from './types.js'

/** Listeners, and the log of the last 50 decisions. */
export const eventsOf = (now: () => number) => {
  const listeners: { [Name in keyof Events]?: Set<(event: Events[Name]) => void> } = {}
  const log: string[] = []
  const note = (what: string) => {
    log.push(`${(now() / 1e3).toFixed(1)} ${what}`)
    if (log.length > 50) log.shift()
  }
  const emit = <Name extends keyof Events>(event: Name, details: Events[Name]) => {
    note(event)
    for (const listener of [...(listeners[event] ?? [])]) {
      try {
        listener(details)
      } catch (error) {
        // A listener's fault is its owner's: it must not stop the session, nor be swallowed.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
  const on: Session['on'] = (event, listener) => {
    const set = (listeners[event] ?? new Set()) as Set<typeof listener>
    listeners[event] = set as never
    set.add(listener)
    return () => void set.delete(listener)
  }
  return { log, note, emit, on }
}
