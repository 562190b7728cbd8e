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
  /** The authority answered a sign-in or renewal with a problem: one of its codes, another server's word, or `HTTP 503`. */
  | {
      code: 'REFUSED'
      status: number
      problem: Code | (string & {})
      action?: Action
      reason?: Reason
      retryAfter?: number
    }
  /** `dispose()` was called. */
  | { code: 'DISPOSED' }

/** Every error of this package. Narrow with `isProlongError(error) && error.code === …`. */
export type ProlongError = Error & Fault

/** True for errors of this package, also across bundles and realms. */
export const isProlongError = (error: unknown): error is ProlongError =>
  (error as Error | null)?.name === 'ProlongError'

/** Makes an error; `what` says what is wrong and how to mend it. */
export const fault = <Code extends Fault['code']>(
  code: Code,
  what: string,
  more?: Omit<Extract<Fault, { code: Code }>, 'code'>,
): ProlongError =>
  Object.assign(new Error(`prolong: ${code} ${what}`), {
    name: 'ProlongError',
    code,
    ...more,
  }) as unknown as ProlongError

/** Refuses an option, or a member of a token answer: `field` names what is wrong, `mend` says what to write. */
export const must: (right: unknown, field: string, mend: string, code?: 'BAD_OPTION' | 'BAD_ANSWER') => asserts right =
  (right, field, mend, code = 'BAD_OPTION') => {
    if (!right) throw fault(code, `"${field}" must be ${mend}`, { field })
  }

/** The authority gave no usable answer. Seconds. */
export const unavailable = (retryIn: number): ProlongError => fault('UNAVAILABLE', `next in ${retryIn} s`, { retryIn })
