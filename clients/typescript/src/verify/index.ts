// For APIs: verify an access token and follow the revocation feed.
//
// `verify` is a function of a token, the issuer's `Keys`, what is expected, what is `Revoked`, and the time. `SeenTokens`
// gives the same answers with memory. `discover` fills all of that in over HTTPS and gives middleware for routes.

export type { Action, Code, Reason } from '../generated/codes.js'
export { type Algorithm, algorithms } from './algorithm.js'
export type { Claims } from './claims.js'
export { type Expectation, Expected } from './expected.js'
export type { Cursor, Entry, Frame, Heartbeat, Snapshot } from './feed.js'
export { Follower, type Need } from './follower.js'
export {
  type ConnectMiddleware,
  type ConnectRequest,
  type ConnectResponse,
  claimsIfAny,
  claimsOf,
} from './http/connect.js'
export type { RouteOptions, Staleness } from './http/route.js'
export type { Json, JsonObject } from './json.js'
export type { Key, WhyLeftOut } from './key.js'
export { Keys, type KeysFault, KeysRefused, type LeftOut, maxJwksBytes } from './keys.js'
export { Rejection, type RejectionKind } from './rejection.js'
export type { ClientCredentials } from './remote/client.js'
export { DiscoverError, type DiscoverFault } from './remote/error.js'
export { checkRequirement, type Requirement } from './requirement.js'
export { Revoked } from './revoked.js'
export { SeenTokens } from './seen.js'
export { maxTokenBytes } from './token.js'
export { type DiscoverOptions, discover, Undecidable, Verifier } from './verifier.js'
export { verify } from './verify.js'
