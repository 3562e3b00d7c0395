import { storageTaken } from '#store/storage'
import { foldersAbove, foldersOverlap } from '#versions/folders'
import { joined, put, removal, STORAGE } from './documents.ts'
import type { Guarded } from './entities.ts'
import { failure } from './failures.ts'
import { settled, type TenantLog } from './log.ts'
import { replaced, untilWon, type Doc, type Fields, type MongoVerbs } from './verbs.ts'

/** That a warehouse has a folder: counted if the log of its tenant says so, with the same token. */
type Claim = Fields & {
  readonly token: string
  readonly tenant: string
  readonly warehouse: string
  readonly folder: string
}

type LogOf = (tenant: string) => TenantLog

type ChangeClaims = (claims: readonly Claim[]) => Promise<readonly Claim[]>

/** All claims to folders of one bucket. `version` goes up with every change. */
interface BucketClaims extends Doc {
  readonly version: number
  readonly claims: readonly Claim[]
}

/**
 * Keeps tenants out of each other's storage. Tenants have no log in common; what they meet at is one document per
 * bucket, since folders overlap only within one. A claim is added there first, if it overlaps with no other tenant's,
 * and the step that gives the warehouse its folder names the claim's token in its tenant's log. Only then does the
 * claim count: one whose writer died is nobody's. Whoever finds such a claim in his way takes its token in that log, as
 * `settle` does with a commit, so that a writer who was only slow can never land it, and then takes its place.
 */
export function storageGuard(verbs: MongoVerbs, logOf: LogOf, newId: () => string): (tenant: string) => Guarded {
  return (tenant) => async (folder, warehouse, step) => {
    const mine: Claim | null = folder === null ? null : { token: newId(), tenant, warehouse, folder }
    if (mine) await addClaim(verbs, mine, logOf)
    const { answer, over } = await logOf(tenant).act(async (snapshot) => {
      const { claims } = snapshot.places
      const unique = mine ? [claimToken(mine)] : []
      const [{ answer: wanted, puts = [] }, before, [voided]] = await Promise.all([
        step(snapshot),
        snapshot.value<Claim>(claims, warehouse),
        mine ? snapshot.withTokens(unique) : [],
      ])
      if (puts.length === 0) return { answer: { answer: wanted, over: mine } }
      if (mine && voided) throw storageTaken(mine.folder)
      const claimed = mine ? put(claims, warehouse, mine) : removal(claims, warehouse)
      return { answer: { answer: wanted, over: before }, unique, puts: [...puts, claimed] }
    })
    // The step is done; a claim that stays behind counts for nothing.
    if (over) await dropClaim(verbs, over).catch(() => undefined)
    return answer
  }
}

/** @throws CatalogError `already-exists` if another tenant has the folder, or a part of it */
async function addClaim(verbs: MongoVerbs, mine: Claim, logOf: LogOf): Promise<void> {
  await changeClaims(verbs, mine.folder, async (claims) => {
    const inTheWay = claims.filter((one) => one.tenant !== mine.tenant && foldersOverlap(one.folder, mine.folder))
    for (const claim of inTheWay) if (await counts(logOf(claim.tenant), claim)) throw storageTaken(mine.folder)
    return [...claims.filter((claim) => !inTheWay.includes(claim)), mine]
  })
}

async function dropClaim(verbs: MongoVerbs, { folder, token }: Claim): Promise<void> {
  await changeClaims(verbs, folder, async (claims) => claims.filter((claim) => claim.token !== token))
}

/** Whether the claim's own tenant has made it good. If not, it never will. */
async function counts(log: TenantLog, claim: Claim): Promise<boolean> {
  if (!(await settled(log, claimToken(claim)))) return false
  const current = await log.look(async (snapshot) => snapshot.value<Claim>(snapshot.places.claims, claim.warehouse))
  return current?.token === claim.token
}

async function changeClaims(verbs: MongoVerbs, folder: string, change: ChangeClaims): Promise<void> {
  const bucket = foldersAbove(folder)[0] ?? folder
  await untilWon(async () => {
    const found = await verbs.findOne<BucketClaims>({ collection: STORAGE, filter: { _id: bucket } })
    const claims = await change(found?.claims ?? [])
    const next = { _id: bucket, version: (found?.version ?? 0) + 1, claims }
    return replaced(verbs, STORAGE, found && { _id: bucket, version: found.version }, next)
  }).catch(failure)
}

function claimToken({ tenant, token }: Claim): string {
  return joined(tenant, 'claim', token)
}
