import { prolong, prolongServer, type Session, type TokenStorage } from 'prolong'

/** `keychain`: expo-secure-store's getItemAsync and its like; `onActive`: AppState's change to "active". */
export const nativeSession = (keychain: TokenStorage, onActive: (run: () => void) => void): Session => {
  const session = prolong(
    prolongServer({
      authority: 'https://auth.example.com',
      client: 'app',
      storage: keychain,
      origins: ['https://api.example.com'],
    }),
  )
  onActive(() => {
    session.touch()
    session.token().catch(() => {})
  })
  return session
}
