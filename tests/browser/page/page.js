// What an application does, and a list of what it heard.
import { prolong, prolongServer } from './prolong/index.js'

const options = JSON.parse(new URLSearchParams(location.search).get('options'))
globalThis.events = []
globalThis.session = prolong(prolongServer(options))
for (const name of ['ready', 'renewed', 'delayed', 'warning', 'ended']) {
  session.on(name, (event) => events.push({ name, at: performance.now(), ...event, error: { ...event.error } }))
}
