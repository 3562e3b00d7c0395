/** The Java clients that the catalog is tried with: the newest, and one that many engines still carry. */
export type ClientVersion = '1.11.0' | '1.9.2'

/** One run of the kit's tests against a server of its own. */
export interface Suite {
  readonly name: SuiteName
  readonly client: ClientVersion
  /** What the server does about locations outside the bucket. */
  readonly clientLocations: 'refuse' | 'replace'
  /** What JUnit is to run. */
  readonly select: readonly string[]
  /** Switches of the tests, as system properties. */
  readonly switches: Readonly<Record<string, string>>
}

export type SuiteName = 'kit-1.11.0' | 'own-1.11.0' | 'kit-1.9.2' | 'own-1.9.2'

/** Apache's suite as it is. It names folders of this machine as locations, so the server has to choose its own. */
const KIT = {
  clientLocations: 'replace',
  select: ['--select-class', 'org.apache.iceberg.rest.RESTCompatibilityKitSuite'],
  switches: {
    'rck.local': 'false',
    'rck.requires-namespace-create': 'true',
    'rck.supports-names-with-dot': 'true',
    'rck.overrides-requested-location': 'true',
  },
} as const

/** Our subclasses of the same tests, with every switch on, and what S3FileIO does about credentials. */
const OWN = ['TableConformance', 'ViewConformance', 'RemoteSigning', 'CredentialRefresh'].flatMap((name) => [
  '--select-class',
  `pangolin.rck.${name}`,
])

export const SUITES: readonly Suite[] = [
  { ...KIT, name: 'kit-1.11.0', client: '1.11.0' },
  { name: 'own-1.11.0', client: '1.11.0', clientLocations: 'refuse', select: OWN, switches: {} },
  { ...KIT, name: 'kit-1.9.2', client: '1.9.2' },
  {
    name: 'own-1.9.2',
    client: '1.9.2',
    // The older tests name folders of this machine without asking the subclass.
    clientLocations: 'replace',
    select: OWN,
    switches: { 'rck.overrides-requested-location': 'true' },
  },
]
