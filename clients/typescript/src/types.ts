import type { Environment } from './environment.js'
import type { EndReason, ProlongError } from './errors.js'
import type { Reason } from './generated/codes.js'

/** A token answer as OAuth servers give it (RFC 6749 §5.1); the later members are Prolong's. All times are relative seconds. */
export interface TokenAnswer {
  access_token: string
  /** Without it the life is read from the token itself (`exp`, `iat`); an opaque token is then renewed on a 401 only. */
  expires_in?: number
  refresh_token?: string
  /** When to renew. */
  refresh_in?: number
  /** Idle deadline. */
  refresh_token_timeout?: number
  /** Absolute end. */
  authorization_expires_in?: number
  /** The authority's clock, seconds since the epoch. */
  server_time?: number
  session?: {
    id: string
    generation: number
    device_name?: string | null
    started_at?: string
    last_active_at?: string
  }
}

/** What a renewal is told. */
export interface RenewContext {
  refreshToken: string | undefined
  accessToken: string | undefined
  /** Seconds since the person's last input in any tab; `undefined` where input cannot be seen. */
  idleFor: number | undefined
  /** Notes that outlive the page, shared by its tabs; no place for secrets. `"attempt"` is drawn anew (or dropped) once the next answer is stored. */
  notes: { get(what: string): string | undefined; set(what: string, text?: string): void }
  /** Aborts after 10 s. */
  signal: AbortSignal
  fetch: typeof fetch
}

/** What a renewal comes to. Throwing means *unknown*: the session is kept and the renewal tried again. */
export type RenewResult = string | TokenAnswer | { refused: EndReason } | { reauthenticate: Reason }

/** What an API's response says about the token that it was asked with. */
export interface Verdict {
  /** It is a 401, and the token is the reason. */
  refused?: boolean
  /** A renewal is due. */
  due?: boolean
  /** Here is its successor. */
  token?: string | null
  /** The person must authenticate again. */
  reauthenticate?: Reason
}

/** Where tokens are kept: `getItem` of `localStorage`, or the app's own Keychain or SecureStore, which may be asynchronous. */
export interface TokenStorage {
  getItem(key: string): string | null | Promise<string | null>
  setItem(key: string, value: string): unknown
  removeItem(key: string): unknown
}

/** Sign-in by password, or with a ticket that your own backend got. */
export type Credentials =
  | { username: string; password: string; deviceName?: string; remember?: boolean; ticket?: never }
  | { ticket: string; username?: never; password?: never; deviceName?: never; remember?: never }

/** Options of `prolong`. */
export interface Options {
  /** Gets new tokens. */
  renew: (context: RenewContext) => RenewResult | Promise<RenewResult>
  /** Draws what names the next renewal, noted as `"attempt"` long before it is sent: so all tabs know it, with no lock. */
  attempt?: () => string
  /** Serves `session.signIn`. */
  signIn?: (credentials: Credentials, context: RenewContext) => Promise<TokenAnswer>
  /** Tells the server that the session is over; rejects if it did not hear. */
  end?: (context: RenewContext) => Promise<unknown>
  /** Reads API responses; default: a 401 is about the token if its challenge says so (RFC 6750 §3). */
  verdict?: (response: Response) => Verdict | Promise<Verdict>
  /** Names the session where an app has several; tabs with the same name share it. */
  name?: string
  /** True where a cookie holds the refresh token: a page without tokens then asks the server. */
  resume?: boolean
  /** Origins that may see the access token; default: the page's own. */
  origins?: readonly string[]
  /** Renew so many seconds before expiry, at most half the life; default: what the server says, or a fifth of the life up to 5 min, with jitter. */
  lead?: number | ((facts: { lifetime: number }) => number)
  /** Seconds. `after`: this client itself ends an idle session (for servers that do not). `warn`: how early `warning` comes; 60. */
  idle?: { after?: number; warn?: number }
  /** `"memory"` (default), `"local"` (any script on the page can read it: XSS takes the session along), or your own. */
  storage?: 'memory' | 'local' | TokenStorage
  /** Disposes the session when aborted. */
  signal?: AbortSignal
  /** The world outside; `prolong/testing` gives virtual ones. */
  environment?: Environment
}

/** The states; nothing else. */
export type State = 'unknown' | 'active' | 'renewing' | 'ended'

/** The five events. */
export interface Events {
  /** Storage was read: whether somebody is signed in. */
  ready: { signedIn: boolean }
  /** There is a new token, from here or another tab. Seconds. */
  renewed: { generation: number; expiresIn: number }
  /** The authority could not be reached; the session is kept. Seconds until the next try. */
  delayed: { nextTryIn: number; error: ProlongError }
  /** A deadline nears, or the authority wants the person to authenticate again. `stay()` says that the person is here. */
  warning:
    | { kind: 'idle' | 'lifetime'; secondsLeft: number; stay: () => Promise<void> }
    | { kind: 'reauthenticate'; reason: Reason; secondsLeft: number; stay: () => Promise<void> }
  /** The session is over, in every tab. */
  ended: { reason: EndReason }
}

/** What `explain()` gives: no tokens in it, fit for a bug report. */
export interface Explanation {
  state: State
  next: string
  expiresIn: number | undefined
  renewIn: number | undefined
  generation: number | undefined
  /** How far this device's clock is ahead of the server's, and how sure that is; seconds. */
  clock: { ahead: number; within: number } | undefined
  /** The last 50 decisions, oldest first. */
  log: readonly string[]
}

/** `fetch`'s own options, and whether a request may be sent again after a 401. */
export type FetchInit = RequestInit & { prolong?: { replay?: 'auto' | 'never' } }

/** A session that prolongs itself. */
export interface Session {
  readonly state: State
  /** A token good for the mandatory window, or `validFor` seconds (at most nine tenths of a life). */
  token(wanted?: { validFor?: number }): Promise<string>
  /** The token held now, if it is good; never the network, never throws. */
  peek(): string | undefined
  /** `fetch` with the token, to allowed origins only; sent once more after a 401 that is about the token. */
  fetch(input: RequestInfo | URL, init?: FetchInit): Promise<Response>
  /** Listens; returns what stops it. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void
  /** Takes over tokens from a sign-in of your own; a bare string is an access token. */
  adopt(answer: TokenAnswer | string): Promise<void>
  signIn(credentials: Credentials): Promise<void>
  /** Here, in all tabs, at the server. Never rejects: offline, the server is told later. */
  end(): Promise<void>
  /** The person did something. */
  touch(): void
  explain(): Explanation
  /** Stops timers and listeners; the session itself lives on. */
  dispose(): void
}
