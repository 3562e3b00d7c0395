import type { TableState } from '#catalog/create-table'
import type { Vending } from '#catalog/deps'
import type { TableIdentifier } from '#domain/ident'
import { CREDENTIAL_TTL_SECONDS } from '#src/limits'
import type { CatalogContext } from '../route.ts'

/**
 * Nothing is stored of a staged table, yet its files are written before the commit. So the client gets a ticket with the
 * folders that were staged for it, to hand back with each request that it wants signed. It is good for this caller, this
 * name and this branch, as long as a credential would be, and counts for nothing while anything stands under the name, or
 * any table has the folders, wherever it was moved. Once both are gone again (the table was dropped), it is good for the
 * rest of its hour, as a credential of the staged table would have been all the time.
 */
export async function stagedTicket(
  context: CatalogContext<unknown>,
  vending: Vending,
  table: TableIdentifier,
  { locations }: Pick<TableState, 'locations'>,
): Promise<string> {
  const claims = { for: boundTo(context, table), locations }
  return vending.tickets.issue(claims, context.deps.now().getTime(), CREDENTIAL_TTL_SECONDS)
}

/** The folders that a ticket names, or null if it is not one for this caller and table. */
export async function stagedLocations(
  context: CatalogContext<unknown>,
  vending: Vending,
  table: TableIdentifier,
  ticket: string,
): Promise<readonly string[] | null> {
  const claims = await vending.tickets.open(ticket, context.deps.now().getTime())
  if (claims?.['for'] !== boundTo(context, table) || !Array.isArray(claims['locations'])) return null
  return claims['locations'].filter((location) => typeof location === 'string')
}

function boundTo({ caller, place }: CatalogContext<unknown>, { namespace, name }: TableIdentifier): string {
  return JSON.stringify([caller.tenantId, caller.userId, place.catalog.id, place.branch.id, namespace, name])
}
