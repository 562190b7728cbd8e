// JSON as tokens may have it: UTF-8, member names unique at every level (RFC 7515 §4, RFC 7519 §4: reject), no lone
// surrogates, bounded depth. `JSON.parse` takes the last of two members, so it cannot be used on anything signed.

/** A parsed value. Integers beyond 2^53 are `bigint`; everything else is as with `JSON.parse`. */
export type Json = null | boolean | number | bigint | string | Json[] | JsonObject
/** Has no prototype, so that a member `__proto__` is a member like any other. */
export interface JsonObject {
  [name: string]: Json
}

/** Objects and arrays within each other; what `serde_json` allows. */
const deepest = 127
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const number = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON strings may not hold just these (RFC 8259 §7)
const plain = /[^"\\\u0000-\u001f]*/y
const escapes: Record<string, string> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

/** Thrown inside only. */
const bad = new Error('not JSON with unique members')

/** One JSON object and nothing after it; `undefined` for anything else. */
export const parseObject = (bytes: Uint8Array): JsonObject | undefined => {
  try {
    const reader = new Reader(utf8.decode(bytes))
    const value = reader.value(0)
    reader.end()
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

class Reader {
  private place = 0
  private readonly text: string

  constructor(text: string) {
    this.text = text
  }

  end(): void {
    this.space()
    if (this.place !== this.text.length) throw bad
  }

  value(depth: number): Json {
    this.space()
    switch (this.text[this.place]) {
      case '{':
        return this.object(depth + 1)
      case '[':
        return this.array(depth + 1)
      case '"':
        return this.string()
      case 't':
        return this.word('true', true)
      case 'f':
        return this.word('false', false)
      case 'n':
        return this.word('null', null)
      default:
        return this.number()
    }
  }

  private object(depth: number): JsonObject {
    if (depth > deepest) throw bad
    const members: JsonObject = Object.create(null)
    this.place++
    if (this.takes('}')) return members
    do {
      this.space()
      const name = this.string()
      if (name in members) throw bad
      if (!this.takes(':')) throw bad
      members[name] = this.value(depth)
    } while (this.takes(','))
    if (!this.takes('}')) throw bad
    return members
  }

  private array(depth: number): Json[] {
    if (depth > deepest) throw bad
    const items: Json[] = []
    this.place++
    if (this.takes(']')) return items
    do items.push(this.value(depth))
    while (this.takes(','))
    if (!this.takes(']')) throw bad
    return items
  }

  private string(): string {
    if (this.text[this.place] !== '"') throw bad
    this.place++
    let all = ''
    for (;;) {
      all += this.match(plain)
      const letter = this.text[this.place++]
      if (letter === '"') return all
      if (letter !== '\\') throw bad
      all += this.escape()
    }
  }

  private escape(): string {
    const letter = this.text[this.place++] ?? ''
    if (letter !== 'u') {
      const meant = escapes[letter]
      if (meant === undefined) throw bad
      return meant
    }
    const unit = this.unit()
    if (unit < 0xd800 || unit > 0xdfff) return String.fromCharCode(unit)
    if (unit > 0xdbff || this.text[this.place++] !== '\\' || this.text[this.place++] !== 'u') throw bad
    const second = this.unit()
    if (second < 0xdc00 || second > 0xdfff) throw bad
    return String.fromCharCode(unit, second)
  }

  private unit(): number {
    const digits = this.text.slice(this.place, this.place + 4)
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw bad
    this.place += 4
    return Number.parseInt(digits, 16)
  }

  private number(): number | bigint {
    const digits = this.match(number)
    if (!digits) throw bad
    const value = Number(digits)
    if (!Number.isFinite(value)) throw bad
    return Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?[0-9]+$/.test(digits) ? BigInt(digits) : value
  }

  private word<Value>(word: string, value: Value): Value {
    if (!this.text.startsWith(word, this.place)) throw bad
    this.place += word.length
    return value
  }

  private match(pattern: RegExp): string {
    pattern.lastIndex = this.place
    const [found] = pattern.exec(this.text) ?? ['']
    this.place += found.length
    return found
  }

  private takes(letter: string): boolean {
    this.space()
    if (this.text[this.place] !== letter) return false
    this.place++
    return true
  }

  private space(): void {
    for (;;) {
      const letter = this.text.charCodeAt(this.place)
      if (letter !== 0x20 && letter !== 0x0a && letter !== 0x0d && letter !== 0x09) return
      this.place++
    }
  }
}
