import type { EndReason } from './errors.js'
import type { State } from './types.js'

/** What a session does next, in words. */
export const nextStep = (
  state: State,
  reason: EndReason,
  held: boolean,
  flying: boolean,
  sleeping: boolean,
  failures: number,
): string => {
  if (state === 'ended') return `nothing: ${reason}`
  if (!held) return 'waits for a sign-in'
  if (flying) return 'renewing now'
  if (sleeping) return 'waits: hidden and idle'
  return failures ? `tries again after ${failures} failures` : 'renews when due'
}
