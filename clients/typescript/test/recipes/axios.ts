import type { AxiosInstance } from 'axios'
import type { Session } from 'prolong'

export const withSession = (client: AxiosInstance, session: Session): AxiosInstance => {
  client.defaults.adapter = 'fetch'
  client.defaults.env = { ...client.defaults.env, fetch: session.fetch as typeof fetch }
  return client
}
