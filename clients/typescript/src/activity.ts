/** When the person last did something, in any tab; elapsed milliseconds. */
export const activityOf = (now: () => number, tell: (ago: number) => void) => {
  let last = now()
  let seen = false
  let toldAt = 0
  return {
    last: () => last,
    /** Input here, or `at` an instant that another tab told of. Told to the others once a second at most. */
    touch: (at?: number) => {
      seen = true
      last = Math.max(last, at ?? now())
      if (at === undefined && now() - toldAt > 1e3) {
        toldAt = now()
        tell(0)
      }
    },
    /** Seconds since the last input; nothing where input cannot be seen. */
    idleFor: (sees: boolean) => (sees || seen ? Math.max(0, Math.floor((now() - last) / 1e3)) : undefined),
  }
}
