import type { Refusal } from './refusal.js'

/**
 * The one bearer token of a request (RFC 6750 §2.1), or why there is none. Another scheme counts as no credentials:
 * someone else may be meant. A token in the query is never used, and refused beside the field (RFC 6750 §2).
 */
export const bearerOf = (fields: readonly string[], query: string): string | Refusal => {
  const [field] = fields
  if (field === undefined) return { why: 'NoCredentials' }
  if (fields.length > 1) return malformed('there is more than one Authorization field')
  if (!/^[\t -~]*$/.test(field)) return malformed('the Authorization field is not ASCII')
  const [, scheme = '', rest = ''] = /^([^ ]*) ?(.*)$/.exec(field) ?? []
  if (scheme.toLowerCase() !== 'bearer') return { why: 'NoCredentials' }
  const token = rest.replace(/^ +| +$/g, '')
  if (!token || /[ ,\t]/.test(token)) return malformed('expected `Bearer`, one space, and one token')
  if (query.split('&').some((one) => one.startsWith('access_token=')))
    return malformed('the token must come in one way only')
  return token
}

const malformed = (what: string): Refusal => ({ why: 'Malformed', what })
