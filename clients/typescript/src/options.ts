import { badOption } from './errors.js'
import type { Duration, Options } from './types.js'

const UNITS = { s: 1e3, m: 6e4, h: 36e5, d: 864e5 }

/** Options as meant: durations in milliseconds, defaults filled in, contradictions refused. */
export type Meant = Omit<Options, 'idle'> & { name: string; idle: number | undefined; warn: number }

/** Milliseconds of a duration. */
const milliseconds = (given: Duration, field: string): number => {
  const [, count, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(String(given)) ?? []
  const found = typeof given === 'number' ? given * 1e3 : Number(count) * UNITS[unit as 's']
  if (!(found > 0)) throw badOption(field, 'must be seconds above 0, or like "90s", "15m", "72h", "7d"')
  return found
}

export const checked = (given: Options): Meant => {
  const options = given ?? {}
  const { renew, lead, origins, storage, name = 'default' } = options
  if (typeof renew !== 'function')
    throw badOption('renew', 'must be a function that gets new tokens; or pass prolongServer({ authority, client })')
  if (lead !== undefined && typeof lead !== 'function' && !(Number.isFinite(lead) && lead > 0))
    throw badOption('lead', 'must be seconds above 0, or a function that returns them')
  for (const hook of ['signIn', 'end'] as const) {
    if (options[hook] !== undefined && typeof options[hook] !== 'function') throw badOption(hook, 'must be a function')
  }
  if (
    storage && typeof storage === 'object'
      ? (['getItem', 'setItem', 'removeItem'] as const).some((method) => typeof storage[method] !== 'function')
      : storage && storage !== 'memory' && storage !== 'local'
  ) {
    throw badOption('storage', 'must be "memory", "local", or an object with getItem, setItem and removeItem')
  }
  if (origins !== undefined && !Array.isArray(origins))
    throw badOption('origins', 'must be a list, like ["https://api.example.com"]')
  const meant = (origins as readonly string[] | undefined)?.map((origin, at) => originOf(origin, `origins[${at}]`))
  const after = options.idle?.after
  return {
    ...options,
    name,
    ...(meant && { origins: meant }),
    idle: after === undefined ? undefined : milliseconds(after, 'idle.after'),
    warn: milliseconds(options.idle?.warn ?? 60, 'idle.warn'),
  }
}

/** The origin of an address, or an error that names the option. */
export const originOf = (address: unknown, field: string): string => {
  try {
    const { origin } = new URL(String(address))
    if (origin !== 'null') return origin
  } catch {}
  throw badOption(field, 'must be a full address, like "https://api.example.com"')
}
