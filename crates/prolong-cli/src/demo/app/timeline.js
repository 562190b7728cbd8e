// Draws what is known: tokens as bars, renewals, activity, requests, a thief, and the deadlines ahead.

const BEFORE = 90_000
const AFTER = 150_000
const LEFT = 84
const LANES = ['tokens', 'renewals', 'you', 'API']
const NS = 'http://www.w3.org/2000/svg'

const make = (name, attributes, text) => {
  const node = document.createElementNS(NS, name)
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value)
  if (text !== undefined) node.textContent = text
  return node
}

/**
 * @param {SVGSVGElement} svg
 * @param {{ now: number, tokens: Array<{ from: number, to: number, label: string, dead?: number }>,
 *   marks: Array<{ lane: string, kind: string, at: number, label?: string }>,
 *   deadlines: Array<{ at: number, label: string }>, thief: boolean }} scene times in milliseconds of the wall clock
 */
export const draw = (svg, { now, tokens, marks, deadlines, thief }) => {
  const { width, height } = svg.getBoundingClientRect()
  if (!width) return
  const lanes = thief ? [...LANES, 'thief'] : LANES
  const top = 18
  const laneHeight = (height - top - 6) / lanes.length
  const x = (at) => LEFT + ((at - now + BEFORE) / (BEFORE + AFTER)) * (width - LEFT)
  const y = (lane) => top + (lanes.indexOf(lane) + 0.5) * laneHeight
  const seen = (at) => at > now - BEFORE && at < now + AFTER
  const parts = []
  const add = (...given) => parts.push(make(...given))

  for (const lane of lanes) {
    add('line', { class: 'lane', x1: LEFT, x2: width, y1: y(lane) + laneHeight / 2, y2: y(lane) + laneHeight / 2 })
    add('text', { x: 8, y: y(lane) + 4 }, lane)
  }
  for (const minutes of [-1, 1, 2]) add('text', { x: x(now + minutes * 60_000) - 14, y: 12 }, `${minutes > 0 ? '+' : '−'}${Math.abs(minutes)} min`)

  const newest = tokens.at(-1)
  for (const token of tokens) {
    const end = token.dead ?? token.to
    const [from, to] = [Math.max(LEFT, x(token.from)), Math.min(width, x(end))]
    if (to <= LEFT || from >= width) continue
    const state = token.dead ? ' dead' : token === newest ? '' : ' old'
    const bar = { x: from, y: y('tokens') - 11, width: Math.max(2, to - from), height: 22, rx: 4 }
    add('rect', { class: `token${state}`, ...bar })
    if (to - from > 24 && from > LEFT) add('text', { class: 'generation', x: from + 5, y: y('tokens') + 4 }, token.label)
  }
  for (const { lane, kind, at, label } of marks) {
    if (!seen(at) || x(at) < LEFT || !lanes.includes(lane)) continue
    if (kind === 'input') add('line', { class: kind, x1: x(at), x2: x(at), y1: y(lane) - 7, y2: y(lane) + 7 })
    else add('circle', { class: kind, cx: x(at), cy: y(lane), r: lane === 'API' ? 3.5 : 5.5 })
    // Letters below their dots: beside them they would lie on the next.
    if (label && lane === 'renewals') add('text', { class: kind, x: x(at), y: y(lane) + 18, 'text-anchor': 'middle' }, label)
    else if (label) add('text', { class: kind, x: x(at) + 8, y: y(lane) + 4 }, label)
  }
  for (const { at, label } of deadlines) {
    if (!seen(at)) continue
    add('line', { class: 'deadline', x1: x(at), x2: x(at), y1: top, y2: height })
    const right = x(at) + label.length * 7 > width
    add('text', { class: 'deadline', x: x(at) + (right ? -4 : 5), y: height - 8, 'text-anchor': right ? 'end' : 'start' }, label)
  }
  // Too far ahead to be drawn: said at the edge, where nothing else is, and over the line of a nearer one.
  for (const { at, label } of deadlines.filter(({ at }) => at > now + AFTER))
    add('text', { class: 'deadline far', x: width - 6, y: y('you') + 4, 'text-anchor': 'end' }, `${label}: ${Math.round((at - now) / 60_000)} min →`)
  add('line', { class: 'now', x1: x(now), x2: x(now), y1: top - 4, y2: height })
  add('text', { x: x(now) - 12, y: 12 }, 'now')

  // The title is the picture's name for those who do not see it.
  const title = svg.querySelector('title')
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`)
  svg.replaceChildren(title, ...parts)
}
