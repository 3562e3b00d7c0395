import type { ServedRoute } from '../serve.ts'
import { listMetricsReports } from './metrics.ts'

/** The routes of the management API that act in a catalog. They are no part of what `/v1/config` advertises. */
export const managementRoutes: readonly ServedRoute[] = [listMetricsReports]
