/** How many reports more than its limit a tenant may have for a while: stores need not count them each time. */
export const REPORTS_BEYOND_LIMIT_MAX = 64
