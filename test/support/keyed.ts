import type { Answer } from './catalog.ts'

/** An answer without its credential, which is another one each time. */
export function bare({ text, json }: Pick<Answer, 'text' | 'json'>): string {
  return json?.metadata ? JSON.stringify([json['metadata-location'], json.metadata]) : text
}
