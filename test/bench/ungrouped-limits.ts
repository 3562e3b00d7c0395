/** The catalog's limits, but for one: no two commits are published together. What group commit is compared with. */
export * from '../../src/limits.ts'

export const LANE_GROUP_MEMBERS_MAX = 1
