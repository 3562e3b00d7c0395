// Contract: what clients were told over HTTP stays true whatever moment the catalog is killed at and started again.
// Source: DESIGN 1 (what must always be true), 2.1 "Outcome fencing", 2.2; STYLE, Tests: the process dying.
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { d1Store } from '#store/sql/d1'
import { postgresStore } from '#store/sql/postgres/postgres'
import { tcpDatabase } from '#store/sql/postgres/tcp'
import { rightThroughKills } from './kills.ts'

rightThroughKills('D1', async () => ({
  options: [],
  kill: async () => {},
  open: async (_, left) => ({ store: d1Store(left), close: async () => {} }),
}))

// Its server is in the catalog's process group, and is killed with it.
rightThroughKills('PostgreSQL', async () => ({
  options: ['--store', 'postgres'],
  kill: async () => {},
  open: async (data) => {
    const settings = await readFile(path.join(data, 'worker.env'), 'utf8')
    const db = tcpDatabase(/^DATABASE_URL='(.*)'$/m.exec(settings)?.[1] ?? '')
    return { store: postgresStore(db), close: () => db.close() }
  },
}))
