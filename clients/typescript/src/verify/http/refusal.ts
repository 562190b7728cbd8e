// A refusal as an HTTP answer: problem document (RFC 9457) and challenge (RFC 6750 §3, RFC 9470 §3). The same as the Rust
// layer's, character by character.

import type { Action, Code } from '../../generated/codes.js'
import { problems } from '../../generated/problems.js'
import type { Rejection } from '../rejection.js'
import type { Requirement } from '../requirement.js'

/** Why a request was not served. */
export type Refusal =
  | { why: 'NoCredentials' }
  | { why: 'Malformed'; what: string }
  | { why: 'Token'; rejection: Rejection }
  /** Feed or keys are too old to tell. */
  | { why: 'Undecidable' }

export interface Answer {
  status: number
  headers: Record<string, string>
  body: string
}

/** Seconds; the feed beats every second. */
const retryAfter = '2'

export const answerTo = (refusal: Refusal, requirement: Requirement, issuer: string, path: string): Answer => {
  const code = codeOf(refusal)
  // RFC 6750 §3.1: 400 for a malformed request, whatever the code.
  const status = refusal.why === 'Malformed' ? 400 : problems[code].status
  const { action, reason } = adviceOf(refusal, code)
  const detail = detailOf(refusal)
  const problem = {
    type: `${issuer}/docs/problems#${code}`,
    title: problems[code].title,
    status,
    detail,
    code,
    action,
    ...(reason ? { reason } : {}),
    instance: path,
  }
  const headers: Record<string, string> = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' }
  if (refusal.why === 'Undecidable') headers['retry-after'] = retryAfter
  else headers['www-authenticate'] = challenge(code, detail, requirement, action, reason)
  return { status, headers, body: JSON.stringify(problem) }
}

const codeOf = (refusal: Refusal): Code => {
  switch (refusal.why) {
    case 'NoCredentials':
      return 'MISSING_TOKEN'
    case 'Malformed':
      return 'INVALID_REQUEST'
    case 'Undecidable':
      return 'UNAVAILABLE'
    case 'Token':
      // No single token can be that long: to a client of an API it is simply not a token.
      return refusal.rejection.kind === 'TooLarge' ? 'INVALID_TOKEN' : refusal.rejection.code
  }
}

const adviceOf = (refusal: Refusal, code: Code): { action: Action; reason: string | undefined } => {
  const rejection = refusal.why === 'Token' && refusal.rejection.kind !== 'TooLarge' ? refusal.rejection : undefined
  return { action: rejection?.action ?? problems[code].action, reason: rejection?.reason }
}

const detailOf = (refusal: Refusal): string => {
  switch (refusal.why) {
    case 'NoCredentials':
      return 'send `Authorization: Bearer` with an access token'
    case 'Malformed':
      return refusal.what
    case 'Undecidable':
      return 'it cannot be told just now whether the token is good'
    case 'Token':
      return refusal.rejection.message
  }
}

const errors: { readonly [Name in Code]?: string } = {
  INVALID_REQUEST: 'invalid_request',
  INSUFFICIENT_SCOPE: 'insufficient_scope',
  INSUFFICIENT_AUTHENTICATION: 'insufficient_user_authentication',
}

/** Without credentials there is no `error` (RFC 6750 §3.1). */
const challenge = (
  code: Code,
  detail: string,
  { scopes = [], maxAge, acrValues = [] }: Requirement,
  action: Action,
  reason: string | undefined,
): string => {
  const parameters: [name: string, value: string][] = []
  if (code !== 'MISSING_TOKEN')
    parameters.push(['error', errors[code] ?? 'invalid_token'], ['error_description', detail.replaceAll('`', "'")])
  if (code === 'INSUFFICIENT_SCOPE' && scopes.length > 0) parameters.push(['scope', scopes.join(' ')])
  if (code === 'INSUFFICIENT_AUTHENTICATION') {
    if (maxAge !== undefined) parameters.push(['max_age', String(maxAge)])
    if (acrValues.length > 0) parameters.push(['acr_values', acrValues.join(' ')])
  }
  parameters.push(['code', code], ['action', action])
  if (reason) parameters.push(['reason', reason])
  return `Bearer ${parameters.map(([name, value]) => `${name}="${quotable(value)}"`).join(', ')}`
}

/** What a quoted string cannot hold (RFC 9110 §5.6.4) is escaped or left out. */
const quotable = (value: string): string => value.replace(/[^ -~]/g, '').replace(/["\\]/g, '\\$&')
