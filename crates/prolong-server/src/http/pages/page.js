// Shows a session and prolongs it, by plain calls of the API, so that each can be seen in the network panel.
// An application uses the npm package `prolong` instead, which minds much more.

const meta = (name) => document.querySelector(`meta[name="${name}"]`).content
const client = meta('prolong-client')
const byAccessToken = meta('prolong-with') !== 'refresh-token'
const at = (id) => document.getElementById(id)
const seconds = () => performance.now() / 1000

let held = null // { token, got, life, renewAt, idleEnds, ends, session }
let lastInput = seconds()
let idleOnPurpose = false
let renewing = null

const say = (text) => {
  const line = document.createElement('li')
  line.textContent = `${new Date().toLocaleTimeString()}  ${text}`
  at('log').prepend(line)
  while (at('log').children.length > 30) at('log').lastChild.remove()
}

const notice = (text) => {
  at('notice').textContent = text
  at('notice').hidden = !text
}

const call = async (method, path, { json, form, bearer = true } = {}) => {
  const headers = { 'Prolong-Request': '1' }
  if (bearer && held) headers.Authorization = `Bearer ${held.token}`
  if (json) headers['Content-Type'] = 'application/json'
  const body = json ? JSON.stringify(json) : form ? new URLSearchParams(form) : undefined
  const response = await fetch(path, { method, headers, body, credentials: 'same-origin', cache: 'no-store' })
  const answer = await response.json().catch(() => ({}))
  return { ok: response.ok, status: response.status, answer }
}

const take = (answer) => {
  const now = seconds()
  const life = answer.expires_in
  held = {
    token: answer.access_token,
    got: now,
    life,
    renewAt: now + (answer.refresh_in ?? life * 0.8),
    idleEnds: answer.refresh_token_timeout === undefined ? null : now + answer.refresh_token_timeout,
    ends: answer.authorization_expires_in === undefined ? null : now + answer.authorization_expires_in,
    session: answer.session ?? held?.session,
  }
  notice('')
  draw()
}

const drop = (why) => {
  held = null
  say(`signed out: ${why}`)
  notice(why === 'signed_out' ? '' : `The session is over: ${why}.`)
  draw()
}

const word = ({ status, answer }) => answer.reason ?? answer.code ?? answer.error ?? `HTTP ${status}`

// Kept, and shared by tabs, until an answer comes: so asking again after a lost one is known as that, however late.
const ATTEMPT = 'prolong-attempt'
const attempt = () => {
  const drawn = () => btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))))
    .replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')
  const kept = localStorage.getItem(ATTEMPT) ?? drawn()
  localStorage.setItem(ATTEMPT, kept)
  return kept
}

const renewOnce = async () => {
  const idleFor = Math.max(0, Math.floor(seconds() - lastInput))
  try {
    const result = byAccessToken
      ? await call('POST', 'v1/sessions/current/prolong', { json: { idle_for: idleFor } })
      : await call('POST', 'oauth/token', {
          bearer: false,
          form: { grant_type: 'refresh_token', client_id: client, attempt_id: attempt(), idle_for: String(idleFor) },
        })
    // Whatever it was, it was an answer; only one that never came is asked for again by the same attempt.
    if (result.status < 500) localStorage.removeItem(ATTEMPT)
    if (result.ok) {
      say(`prolonged; idle for ${idleFor} s, generation ${result.answer.session?.generation ?? '–'}`)
      take(result.answer)
    } else if (result.answer.action === 'sign_in' || result.answer.error === 'invalid_grant') {
      drop(word(result))
    } else {
      say(`not prolonged: ${word(result)}; trying again`)
      if (held) held.renewAt = seconds() + 3
    }
    return result.ok
  } catch {
    say('the authority cannot be reached; the session is kept')
    if (held) held.renewAt = seconds() + 3
    return false
  }
}

const renew = () => {
  renewing ??= renewOnce().finally(() => { renewing = null })
  return renewing
}

const devices = async () => {
  if (!held) return
  const result = await call('GET', 'v1/sessions').catch(() => null)
  if (!result) return
  if (!result.ok) {
    if (result.answer.action === 'renew') await renew()
    else if (result.answer.action === 'sign_in') drop(word(result))
    return
  }
  at('devices').replaceChildren(...result.answer.sessions.map((session) => {
    const item = document.createElement('li')
    const name = document.createElement('span')
    name.textContent = session.device_name ?? session.user_agent ?? 'a device'
    const more = document.createElement('small')
    more.textContent = ` ${session.current ? 'this one · ' : ''}since ${new Date(session.started_at).toLocaleString()}`
    name.append(more)
    item.append(name)
    if (!session.current) {
      const end = document.createElement('button')
      end.textContent = 'End'
      end.addEventListener('click', async () => {
        await call('DELETE', `v1/sessions/${session.id}`)
        say(`ended ${session.device_name ?? 'a device'}`)
        devices()
      })
      item.append(end)
    }
    return item
  }))
}

const span = (left) => {
  if (left === null) return 'never'
  const whole = Math.max(0, Math.floor(left))
  const parts = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']]
  const from = parts.findIndex(([size]) => whole >= size)
  if (from < 0) return '0 s'
  return parts.slice(from, from + 2).map(([size, unit], i) => {
    const rest = i ? whole % parts[from][0] : whole
    return `${Math.floor(rest / size)} ${unit}`
  }).join(' ')
}

const draw = () => {
  at('sign-in').hidden = held !== null
  at('session').hidden = held === null
  if (!held) return
  const now = seconds()
  const left = held.got + held.life - now
  at('life').value = Math.max(0, left / held.life)
  at('access').textContent = left > 0 ? `${span(left)} left` : 'expired'
  at('renewal').textContent = `in ${span(held.renewAt - now)}`
  at('activity').textContent = `${span(now - lastInput)} ago${idleOnPurpose ? ' (being idle)' : ''}`
  at('idle').textContent = held.idleEnds === null ? 'never' : `${span(held.idleEnds - now)} from now`
  at('lifetime').textContent = held.ends === null ? 'never' : `${span(held.ends - now)} from now`
  at('generation').textContent = held.session?.generation ?? '–'
}

for (const kind of ['pointerdown', 'keydown', 'wheel', 'touchstart'])
  addEventListener(kind, () => { if (!idleOnPurpose) lastInput = seconds() }, { passive: true })

at('sign-in').addEventListener('submit', async (event) => {
  event.preventDefault()
  const form = new FormData(event.target)
  const json = { client_id: client, username: form.get('username'), password: form.get('password') }
  if (form.get('device')) json.device_name = form.get('device')
  const result = await call('POST', 'v1/sessions', { json, bearer: false }).catch(() => null)
  if (!result) return notice('The authority cannot be reached.')
  if (!result.ok) return notice(result.answer.detail ?? word(result))
  event.target.reset()
  lastInput = seconds()
  say('signed in')
  take(result.answer)
  devices()
})
at('prolong').addEventListener('click', () => renew())
at('be-idle').addEventListener('click', (event) => {
  idleOnPurpose = !idleOnPurpose
  event.target.setAttribute('aria-pressed', String(idleOnPurpose))
  say(idleOnPurpose ? 'being idle: nothing you do here counts' : 'active again')
  if (!idleOnPurpose) lastInput = seconds()
})
at('sign-out').addEventListener('click', async () => {
  const result = await call('DELETE', 'v1/sessions/current')
  if (result.ok || result.status === 401) drop('signed_out')
})
at('everywhere').addEventListener('click', async () => {
  const result = await call('DELETE', 'v1/sessions')
  if (result.ok || result.status === 401) drop('signed_out')
  else notice(result.answer.detail ?? word(result))
})

setInterval(() => {
  draw()
  if (held && seconds() >= held.renewAt) renew()
}, 500)
setInterval(devices, 5000)

// A cookie may hold a session from before; asking is how one finds out.
renewing = renewOnce().finally(() => { renewing = null; draw(); devices(); notice('') })
