import type { Session } from 'prolong'

export const orders = async (session: Session): Promise<unknown> => {
  const response = await session.fetch('https://api.example.com/orders')
  if (!response.ok) throw new Error(`orders: ${response.status}`)
  return response.json()
}
