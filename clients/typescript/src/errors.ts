import type { Action, Code, Reason } from './generated/codes.js'

/** Why a session is over. `unknown`: the authority refused and gave no reason (plain OAuth servers do). */
export type EndReason = Reason | 'unknown'

/** What can go wrong, told apart by `code`. No member ever holds a token. */
export type Fault =
  /** An option or argument is wrong; `field` names it. */
  | { code: 'BAD_OPTION'; field: string }
  /** A token answer cannot be used; `field` names the member at fault. */
  | { code: 'BAD_ANSWER'; field: string }
  /** Nobody has signed in yet. */
  | { code: 'NOT_SIGNED_IN' }
  /** The session is over. */
  | { code: 'SESSION_ENDED'; reason: EndReason }
  /** The authority could not be reached; the session is kept. `retryIn` is in seconds. */
  | { code: 'UNAVAILABLE'; retryIn: number }
  /** The authority answered a sign-in or renewal with a problem. */
  | { code: 'REFUSED'; status: number; problem: Code | string; action?: Action; reason?: Reason; retryAfter?: number }
  /** `dispose()` was called. */
  | { code: 'DISPOSED' }

/** Every error of this package. Narrow with `isProlongError(error) && error.code === …`. */
export type ProlongError = Error & Fault

/** True for errors of this package, also across bundles and realms. */
export const isProlongError = (error: unknown): error is ProlongError =>
  error instanceof Error && error.name === 'ProlongError'

/** Makes an error; `message` says what is wrong and how to mend it. */
export const fault = (message: string, members: Fault): ProlongError =>
  Object.assign(new Error(`prolong: ${message}`), { name: 'ProlongError' }, members) as ProlongError

/** An option that is wrong: `field` is wrong, `mend` says what to write. */
export const badOption = (field: string, mend: string): ProlongError =>
  fault(`option "${field}" ${mend}`, { code: 'BAD_OPTION', field })

/** A name from a closed list, as servers send them, or nothing: text that is not one may hold a token. */
export const word = <Name extends string>(text: unknown): Name | undefined =>
  typeof text === 'string' && /^[a-z_]{1,40}$/i.test(text) ? (text as Name) : undefined

/** The authority gave no usable answer. Seconds. */
export const unavailable = (retryIn: number): ProlongError =>
  fault(`no usable answer from the authority; the session is kept, next try in ${retryIn} s`, {
    code: 'UNAVAILABLE',
    retryIn,
  })
