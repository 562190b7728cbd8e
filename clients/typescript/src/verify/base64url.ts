// Base64url as JOSE has it (RFC 7515 §2): no padding, no other characters, and unused bits must be zero, so that no two
// spellings mean the same bytes. `atob` allows all three.

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const values = new Int8Array(128).fill(-1)
for (let value = 0; value < 64; value++) values[alphabet.charCodeAt(value)] = value

/** The bytes, or `undefined` if the text is not their one spelling. */
export const decode = (text: string): Uint8Array<ArrayBuffer> | undefined => {
  const { length } = text
  if (length % 4 === 1) return undefined
  const bytes = new Uint8Array((length * 3) >> 2)
  let bits = 0
  let held = 0
  let place = 0
  for (let index = 0; index < length; index++) {
    const letter = text.charCodeAt(index)
    const value = letter < 128 ? values[letter]! : -1
    if (value < 0) return undefined
    held = ((held << 6) | value) & 0xffff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[place++] = held >> bits
    }
  }
  return held & ((1 << bits) - 1) ? undefined : bytes
}

/** Without padding. */
export const encode = (bytes: Uint8Array): string => {
  let text = ''
  for (let index = 0; index < bytes.length; index += 3) {
    const group = (bytes[index]! << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0)
    const letters = Math.min(4, Math.ceil(((bytes.length - index) * 8) / 6))
    for (let letter = 0; letter < letters; letter++) text += alphabet[(group >> (18 - 6 * letter)) & 63]
  }
  return text
}
