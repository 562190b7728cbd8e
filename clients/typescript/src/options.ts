import { NEVER } from './budget.js'
import { must } from './errors.js'
import type { Options } from './types.js'

const isFunction = (given: unknown) => typeof given === 'function'

/** Refuses what is no address of a server. */
export const mustBeAddress = (given: unknown, field: string) =>
  must(/^https?:\/\/[^\s/]/.test(given as string), field, 'like "https://api.example.com"')

/** Options as meant: milliseconds, defaults filled in, contradictions refused. */
export const checked = (given: Options) => {
  const { name = 'default', idle = {}, origins, ...options } = given ?? {}
  const { lead = 1, storage = 'memory' } = options
  // A bare number was meant as `after`.
  const { after = (idle as number) > 0 ? 0 : NEVER, warn = 60 } = idle
  for (const hook of ['renew', 'attempt', 'signIn', 'end', 'verdict'] as const)
    must(isFunction(options[hook] ?? (hook !== 'renew' && must)), hook, 'a function; see prolongServer()')
  must(isFunction(lead) || (lead as number) > 0, 'lead', 'seconds above 0, or a function')
  must(after > 0, 'idle.after', 'seconds above 0')
  must(warn > 0, 'idle.warn', 'seconds above 0')
  must(
    storage === 'memory' ||
      storage === 'local' ||
      (['getItem', 'setItem', 'removeItem'] as const).every((method) => isFunction(storage?.[method])),
    'storage',
    '"memory", "local", or like localStorage',
  )
  const list = origins && [origins].flat()
  list?.forEach((origin, at) => mustBeAddress(origin, `origins[${at}]`))
  return { ...options, name, origins: list, idle: after * 1e3, warn: warn * 1e3 }
}
