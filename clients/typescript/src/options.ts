import { NEVER } from './budget.js'
import { ambient } from './environment.js'
import { must } from './errors.js'
import type { Options } from './types.js'

export const isFunction = (given: unknown): given is (...given: never[]) => unknown => typeof given === 'function'

/** The origin of an address; refuses what is no address of a server. */
export const originOf = (given: unknown, field: string): string => {
  let origin = ''
  try {
    origin = new URL(given as string).origin
  } catch {}
  must(/^http/.test(origin), field, 'like "https://example.com"')
  return origin
}

/** Options as meant: milliseconds, defaults filled in, contradictions refused. */
export const checked = (given: Options) => {
  for (const hook of 'renew attempt signIn end verdict'.split(' '))
    must(isFunction(given?.[hook as 'renew'] ?? (hook !== 'renew' && must)), hook, 'a function (README.md)')
  const {
    name = 'default',
    resume,
    environment = ambient(),
    idle,
    origins,
    lead = 1,
    storage = 'memory',
    signal,
  } = given
  // A bare number was meant as `after`.
  const { after = (idle as number) > 0 ? 0 : NEVER, warn = 60 } = idle ?? {}
  must(typeof name === 'string', 'name', 'a string')
  must(!resume || resume === true, 'resume', 'true or false')
  must(isFunction(lead) || (lead as number) > 0, 'lead', 'seconds above 0')
  must(after > 0, 'idle.after', 'seconds above 0')
  must(warn > 0, 'idle.warn', 'seconds above 0')
  must(!signal || signal.addEventListener, 'signal', 'an AbortSignal')
  must(
    storage === 'memory' ||
      storage === 'local' ||
      (isFunction(storage?.getItem) && isFunction(storage.setItem) && isFunction(storage.removeItem)),
    'storage',
    '"memory", "local", or like localStorage',
  )
  for (const member of 'wall steady random after fetch open locked hidden listen'.split(' '))
    must(isFunction((environment as never)?.[member]), `environment.${member}`, 'a function (README.md)')
  const list = origins && [origins].flat().map((origin, at) => originOf(origin, `origins[${at}]`))
  return { ...given, name, environment, origins: list, idle: after * 1e3, warn: warn * 1e3 }
}
