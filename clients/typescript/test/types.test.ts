// Held by `npm run types`: each line stops compiling when a type gets wider, or narrower, than it is here.
import { expectTypeOf, test } from 'vitest'
import {
  type Action,
  type Code,
  type Credentials,
  type EndReason,
  type Events,
  type Explanation,
  type Fault,
  type FetchInit,
  isProlongError,
  type Options,
  type ProlongError,
  prolong,
  prolongServer,
  type Reason,
  type RenewResult,
  type Session,
  type State,
  type TokenAnswer,
  type TokenStorage,
  type Verdict,
} from '../src/index.js'

/** Nothing here need run. */
const session = {} as Session
const error: unknown = undefined
const never = (_run: () => unknown) => {}

test('errors are told apart by their code', () => {
  expectTypeOf<Fault['code']>().toEqualTypeOf<
    'BAD_OPTION' | 'BAD_ANSWER' | 'NOT_SIGNED_IN' | 'SESSION_ENDED' | 'UNAVAILABLE' | 'REFUSED' | 'DISPOSED'
  >()
  never(() => {
    if (!isProlongError(error)) return
    expectTypeOf(error).toEqualTypeOf<ProlongError>()
    switch (error.code) {
      case 'BAD_OPTION':
      case 'BAD_ANSWER':
        return expectTypeOf(error.field).toEqualTypeOf<string>()
      case 'SESSION_ENDED':
        return expectTypeOf(error.reason).toEqualTypeOf<EndReason>()
      case 'UNAVAILABLE':
        return expectTypeOf(error.retryIn).toEqualTypeOf<number>()
      case 'REFUSED':
        expectTypeOf(error.status).toEqualTypeOf<number>()
        expectTypeOf(error.problem).toEqualTypeOf<Code | (string & {})>()
        expectTypeOf(error.action).toEqualTypeOf<Action | undefined>()
        expectTypeOf(error.reason).toEqualTypeOf<Reason | undefined>()
        return expectTypeOf(error.retryAfter).toEqualTypeOf<number | undefined>()
      case 'NOT_SIGNED_IN':
        // @ts-expect-error: nothing to tell
        return error.reason
      case 'DISPOSED':
        // @ts-expect-error: nothing to tell
        return error.reason
      default:
        return expectTypeOf(error).toEqualTypeOf<never>()
    }
  })
  // @ts-expect-error: not before the code is known
  never(() => isProlongError(error) && error.reason)
})

test('reasons are a closed list, plus "unknown"', () => {
  expectTypeOf<EndReason>().toEqualTypeOf<Reason | 'unknown'>()
  expectTypeOf<string>().not.toMatchTypeOf<Reason>()
  expectTypeOf<string>().not.toMatchTypeOf<Code>()
  expectTypeOf<string>().not.toMatchTypeOf<Action>()
  expectTypeOf<State>().toEqualTypeOf<'unknown' | 'active' | 'renewing' | 'ended'>()
  expectTypeOf<Session['state']>().toEqualTypeOf<State>()
})

test('events are five, each with what it says, and a warning is told apart by its kind', () => {
  expectTypeOf<keyof Events>().toEqualTypeOf<'ready' | 'renewed' | 'delayed' | 'warning' | 'ended'>()
  expectTypeOf<Events['ready']>().toEqualTypeOf<{ signedIn: boolean }>()
  expectTypeOf<Events['renewed']>().toEqualTypeOf<{ generation: number; expiresIn: number }>()
  expectTypeOf<Events['delayed']>().toEqualTypeOf<{ nextTryIn: number; error: ProlongError }>()
  expectTypeOf<Events['ended']>().toEqualTypeOf<{ reason: EndReason }>()
  expectTypeOf<Events['warning']['kind']>().toEqualTypeOf<'idle' | 'lifetime' | 'reauthenticate'>()
  never(() =>
    session.on('warning', (event) => {
      expectTypeOf(event.stay).toEqualTypeOf<() => Promise<void>>()
      expectTypeOf(event.secondsLeft).toEqualTypeOf<number>()
      if (event.kind === 'reauthenticate') return expectTypeOf(event.reason).toEqualTypeOf<Reason>()
      // @ts-expect-error: a deadline has no reason
      return event.reason
    }),
  )
  // @ts-expect-error: no such event
  never(() => session.on('expired', () => {}))
  // @ts-expect-error: not what is said
  never(() => session.on('ended', ({ reason }: { reason: 'because' }) => reason))
  expectTypeOf(session.on<'ended'>).returns.toEqualTypeOf<() => void>()
  expectTypeOf(session.on<'ended'>)
    .parameter(0)
    .toEqualTypeOf<'ended'>()
})

test('a session gives what it says', () => {
  expectTypeOf<keyof Session>().toEqualTypeOf<
    ('state' | 'token' | 'peek' | 'fetch' | 'on' | 'end' | 'touch' | 'explain') | ('dispose' | 'adopt' | 'signIn')
  >()
  expectTypeOf(session.token).returns.toEqualTypeOf<Promise<string>>()
  expectTypeOf(session.token).parameter(0).toEqualTypeOf<{ validFor?: number } | undefined>()
  expectTypeOf(session.peek).returns.toEqualTypeOf<string | undefined>()
  expectTypeOf(session.fetch).returns.toEqualTypeOf<Promise<Response>>()
  expectTypeOf(session.explain).returns.toEqualTypeOf<Explanation>()
  expectTypeOf(session.adopt).parameter(0).toEqualTypeOf<TokenAnswer | string>()
  // `fetch` can stand in for the platform's own.
  expectTypeOf(session.fetch).toMatchTypeOf<(input: RequestInfo | URL, init?: RequestInit) => Promise<Response>>()
})

test('credentials are a password or a ticket, not both', () => {
  never(() => session.signIn({ username: 'maryo', password: 'x', deviceName: 'iPad', remember: true }))
  never(() => session.signIn({ ticket: 'x' }))
  // @ts-expect-error: which is it?
  never(() => session.signIn({ ticket: 'x', username: 'maryo', password: 'x' }))
  // @ts-expect-error: no password
  never(() => session.signIn({ username: 'maryo' }))
  // @ts-expect-error: half of each
  never(() => session.signIn({ ticket: 'x', username: 'maryo' }))
  expectTypeOf<{ ticket: string; deviceName: string }>().not.toMatchTypeOf<Credentials>()
  expectTypeOf<{ username: string; password: string; ticket: string }>().not.toMatchTypeOf<Credentials>()
})

test('a renewal comes to one of four things', () => {
  expectTypeOf<RenewResult>().toEqualTypeOf<
    string | TokenAnswer | { refused: EndReason } | { reauthenticate: Reason }
  >()
  expectTypeOf<{ refused: 'whatever' }>().not.toMatchTypeOf<RenewResult>()
  expectTypeOf<undefined>().not.toMatchTypeOf<RenewResult>()
  // @ts-expect-error: a token answer has an access token
  never(() => prolong({ renew: () => ({ expires_in: 900 }) }))
})

test('what an API says of a token, and how a request is sent', () => {
  expectTypeOf<Verdict>().toEqualTypeOf<{
    refused?: boolean
    due?: boolean
    token?: string | null
    reauthenticate?: Reason
  }>()
  expectTypeOf<NonNullable<FetchInit['prolong']>>().toEqualTypeOf<{ replay?: 'auto' | 'never' }>()
  expectTypeOf<NonNullable<Options['storage']>>().toEqualTypeOf<'memory' | 'local' | TokenStorage>()
})

test('options are what they say', () => {
  const at = { authority: 'https://auth.example.com', client: 'web' }
  const renew = () => 'token'
  // @ts-expect-error: nothing renews
  never(() => prolong({}))
  // @ts-expect-error: no such storage
  never(() => prolong({ renew, storage: 'cookie' }))
  // @ts-expect-error: seconds are a number
  never(() => prolong({ renew, lead: '60' }))
  // @ts-expect-error: seconds are a number
  never(() => prolong({ renew, idle: { after: '30m' } }))
  // @ts-expect-error: no such option
  never(() => prolong({ renew, leadSeconds: 60 }))
  // @ts-expect-error: no client
  never(() => prolongServer({ authority: at.authority }))
  // @ts-expect-error: no such transport
  never(() => prolongServer({ ...at, transport: 'header' }))
  // @ts-expect-error: no such credential
  never(() => prolongServer({ ...at, prolongWith: 'any-request' }))
  // @ts-expect-error: the server's own calls renew
  never(() => prolongServer({ ...at, renew }))
})
