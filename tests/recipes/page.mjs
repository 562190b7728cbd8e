// The files that a page of the guide shows: each is a code block whose first line names it after its language.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Writes the files of a page into a folder beside this file, so that they find what is installed here. Gives the folder. */
export const filesOf = async (page) => {
  const folder = new URL('.extracted', import.meta.url).pathname
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder)
  const text = await readFile(new URL(`../../docs/guide/${page}`, import.meta.url), 'utf8')
  for (const [, name, content] of text.matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)) await writeFile(join(folder, name), content)
  return folder
}
