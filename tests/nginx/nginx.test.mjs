// examples/nginx-forward-auth as it stands, but for addresses: a real nginx before a real authority.

import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { folderFor, start } from '../authority.mjs'
import { proxied } from '../proxied.mjs'

const example = new URL('../../examples/nginx-forward-auth/', import.meta.url)

proxied(async (t, authority, api) => {
  const folder = await folderFor(t)
  const socket = join(folder, 'nginx.sock')
  const conf = (await readFile(new URL('nginx.conf', example), 'utf8'))
    .replace('127.0.0.1:8080', authority)
    .replace('127.0.0.1:9000', api)
    .replace('listen 127.0.0.1:8000', `listen unix:${socket}`)
  await writeFile(join(folder, 'nginx.conf'), conf)
  await copyFile(new URL('prolong.conf', example), join(folder, 'prolong.conf'))
  const path = `${process.env.PATH}:/usr/sbin`
  const args = ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr', '-g', 'daemon off; error_log stderr notice;']
  await start(t, 'nginx', args, { env: { ...process.env, PATH: path } }, /start worker process /)
  return socket
})
