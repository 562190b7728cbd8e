// What the tabs of this page tell each other, so that each can show all of them. The package needs none of this.

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const GONE = 5_000

/**
 * Joins the other tabs.
 * @param {{ onMark: (mark: object) => void, history: () => object }} hooks
 */
export const joinTabs = ({ onMark, onHistory, history }) => {
  const id = crypto.randomUUID()
  const channel = new BroadcastChannel('prolong-demo')
  const others = new Map()
  let letter = 'A'
  let settled = false

  const forget = () => {
    for (const [key, tab] of others) if (Date.now() - tab.heard > GONE) others.delete(key)
  }
  const taken = () => new Set([...others.values()].map((tab) => tab.letter))

  channel.onmessage = ({ data }) => {
    if (data.kind === 'hello') channel.postMessage({ kind: 'history', to: data.id, id, letter, history: history() })
    if (data.kind === 'history' && data.to === id) {
      others.set(data.id, { letter: data.letter, heard: Date.now() })
      onHistory(data.history)
    }
    if (data.kind === 'report') others.set(data.id, { ...data, heard: Date.now() })
    if (data.kind === 'bye') others.delete(data.id)
    if (data.kind === 'mark') onMark(data.mark)
  }
  channel.postMessage({ kind: 'hello', id })
  const joined = new Promise((done) => setTimeout(done, 300)).then(() => {
    const used = taken()
    letter = [...LETTERS].find((one) => !used.has(one)) ?? '?'
    settled = true
  })
  addEventListener('pagehide', () => channel.postMessage({ kind: 'bye', id }))

  return {
    /** Settles once the other tabs had the time to answer: from then on this one has its letter. */
    joined,
    get letter() {
      return letter
    },
    tell: (mark) => channel.postMessage({ kind: 'mark', mark }),
    report: (report) => settled && channel.postMessage({ kind: 'report', id, letter, ...report }),
    /** All tabs, this one first. */
    list: (mine) => {
      forget()
      return [
        { letter, here: true, ...mine },
        ...[...others.values()].filter((tab) => tab.next).sort((a, b) => a.letter.localeCompare(b.letter)),
      ]
    },
  }
}
