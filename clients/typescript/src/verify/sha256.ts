// SHA-256 (FIPS 180-4) without waiting: WebCrypto's digest is asynchronous, and the feed's chain is one hash per entry,
// each built on the one before. Everything that is hashed here is public, or keyed by a secret that is never compared.

const constants = new Uint32Array(64)
const initial = new Uint32Array(8)

/** The first 32 bits of the fractional part. */
const fraction = (value: number): number => ((value - Math.floor(value)) * 2 ** 32) >>> 0

for (let candidate = 2, found = 0; found < 64; candidate++) {
  let prime = true
  for (let divisor = 2; divisor * divisor <= candidate; divisor++) if (candidate % divisor === 0) prime = false
  if (!prime) continue
  if (found < 8) initial[found] = fraction(Math.sqrt(candidate))
  constants[found++] = fraction(Math.cbrt(candidate))
}

const schedule = new Uint32Array(64)

const compress = (state: Uint32Array, block: DataView, offset: number): void => {
  for (let t = 0; t < 16; t++) schedule[t] = block.getUint32(offset + 4 * t)
  for (let t = 16; t < 64; t++) {
    const near = schedule[t - 2]!
    const far = schedule[t - 15]!
    const s1 = ((near >>> 17) | (near << 15)) ^ ((near >>> 19) | (near << 13)) ^ (near >>> 10)
    const s0 = ((far >>> 7) | (far << 25)) ^ ((far >>> 18) | (far << 14)) ^ (far >>> 3)
    schedule[t] = (s1 + schedule[t - 7]! + s0 + schedule[t - 16]!) | 0
  }
  let a = state[0]! | 0
  let b = state[1]! | 0
  let c = state[2]! | 0
  let d = state[3]! | 0
  let e = state[4]! | 0
  let f = state[5]! | 0
  let g = state[6]! | 0
  let h = state[7]! | 0
  for (let t = 0; t < 64; t++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
    const one = (h + s1 + ((e & f) ^ (~e & g)) + constants[t]! + schedule[t]!) | 0
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
    const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + one) | 0
    d = c
    c = b
    b = a
    a = (one + two) | 0
  }
  state[0]! += a
  state[1]! += b
  state[2]! += c
  state[3]! += d
  state[4]! += e
  state[5]! += f
  state[6]! += g
  state[7]! += h
}

/** The digest, 32 bytes, of the parts one after another. */
export const sha256 = (...parts: Uint8Array[]): Uint8Array => {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const padded = new Uint8Array(((length + 72) >> 6) << 6)
  let place = 0
  for (const part of parts) {
    padded.set(part, place)
    place += part.length
  }
  padded[length] = 0x80
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 8, Math.floor(length / 2 ** 29))
  view.setUint32(padded.length - 4, (length << 3) >>> 0)
  const state = initial.slice()
  for (let offset = 0; offset < padded.length; offset += 64) compress(state, view, offset)
  const digest = new Uint8Array(32)
  const out = new DataView(digest.buffer)
  for (let word = 0; word < 8; word++) out.setUint32(4 * word, state[word]!)
  return digest
}

/** The first bytes of a digest as lower-case hexadecimal digits. */
export const hex = (bytes: Uint8Array, count = bytes.length): string => {
  let digits = ''
  for (let index = 0; index < count; index++) digits += bytes[index]!.toString(16).padStart(2, '0')
  return digits
}

/** The bytes of lower-case hexadecimal digits; `undefined` if they are not `count` bytes. */
export const unhex = (digits: unknown, count: number): Uint8Array | undefined => {
  if (typeof digits !== 'string' || digits.length !== 2 * count || !/^[0-9a-f]*$/.test(digits)) return undefined
  return Uint8Array.from({ length: count }, (_, index) => Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16))
}
