/** The longest event that is read, in bytes. */
const maxEventBytes = 16 * 1024 * 1024
const newline = 0x0a

/** Cuts a byte stream into server-sent events (HTML Living Standard §9.2.6), as far as the feed uses them: their data. */
export class Events {
  private line: Uint8Array[] = []
  private lineBytes = 0
  private data = ''
  private readonly utf8 = new TextDecoder()

  /** Takes the next bytes, and gives the data of every event that they complete. @throws {RangeError} if one is too long. */
  push(bytes: Uint8Array): string[] {
    const events: string[] = []
    for (let begin = 0; begin < bytes.length; ) {
      const found = bytes.indexOf(newline, begin)
      const end = found < 0 ? bytes.length : found
      this.line.push(bytes.slice(begin, end))
      this.lineBytes += end - begin
      if (this.lineBytes + this.data.length > maxEventBytes) throw new RangeError('an event of the feed is too long')
      if (found >= 0) {
        const event = this.endOfLine()
        if (event !== undefined) events.push(event)
      }
      begin = end + 1
    }
    return events
  }

  private endOfLine(): string | undefined {
    const text = this.line.map((part) => this.utf8.decode(part, { stream: true })).join('') + this.utf8.decode()
    this.line = []
    this.lineBytes = 0
    const line = text.replace(/\s+$/, '')
    if (line === '') {
      const event = this.data
      this.data = ''
      return event === '' ? undefined : event
    }
    if (line.startsWith('data:')) this.data += (this.data && '\n') + line.slice(5).replace(/^ /, '')
    return undefined
  }
}
