import type { BuiltWorker, Way } from './built-worker.ts'
import type { serve, ServedWorker } from './served-worker.ts'

/**
 * A served Worker that trusts the certificate in a file, too, as Workers trust those of public authorities. What miniflare
 * trusts it reads when it is loaded, and it is loaded here.
 */
export async function serveTrusting(certificateFile: string, script: BuiltWorker, way: Way): Promise<ServedWorker> {
  process.env['NODE_EXTRA_CA_CERTS'] = certificateFile
  const loaded = (await import('./served-worker.ts')) as { serve: typeof serve }
  delete process.env['NODE_EXTRA_CA_CERTS']
  return loaded.serve(script, way)
}
