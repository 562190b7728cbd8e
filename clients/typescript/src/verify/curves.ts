// What WebCrypto's implementations leave open about keys and signatures, decided here, so that all of them agree with
// the Rust verifier: points on the curve, numbers in range, no key of small order, one spelling of everything.

import { hex } from './sha256.js'

const number = (bytes: Uint8Array): bigint => BigInt(`0x${hex(bytes)}`)
const littleEndian = (bytes: Uint8Array): bigint => number(bytes.slice().reverse())

const p256 = {
  p: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
  b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
}
const ed25519 = {
  p: 2n ** 255n - 19n,
  n: 2n ** 252n + 27742317777372353535851937790883648493n,
}
/** The y coordinates of the eight points of small order. RFC 8032's equation holds for them with forged signatures. */
const smallOrder = [
  0n,
  1n,
  ed25519.p - 1n,
  2707385501144840649318225287225658788936804267575313519463743609750303402022n,
  55188659117513257062467267217118295137698188065244968500265048394206261417927n,
]

/** Whether (x, y), big-endian, is a point on P-256 (y² = x³ − 3x + b). */
export const isOnP256 = (x: Uint8Array, y: Uint8Array): boolean => {
  const { p, b } = p256
  const [a, c] = [number(x), number(y)]
  return a < p && c < p && (c * c - (a * a * a - 3n * a + b)) % p === 0n
}

/** Whether both halves of `r ‖ s` are between 1 and the order (FIPS 186-5 §6.4.2). */
export const isInP256Range = (signature: Uint8Array): boolean => {
  const [r, s] = [number(signature.subarray(0, 32)), number(signature.subarray(32))]
  return 0n < r && r < p256.n && 0n < s && s < p256.n
}

/** Whether 32 bytes spell a point in the one canonical way (y < p) that is not of small order. */
export const isGoodEd25519Key = (key: Uint8Array): boolean => {
  const y = littleEndian(key) & (2n ** 255n - 1n)
  return y < ed25519.p && !smallOrder.includes(y)
}

/** Whether R is spelled canonically and s below the order: no second signature from a first (RFC 8032 §5.1.7). */
export const isInEd25519Range = (signature: Uint8Array): boolean =>
  (littleEndian(signature.subarray(0, 32)) & (2n ** 255n - 1n)) < ed25519.p &&
  littleEndian(signature.subarray(32)) < ed25519.n
