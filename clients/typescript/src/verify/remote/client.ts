import { isText } from '../expected.js'
import { badAnswer } from './error.js'
import { nameOf, type Origin } from './origin.js'

/** A confidential client of the authority, as which the feed is read and tokens are introspected. */
export interface ClientCredentials {
  id: string
  secret: string
}

const maxAnswerBytes = 64 * 1024

/** RFC 6749 §2.3.1: id and secret are form-encoded before Basic. */
export const basic = ({ id, secret }: ClientCredentials): string => {
  const bytes = new TextEncoder().encode(`${formEncoded(id)}:${formEncoded(secret)}`)
  return `Basic ${btoa(String.fromCharCode(...bytes))}`
}

const formEncoded = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1)

/** A token of the client's own (RFC 6749 §4.4), fetched when there is none. */
export class ClientToken {
  private readonly origin: Origin
  private readonly endpoint: URL
  private readonly client: ClientCredentials
  private readonly scope: string
  private token: string | undefined

  constructor(origin: Origin, endpoint: URL, client: ClientCredentials, scope: string) {
    this.origin = origin
    this.endpoint = endpoint
    this.client = client
    this.scope = scope
  }

  async header(): Promise<Record<string, string>> {
    this.token ??= await this.fetch()
    return { authorization: `Bearer ${this.token}` }
  }

  /** The authority refused it. */
  forget(): void {
    this.token = undefined
  }

  private async fetch(): Promise<string> {
    const answer = await this.origin.json(this.endpoint, maxAnswerBytes, {
      method: 'POST',
      headers: { authorization: basic(this.client), 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: this.scope }).toString(),
    })
    if (!isText(answer.access_token)) throw badAnswer(nameOf(this.endpoint))
    return answer.access_token
  }
}
