/** Waits; at most until the signal. The timer keeps no process alive. Milliseconds. */
export const rest = (pause: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(resolve, pause)
    if (typeof timer === 'object') (timer as { unref?: () => void }).unref?.()
    signal.addEventListener('abort', () => resolve(clearTimeout(timer)), { once: true })
  })
