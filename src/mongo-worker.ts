import { createApp } from './app.ts'

export { MongoConnection } from './mongo-connection.ts'
export { PurgeRunner } from './purge-runner.ts'
export { TableLane } from './table-lane.ts'

export default createApp()
