import { prolong, type Session } from 'prolong'

/** A job that calls an API with client credentials. */
export const jobSession = (id: string, secret: string): Session =>
  prolong({
    resume: true,
    origins: ['https://api.example.com'],
    renew: async ({ fetch, signal }) => {
      const response = await fetch('https://auth.example.com/oauth/token', {
        method: 'POST',
        headers: { Authorization: `Basic ${btoa(`${id}:${secret}`)}` },
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
        signal,
      })
      if (!response.ok) throw new Error(`token endpoint: ${response.status}`)
      return (await response.json()) as { access_token: string; expires_in: number }
    },
  })
