// A web application that leaves its session to the npm package `prolong`, and draws what the package does.
// Everything below `const session` is about showing it; an application needs the first lines only.

import { prolong, prolongServer } from './prolong.js'
import { joinTabs } from './tabs.js'
import { draw } from './timeline.js'

const facts = await (await fetch('demo/facts')).json()

// "Be idle": the page hears your input before the package does, and keeps it to itself.
let idleOnPurpose = false
let lastInput = 0
for (const kind of ['pointerdown', 'keydown', 'touchstart', 'wheel'])
  addEventListener(kind, (event) => (idleOnPurpose ? event.stopImmediatePropagation() : input()), { capture: true, passive: true })

const session = prolong(
  prolongServer({
    authority: location.origin,
    client: facts.client,
    transport: 'cookie',
    origins: [location.origin, new URL(facts.api).origin],
    idle: { warn: 30 },
  }),
)

// ---- What is known, for the picture -------------------------------------------------------------------------------

const at = (id) => document.getElementById(id)
const scene = { tokens: [], marks: [], deadlines: [], thief: false }
let ended = false
let server = null // facts of the session, as the authority has them

const keep = (list, most) => list.splice(0, Math.max(0, list.length - most))
const place = (given) => {
  if (given.lane === 'thief') scene.thief = true
  scene.marks.push(given)
  keep(scene.marks, 600)
}
const mark = (lane, kind, label) => {
  const made = { lane, kind, label, at: Date.now() }
  place(made)
  tabs.tell(made)
}
function input() {
  if (Date.now() - lastInput < 1000) return
  lastInput = Date.now()
  mark('you', 'input')
}
const addToken = (token) => {
  if (scene.tokens.some((known) => known.id === token.id)) return
  scene.tokens.push(token)
  keep(scene.tokens, 40)
}

const tabs = joinTabs({
  onMark: (given) => {
    place(given)
    if (given.say) show(given.say, given.at)
  },
  onHistory: ({ tokens, marks }) => {
    tokens.forEach(addToken)
    scene.tokens.sort((a, b) => a.from - b.from)
    for (const given of marks) if (!scene.marks.some((known) => known.at === given.at && known.kind === given.kind)) place(given)
  },
  history: () => ({ tokens: scene.tokens, marks: scene.marks }),
})

const show = (text, when = Date.now()) => {
  const line = document.createElement('li')
  const time = document.createElement('time')
  time.textContent = new Date(when).toLocaleTimeString()
  line.append(time, text)
  at('log').prepend(line)
  while (at('log').children.length > 40) at('log').lastChild.remove()
}
/** Says it here and in the other tabs. */
const say = (text, lane = '', kind = '', label = undefined) => {
  const made = { lane, kind, label, at: Date.now(), say: text }
  place(made)
  tabs.tell(made)
  show(text, made.at)
}

const claimsOf = (token) => JSON.parse(atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/')))
let current = null // the newest access token, to show what becomes of it

const span = (milliseconds) => {
  const all = Math.max(0, Math.round(milliseconds / 1000))
  const minutes = Math.floor(all / 60)
  return minutes ? `${minutes} min ${all % 60} s` : `${all} s`
}

// ---- What the session says ------------------------------------------------------------------------------------------

const REASONS = {
  idle_timeout: 'nobody was here for too long',
  lifetime_reached: 'its absolute lifetime is over',
  signed_out: 'you signed out',
  signed_out_elsewhere: 'it was signed out elsewhere',
  user_disabled: 'maryo is banned',
  reuse_detected: 'its refresh token was used out of step: somebody has a copy',
  version_raised: 'every older token of maryo is void',
  unknown: 'there was none to go on with',
}

session.on('ready', async () => {
  // A tab beside others is given the tokens; the first asks the authority whether its cookie is good.
  await tabs.joined
  session.token().catch(() => {})
})
session.on('renewed', ({ generation, expiresIn }) => {
  ended = false
  current = session.peek() ?? null
  // A new session is another story.
  if (!server) theft()
  // A tab that stood still hears of tokens that are over by now.
  if (current) {
    const claims = claimsOf(current)
    addToken({ id: claims.jti, from: claims.iat * 1000, to: claims.exp * 1000, label: String(generation) })
  }
  // Each tab hears of each renewal; in the log of the one that made it, nothing came between.
  const before = session.explain().log.slice(0, -1).findLast((line) => /^\S+ (renew: .*|renewed|delayed|ended|ready)$/.test(line))
  if (before?.includes(' renew: ')) say(`Tab ${tabs.letter} renewed: generation ${generation}, good for ${expiresIn} s`, 'renewals', 'renewal', tabs.letter)
  lookUp()
})
session.on('delayed', ({ nextTryIn }) => say(`Tab ${tabs.letter} got no answer. The session is kept; it asks again in ${nextTryIn} s, with the same attempt id`, 'renewals', 'failed'))
session.on('warning', ({ kind, secondsLeft, stay }) => {
  if (kind !== 'idle') return
  const text = 'Nobody seems to be here: the session is over in'
  alarm(text, stay, Date.now() + secondsLeft * 1000)
  show(`${text} ${secondsLeft} s`)
})
session.on('ended', async ({ reason }) => {
  const why = REASONS[reason] ?? reason
  const last = current
  current = null
  server = null
  ended = true
  scene.deadlines = []
  for (const token of scene.tokens) if (token.to > Date.now()) token.dead ??= Date.now()
  show(reason === 'unknown' ? 'Nobody is signed in on this browser' : `The session is over, in every tab: ${why} (${reason})`)
  alarm(null)
  beIdle(false)
  at('why').textContent = reason === 'unknown' ? '' : `The session is over: ${why}.`
  render()
  devices()
  if (last) await tryOld(last)
})

/** The token that the ended session left behind, sent to the API until that has heard of the end: within a second, by its feed. */
const tryOld = async (token) => {
  const begun = Date.now()
  for (;;) {
    const response = await fetch(facts.api, { headers: { Authorization: `Bearer ${token}` } }).catch(() => null)
    if (!response) return
    mark('API', response.ok ? 'good' : 'bad')
    const left = span(claimsOf(token).exp * 1000 - Date.now())
    if (!response.ok) {
      const { reason, code } = await response.json().catch(() => ({}))
      return show(`The API refused the old access token, with ${left} of its life left: ${REASONS[reason] ?? reason ?? code}`)
    }
    if (Date.now() - begun > 5000) return show(`The API still served the old access token (${left} of its life left)`)
    await new Promise((wake) => setTimeout(wake, 250))
  }
}

const lookUp = async () => {
  const response = await session.fetch('v1/sessions/current').catch(() => null)
  if (response?.ok) server = await response.json()
}

const askApi = async () => {
  if (ended || !current || document.visibilityState === 'hidden') return
  const response = await session.fetch(facts.api).catch(() => null)
  if (response) mark('API', response.ok ? 'good' : 'bad')
}

// ---- The page -------------------------------------------------------------------------------------------------------

let stayHere = null
let overAt = null
const alarm = (text, stay = null, ends = null) => {
  overAt = ends
  at('alert').hidden = !text
  at('alert-text').textContent = text ?? ''
  at('stay').hidden = !stay
  stayHere = stay
  render()
}
at('stay').addEventListener('click', () => stayHere?.())

const render = () => {
  const signedIn = session.state === 'active' || session.state === 'renewing'
  at('sign-in').hidden = signedIn || session.state === 'unknown'
  for (const id of ['prolong', 'lose', 'idle', 'steal', 'out', 'everywhere']) at(id).disabled = !signedIn
  const { next, renewIn, expiresIn, log } = session.explain()
  const now = Date.now()
  scene.now = now
  // A renewal alone does not move the deadline: only the authority's word that somebody was here ends the alarm.
  if (overAt && Date.parse(server?.idle_ends_at) > overAt + 2000) alarm(null)
  // Counted down for the eye only: a screen reader is told once.
  at('alert-left').textContent = overAt ? span(overAt - now) : ''
  scene.deadlines = []
  if (server?.idle_ends_at) scene.deadlines.push({ at: Date.parse(server.idle_ends_at), label: 'over when idle' })
  if (server?.ends_at) scene.deadlines.push({ at: Date.parse(server.ends_at), label: 'over anyway' })
  const text = signedIn
    ? `${expiresIn > 0 ? `Access token good for ${expiresIn} s` : 'No good access token'} · next renewal in ${Math.max(0, renewIn)} s · somebody was here ${lastInput ? span(now - lastInput) : 'some time'} ago` +
      (server ? ` · over when idle in ${span(Date.parse(server.idle_ends_at) - now)} · at the latest in ${span(Date.parse(server.ends_at) - now)}` : '')
    : 'Nobody is signed in.'
  at('status').textContent = text
  at('timeline-text').textContent = text
  draw(at('timeline'), scene)

  const hidden = document.visibilityState === 'hidden'
  const mine = { next, hidden, last: log.at(-1) ?? '', renewIn }
  tabs.report(mine)
  const list = tabs.list(mine)
  at('tabs').replaceChildren(...list.map((tab) => tabCard(tab, list.length > 1)))
}
/** The last line of `explain().log`, for people. */
const LAST = {
  ready: 'It has read what was stored.',
  renewed: 'It has a new token.',
  delayed: 'It got no answer: the session is kept.',
  warning: 'It warned that nobody seems to be here.',
  ended: 'It heard that the session is over.',
  'renew: due': 'It asks for a new token: little of the old one is left.',
  'renew: token()': 'It asks for a token: somebody waits for one.',
  'renew: API': 'It asks for a new token: the API refused the old one.',
  'renew: stay': 'It asks for a new token: somebody said that they are here.',
}
const tabCard = (tab, several) => {
  const card = document.createElement('li')
  const name = document.createElement('b')
  name.textContent = `Tab ${tab.letter}${tab.here ? ' (this one)' : ''}${tab.hidden ? ', hidden' : ''}`
  const last = document.createElement('small')
  const event = tab.last.replace(/^[\d.]+ /, '')
  // A browser that nobody signed in at has heard of no end.
  last.textContent = tab.next === 'nothing: unknown' && event === 'ended' ? 'It found no session here.' : (LAST[event] ?? event)
  if (tab.next.startsWith('nothing: ')) tab.next = tab.next === 'nothing: unknown' ? 'waits for a sign-in' : `does nothing: ${REASONS[tab.next.slice(9)] ?? tab.next.slice(9)}`
  const renews = tab.renewIn > 0 ? `renews in ${tab.renewIn} s${several ? ', unless another tab has done so' : ''}` : 'renews now'
  card.append(name, tab.next === 'renews' ? renews : tab.next, last)
  return card
}

const devices = async () => {
  at('devices-section').hidden = !current
  const response = current && (await session.fetch('v1/sessions').catch(() => null))
  // Without an answer, what was known last stays.
  if (!response?.ok) return
  const { sessions } = await response.json()
  sessions.sort((a, b) => Number(!!b.current) - Number(!!a.current) || a.started_at.localeCompare(b.started_at))
  at('devices').replaceChildren(
    ...sessions.map((one) => {
      const item = document.createElement('li')
      const name = document.createElement('span')
      name.textContent = `${one.device_name ?? one.client_id}${one.current ? ' (this one)' : ''}, since ${new Date(one.started_at).toLocaleTimeString()}`
      item.append(name)
      if (!one.current) {
        const end = document.createElement('button')
        end.textContent = 'Sign it out'
        end.setAttribute('aria-label', `Sign out ${name.textContent}`)
        end.addEventListener('click', async () => {
          await session.fetch(`v1/sessions/${one.id}`, { method: 'DELETE' })
          say(`You ended ${one.device_name ?? 'a session'}`)
          devices()
        })
        item.append(end)
      }
      return item
    }),
  )
}

// ---- Buttons --------------------------------------------------------------------------------------------------------

const control = async (what) => {
  const response = await fetch(`demo/${what}`, { method: 'POST', headers: { 'Prolong-Request': '1' } })
  return response.json()
}

const form = at('sign-in')
form.elements.username.value = facts.user
form.elements.password.value = facts.password
form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const { username, password } = Object.fromEntries(new FormData(form))
  try {
    await session.signIn({ username, password, deviceName: facts.device })
    show(`Signed in as ${username}`)
    devices()
  } catch (error) {
    at('why').textContent = error.status === 401 ? 'Not accepted. A wrong password and a banned user look the same from here.' : error.message
  }
  render()
})

at('lose').addEventListener('click', async () => {
  await control('lose')
  say('The answer to the next renewal will be lost on its way')
})
function beIdle(idle) {
  idleOnPurpose = idle
  at('idle').setAttribute('aria-pressed', String(idle))
  at('idle').textContent = idle ? 'Be here again' : 'Be idle'
}
at('idle').addEventListener('click', () => {
  beIdle(!idleOnPurpose)
  say(idleOnPurpose ? `Tab ${tabs.letter} is left alone: the deadline stays where it is` : `Somebody is back in tab ${tabs.letter}`)
  if (!idleOnPurpose) {
    session.touch()
    input()
  }
})
at('tab').addEventListener('click', () => open(location.href))
at('ban').addEventListener('click', async () => {
  const { banned } = await control(at('ban').dataset.banned ? 'unban' : 'ban')
  at('ban').dataset.banned = banned ? 'yes' : ''
  at('ban').textContent = banned ? 'Lift the ban' : 'Ban maryo'
  say(banned ? 'Support banned maryo' : 'Support lifted the ban; what was ended stays ended')
  askApi()
})
/** What the thief has come to, beside the button. */
function theft(text = 'A thief copies the cookie. It is good until the owner renews, and found out the first time it is used late.', has = false, found = false) {
  at('thief').textContent = text
  at('thief').className = found ? 'found' : ''
  at('steal').dataset.has = has ? 'yes' : ''
  at('steal').textContent = has ? 'Let the thief use it' : 'Steal the refresh token'
}
at('steal').addEventListener('click', async () => {
  if (!at('steal').dataset.has) {
    const { generation } = await control('steal')
    if (generation === undefined) return
    theft(`The thief has the refresh token of generation ${generation}. Now wait for the next renewal, and a few seconds more.`, true)
    say(`A thief copied the refresh token of generation ${generation}`, 'thief', 'thief', `has ${generation}`)
    return
  }
  const { outcome, reason, generation } = await control('thief')
  if (outcome === 'renewed') {
    theft('It worked: the token was still in step. Wait for the next renewal, and let the thief try again.', true)
    say(`The thief got an access token, as the owner would: generation ${generation} is still the one in step`, 'thief', 'thief', 'is in')
  } else if (outcome === 'refused') {
    theft('Found out. Sign in again, and the thief has nothing.', false, true)
    say(`The thief was refused (${reason}), and the session is over for everybody: nobody knows who is who`, 'thief', 'thief', 'found out')
  } else theft()
  lookUp()
})
theft()
at('prolong').addEventListener('click', async () => {
  const before = current
  await session.token({ validFor: 1e6 }).catch(() => {})
  if (current === before) say('Nothing to prolong yet: the token is as good as new, or was renewed less than 5 s ago')
})
at('out').addEventListener('click', () => session.end())
at('everywhere').addEventListener('click', async () => {
  await session.fetch('v1/sessions', { method: 'DELETE' })
  session.end()
})

at('fact-access').textContent = facts.access
at('fact-idle').textContent = facts.idle
setInterval(render, matchMedia('(prefers-reduced-motion: reduce)').matches ? 2000 : 500)
setInterval(askApi, 2000)
setInterval(devices, 5000)
setInterval(() => current && lookUp(), 3000)
render()
