import { seconds } from './budget.js'
import type { Events, Session } from './types.js'

/** What happened, and who wants to know. `now` gives milliseconds. */
export const eventsOf = (now: () => number) => {
  const listeners: Record<string, Set<(event: never) => void>> = {}
  let log: readonly string[] = []
  const note = (what: string) => {
    log = [...log, `${seconds(now())} ${what}`].slice(-50)
  }
  const on: Session['on'] = (event, listener) => {
    listeners[event] ??= new Set()
    listeners[event].add(listener)
    return () => listeners[event]?.delete(listener)
  }
  return [
    on,
    <Name extends keyof Events>(event: Name, details: Events[Name]) => {
      note(event)
      // Each by itself: a listener's fault is its owner's, must not stop the session, and is reported as an unhandled rejection.
      for (const listener of listeners[event] ?? []) void Promise.resolve(details as never).then(listener)
    },
    note,
    /** The last 50 decisions, oldest first. */
    () => log,
  ] as const
}
