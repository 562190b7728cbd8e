// examples/haproxy-forward-auth as it stands, but for addresses: a real HAProxy before a real authority.

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { folderFor, start } from '../authority.mjs'
import { proxied } from '../proxied.mjs'

const example = (file) => readFile(new URL(`../../examples/haproxy-forward-auth/${file}`, import.meta.url), 'utf8')

proxied(async (t, authority, api) => {
  const folder = await folderFor(t)
  const socket = join(folder, 'haproxy.sock')
  const conf = (await example('haproxy.cfg')).replace('bind 127.0.0.1:8000', `bind unix@${socket}`).replace('127.0.0.1:9000', api)
  await writeFile(join(folder, 'haproxy.cfg'), conf)
  await writeFile(join(folder, 'prolong.lua'), (await example('prolong.lua')).replace('127.0.0.1:8080', authority))
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` }
  await start(t, 'haproxy', ['-W', '-f', 'haproxy.cfg'], { cwd: folder, env }, /Loading success/)
  return socket
})
