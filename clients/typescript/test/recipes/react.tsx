import type { Session } from 'prolong'
import { type ReactNode, useSyncExternalStore } from 'react'

/** The session is made once, outside of components. */
export const SignedIn = ({ session, children }: { session: Session; children: ReactNode }) => {
  const subscribe = (changed: () => void) => {
    const off = [session.on('ready', changed), session.on('renewed', changed), session.on('ended', changed)]
    return () => off.forEach((stop) => stop())
  }
  const state = useSyncExternalStore(
    subscribe,
    () => session.state,
    () => session.state,
  )
  return state === 'active' || state === 'renewing' ? children : <a href="/sign-in">Sign in</a>
}
