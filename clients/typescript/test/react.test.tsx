// @vitest-environment happy-dom
import { act, StrictMode, useEffect, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { expect, test } from 'vitest'
import { prolong, prolongServer, type Session } from '../src/index.js'
import { type Tab, World } from '../src/testing.js'

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true })

const App = ({ tab, made, cleansUp }: { tab: Tab; made: Session[]; cleansUp: boolean }) => {
  const [state, setState] = useState('unknown')
  useEffect(() => {
    const session = prolong({
      ...prolongServer({ authority: 'https://auth.example.com', client: 'web' }),
      environment: tab.environment,
      storage: 'local',
    })
    made.push(session)
    session.on('renewed', () => setState(session.state))
    if (cleansUp) return () => session.dispose()
  }, [tab, made, cleansUp])
  return <p>{state}</p>
}

test.each([true, false])('F37 F38 StrictMode mounts twice; one scheduler remains (clean-up: %s)', async (cleansUp) => {
  const world = new World()
  const tab = world.tab()
  const made: Session[] = []
  const place = document.createElement('div')
  const root = createRoot(place)
  await act(async () =>
    root.render(
      <StrictMode>
        <App tab={tab} made={made} cleansUp={cleansUp} />
      </StrictMode>,
    ),
  )
  expect(made.length).toBe(2)
  await act(async () => {
    await made[1]?.adopt(world.answer())
    await world.pass(1)
  })
  expect(place.textContent).toBe('active')
  await expect(made[0]?.token()).rejects.toMatchObject({ code: 'DISPOSED' })
  await act(async () => {
    for (let minute = 0; minute < 13; minute++) {
      tab.input()
      await world.pass(60)
    }
  })
  expect(world.renewals.length).toBe(1)
  expect(made[1]?.peek()).toBe(world.access)
  await act(async () => root.unmount())
  made[1]?.dispose()
  await world.pass(3600)
  expect(world.renewals.length).toBe(1)
})
