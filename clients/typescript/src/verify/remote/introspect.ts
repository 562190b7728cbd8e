import { isText } from '../expected.js'
import type { JsonObject } from '../json.js'
import { basic, type ClientCredentials } from './client.js'
import { badAnswer } from './error.js'
import { nameOf, type Origin } from './origin.js'

const maxAnswerBytes = 64 * 1024

/**
 * The authority's own answer about a token (RFC 7662): its claims, or `undefined` if it is not active.
 *
 * @throws {DiscoverError} if the authority could not be asked; the token may be good.
 */
export const introspectAt = async (
  origin: Origin,
  endpoint: URL,
  client: ClientCredentials,
  token: string,
): Promise<JsonObject | undefined> => {
  const answer = await origin.json(endpoint, maxAnswerBytes, {
    method: 'POST',
    headers: { authorization: basic(client), 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ token }).toString(),
  })
  if (typeof answer.active !== 'boolean') throw badAnswer(nameOf(endpoint))
  return answer.active && isText(answer.sub) ? answer : undefined
}
