// A service worker with a session of its own: signs in with the ticket that it is given, and tells what came of it.
import { prolong, prolongServer } from './prolong/index.js'

addEventListener('message', (event) => {
  const { options, ticket, url } = event.data
  const [port] = event.ports
  const session = prolong(prolongServer(options))
  const generations = []
  const over = new Promise((done) => {
    session.on('ended', ({ reason }) => done({ reason }))
    session.on('renewed', async ({ generation }) => {
      generations.push(generation)
      if (generation === 2) done({ generations, status: (await session.fetch(url)).status })
    })
  })
  // It lives as long as somebody waits for it.
  event.waitUntil(session.signIn({ ticket }).then(() => over).then((told) => port.postMessage(told)))
})
