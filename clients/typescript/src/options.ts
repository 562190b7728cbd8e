import { badOption } from './errors.js'
import type { Duration, Options } from './types.js'

const UNITS = { s: 1e3, m: 6e4, h: 36e5, d: 864e5 }

/** Options as meant: durations in milliseconds, defaults filled in, contradictions refused. */
export type Meant = Omit<Options, 'idle'> & { name: string; idle: number | undefined; warn: number }

const must = (right: unknown, field: string, mend: string) => {
  if (!right) throw badOption(field, `must be ${mend}`)
}
const isFunction = (given: unknown) => typeof given === 'function'

/** Milliseconds of a duration. */
const milliseconds = (given: Duration, field: string): number => {
  const [, count, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(String(given)) ?? []
  const found = typeof given === 'number' ? given * 1e3 : Number(count) * UNITS[unit as 's']
  must(found > 0, field, 'seconds above 0, or like "15m"')
  return found
}

export const checked = (given: Options): Meant => {
  const options = given ?? {}
  const { lead, origins, storage, name = 'default' } = options
  for (const hook of ['renew', 'signIn', 'end'] as const)
    must(
      isFunction(options[hook]) || (hook !== 'renew' && options[hook] === undefined),
      hook,
      'a function; see prolongServer()',
    )
  must(
    lead === undefined || isFunction(lead) || (Number.isFinite(lead) && (lead as number) > 0),
    'lead',
    'seconds above 0, or a function',
  )
  must(
    !storage ||
      storage === 'memory' ||
      storage === 'local' ||
      (['getItem', 'setItem', 'removeItem'] as const).every((method) => isFunction(storage[method])),
    'storage',
    '"memory", "local", or have getItem, setItem, removeItem',
  )
  must(origins === undefined || Array.isArray(origins), 'origins', 'a list')
  const meant = origins?.map((origin, at) => originOf(origin, `origins[${at}]`))
  const { after, warn = 60 } = options.idle ?? {}
  return {
    ...options,
    name,
    ...(meant && { origins: meant }),
    idle: after === undefined ? undefined : milliseconds(after, 'idle.after'),
    warn: milliseconds(warn, 'idle.warn'),
  }
}

/** The origin of an address, or an error that names the option. */
export const originOf = (address: unknown, field: string): string => {
  try {
    const { origin } = new URL(String(address))
    if (origin !== 'null') return origin
  } catch {}
  throw badOption(field, 'must be like "https://api.example.com"')
}
