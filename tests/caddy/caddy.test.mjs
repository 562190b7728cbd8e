// examples/caddy-forward-auth as it stands, but for addresses: a real Caddy before a real authority.

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { folderFor, start } from '../authority.mjs'
import { passesOnWhoCalls, proxied } from '../proxied.mjs'

const text = (path) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

/** Starts Caddy with this configuration, but for addresses. Gives its socket. */
const caddy = async (t, configuration, authority, api) => {
  const folder = await folderFor(t)
  const socket = join(folder, 'caddy.sock')
  const conf = configuration
    .replaceAll('127.0.0.1:8080', authority)
    .replace('127.0.0.1:9000', api)
    .replace(/^(http:\/\/127.0.0.1:8000|api.example.com) \{/m, `http:// {\n\tbind unix/${socket}\n`)
  await writeFile(join(folder, 'Caddyfile'), `{\n\tadmin off\n}\n${conf}`)
  // It keeps certificates and the like in the home folder, if it has one.
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
  await start(t, 'caddy', ['run', '--config', 'Caddyfile'], { cwd: folder, env }, /serving initial configuration/)
  return socket
}

proxied(async (t, authority, api) => caddy(t, await text('examples/caddy-forward-auth/Caddyfile'), authority, api))

passesOnWhoCalls('the short form of the guide', async (t, authority, api) => {
  const [, short] = /^```caddyfile\n(.*?)^```$/ms.exec(await text('docs/guide/forward-auth.md'))
  return caddy(t, short, authority, api)
})
