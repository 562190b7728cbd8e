// What the feed sends (docs/reference/feed.md): entries, frames, snapshots, heartbeats, and the chain over them.
// Numbers are 64 bits wide: those beyond 2^53 are `bigint`, and both compare with each other.

import { isObject, type Json, type JsonObject } from './json.js'
import { hex, sha256, unhex } from './sha256.js'

export type Whole = number | bigint

/** One revocation. */
export interface Entry {
  readonly seq: Whole
  /** One printable ASCII character. */
  readonly kind: string
  /** First 8 bytes of SHA-256(feed salt ‖ name), as 16 hexadecimal digits. */
  readonly key: string
  /** Depends on the kind; for `S`: why. */
  readonly arg: Whole
  /** Seconds since the epoch: from then on no acceptable token can match. */
  readonly until: Whole
}
/** Where a reader stands. */
export interface Cursor {
  readonly epoch: string
  readonly seq: Whole
  readonly chain: string
}
export interface Snapshot extends Cursor {
  readonly salt: string
  readonly entries: readonly Entry[]
}
/** A run of entries without holes; `chain` is the one after the last. */
export interface Frame {
  readonly first: Whole
  readonly last: Whole
  readonly chain: string
  readonly entries: readonly Entry[]
}
/** How far the authority is, and when it knew. */
export interface Heartbeat {
  readonly head: Whole
  readonly chain: string
  readonly asOf: Whole
}

export const readSnapshot = (value: JsonObject | undefined): Snapshot | undefined => {
  const entries = readEntries(value?.entries)
  const { epoch, seq, chain, salt } = value ?? {}
  return typeof epoch === 'string' && isWhole(seq) && isHex(chain, 16) && isHex(salt, 16) && entries
    ? { epoch, seq, chain, salt, entries }
    : undefined
}

/** Events of the stream are told apart by their members. */
export const readEvent = (value: JsonObject | undefined): Frame | Heartbeat | undefined => {
  if (!value || !isHex(value.chain, 16)) return undefined
  const { chain, first, last, head, as_of: asOf } = value
  const entries = readEntries(value.entries)
  if (isWhole(first) && isWhole(last) && entries) return { first, last, chain, entries }
  return isWhole(head) && isWhole(asOf) ? { head, chain, asOf } : undefined
}

export const isFrame = (event: Frame | Heartbeat): event is Frame => 'entries' in event

/** The chain after one more entry: SHA-256(chain ‖ seq ‖ kind ‖ key ‖ arg ‖ until)[..16]. */
export const extend = (chain: string, { seq, kind, key, arg, until }: Entry): string => {
  const link = new Uint8Array(49)
  const view = new DataView(link.buffer)
  link.set(unhex(chain, 16) ?? [])
  view.setBigUint64(16, BigInt(seq))
  link[24] = kind.charCodeAt(0)
  link.set(unhex(key, 8) ?? [], 25)
  view.setBigUint64(33, BigInt(arg))
  view.setBigUint64(41, BigInt(until))
  return hex(sha256(link), 16)
}

/** `a + 1 = b`, whatever their types. */
export const follows = (b: Whole, a: Whole): boolean => BigInt(b) === BigInt(a) + 1n

const readEntries = (value: Json | undefined): readonly Entry[] | undefined => {
  if (!Array.isArray(value)) return undefined
  const entries: Entry[] = []
  for (const one of value) {
    if (!isObject(one)) return undefined
    const { seq, kind, key, arg, until } = one
    const good = isWhole(seq) && typeof kind === 'string' && /^[!-~]$/.test(kind) && isHex(key, 8)
    if (!good || !isWhole(arg) || !isWhole(until)) return undefined
    entries.push({ seq, kind, key, arg, until })
  }
  return entries
}

const isWhole = (value: Json | undefined): value is Whole =>
  (typeof value === 'number' && Number.isInteger(value) && value >= 0) ||
  (typeof value === 'bigint' && value >= 0n && value < 2n ** 64n)

const isHex = (value: Json | undefined, bytes: number): value is string => unhex(value, bytes) !== undefined
