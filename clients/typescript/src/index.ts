/** Sessions that prolong themselves. See README.md for recipes. */
export type { Environment, SharedStore } from './environment.js'
export { type EndReason, type Fault, isProlongError, type ProlongError } from './errors.js'
export type { Action, Code, Reason } from './generated/codes.js'
export { attemptId, drawAttempt, prolongServer, type ServerOptions } from './server.js'
export { prolong } from './session.js'
export type * from './types.js'
