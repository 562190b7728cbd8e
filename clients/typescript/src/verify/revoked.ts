import type { Reason } from '../generated/codes.js'
import { endReasons } from '../generated/problems.js'
import type { Body } from './claims.js'
import type { Entry, Whole } from './feed.js'
import { Rejection } from './rejection.js'
import { hex, sha256, unhex } from './sha256.js'

interface Fact<Value> {
  value: Value
  until: Whole
}
type Table<Value> = Map<string, Fact<Value>>

/** The salted keys of one token, remembered with it so that later sights hash nothing. */
export interface Subjects {
  readonly salt: string
  readonly kid: string
  readonly client: string
  readonly user: string
  readonly session: string | undefined
}

const utf8 = new TextEncoder()
const most = (a: Whole, b: Whole): Whole => (a < b ? b : a)
const firstTold = (a: Reason | undefined, b: Reason | undefined): Reason | undefined => a ?? b

const learn = <Value>(
  table: Table<Value>,
  key: string,
  { value, until }: Fact<Value>,
  join: (a: Value, b: Value) => Value,
): void => {
  const old = table.get(key)
  table.set(key, old ? { value: join(old.value, value), until: most(old.until, until) } : { value, until })
}

/** Facts under one salt. */
class Tables {
  readonly sessions: Table<Reason | undefined> = new Map()
  readonly users: Table<Whole> = new Map()
  readonly generations: Table<Whole> = new Map()
  readonly keys: Table<true> = new Map()
  readonly clients: Table<Whole> = new Map()
  readonly global: Table<Whole> = new Map()

  /** Whether the kind is known. */
  apply({ kind, key, arg, until }: Entry): boolean {
    if (kind === 'S') learn(this.sessions, key, { value: endReasons[Number(arg)], until }, firstTold)
    else if (kind === 'U') learn(this.users, key, { value: arg, until }, most)
    else if (kind === 'T') learn(this.generations, key, { value: arg, until }, most)
    else if (kind === 'K') learn(this.keys, key, { value: true, until }, () => true)
    else if (kind === 'C') learn(this.clients, key, { value: arg, until }, most)
    else if (kind === 'G') learn(this.global, '', { value: arg, until }, most)
    else return false
    return true
  }

  absorb(other: Tables): void {
    for (const [key, fact] of other.sessions) learn(this.sessions, key, fact, firstTold)
    for (const [key, fact] of other.keys) learn(this.keys, key, fact, () => true)
    for (const name of ['users', 'generations', 'clients', 'global'] as const)
      for (const [key, fact] of other[name]) learn(this[name], key, fact, most)
  }

  all(): Table<unknown>[] {
    return [this.sessions, this.users, this.generations, this.keys, this.clients, this.global]
  }

  /** Names are hashed only where a table could hold them. */
  check(body: Body, keys: Subjects): void {
    const issuedBefore = (cut: Fact<Whole> | undefined): boolean =>
      cut !== undefined && Math.max(body.iat, 0) < cut.value
    if (this.keys.size > 0 && this.keys.has(keys.kid)) throw new Rejection('KeyDistrusted')
    if (issuedBefore(this.global.get(''))) throw new Rejection('IssuedBeforeCut')
    if (this.clients.size > 0 && issuedBefore(this.clients.get(keys.client))) throw new Rejection('IssuedBeforeCut')
    const version = this.users.size > 0 ? this.users.get(keys.user) : undefined
    if (version && (body.jwtVersion ?? 0) < version.value) throw new Rejection('VersionRaised')
    if (body.sid === undefined || (this.sessions.size === 0 && this.generations.size === 0)) return
    const { session = '' } = keys
    const ended = this.sessions.get(session)
    if (ended) throw new Rejection('SessionEnded', { reason: ended.value })
    const newest = this.generations.get(session)
    if (newest && (body.generation ?? 0) < newest.value) throw new Rejection('Superseded')
  }
}

/** What the feed has said, in hash tables. Nothing is un-learnt before its `until`. */
export class Revoked {
  /** What names are hashed with: 32 hexadecimal digits. */
  readonly salt: string
  private readonly saltBytes: Uint8Array
  private readonly tables = new Tables()
  /** Left by an authority that changed its salt; normally empty. */
  private earlier: Revoked[] = []

  /** Nothing revoked yet, under the feed's salt. */
  constructor(salt: string = '0'.repeat(32)) {
    const bytes = unhex(salt, 16)
    if (!bytes) throw new TypeError('prolong/verify: the salt must be 32 lower-case hexadecimal digits')
    this.salt = salt
    this.saltBytes = bytes
  }

  /** The key of a `sid`, `sub`, `kid` or `client_id`. */
  keyOf(name: string): string {
    return hex(sha256(this.saltBytes, utf8.encode(name)), 8)
  }

  /** Learns one entry; false if its kind is unknown, and nothing was learnt. Repetition and order do not matter. */
  apply(entry: Entry): boolean {
    return this.tables.apply(entry)
  }

  /** Adds everything that `other` knows. */
  merge(other: Revoked): void {
    for (const layer of [other, ...other.earlier]) this.layer(layer.salt).absorb(layer.tables)
  }

  /** Forgets what no acceptable token can match any more. `now` is in seconds since the epoch. */
  prune(now: number): void {
    for (const table of this.tables.all()) for (const [key, { until }] of table) if (until <= now) table.delete(key)
    for (const layer of this.earlier) layer.prune(now)
    this.earlier = this.earlier.filter((layer) => layer.size > 0)
  }

  /** How many facts are held. */
  get size(): number {
    return [...this.tables.all(), ...this.earlier].reduce((sum, one) => sum + one.size, 0)
  }

  /**
   * Order: `K G C`, then `U`, then `S` and `T`. `known` are this token's {@link subjects}, from its first sight.
   *
   * @throws {Rejection}
   */
  check(kid: string, body: Body, known?: Subjects): void {
    this.tables.check(body, known?.salt === this.salt ? known : this.lazySubjects(kid, body))
    for (const layer of this.earlier) layer.check(kid, body)
  }

  /** Whether the key of this `kid` was declared dead. */
  killsKey(kid: string): boolean {
    const dead = this.tables.keys.size > 0 && this.tables.keys.has(this.keyOf(kid))
    return dead || this.earlier.some((layer) => layer.killsKey(kid))
  }

  subjects(kid: string, body: Body): Subjects {
    return { ...this.lazySubjects(kid, body) }
  }

  private lazySubjects(kid: string, body: Body): Subjects {
    const revoked = this
    return {
      salt: this.salt,
      get kid() {
        return revoked.keyOf(kid)
      },
      get client() {
        return revoked.keyOf(body.clientId)
      },
      get user() {
        return revoked.keyOf(body.sub)
      },
      get session() {
        return body.sid === undefined ? undefined : revoked.keyOf(body.sid)
      },
    }
  }

  private layer(salt: string): Tables {
    if (salt === this.salt) return this.tables
    let layer = this.earlier.find((one) => one.salt === salt)
    if (!layer) {
      layer = new Revoked(salt)
      this.earlier.push(layer)
    }
    return layer.tables
  }
}
