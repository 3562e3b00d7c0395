import type { LoadResult } from './load.ts'

/** Rates are requests per second, latencies milliseconds. */
export interface Figures {
  readonly store: string
  readonly name: string
  readonly requests: number
  readonly rate: number
  readonly p50: number
  readonly p99: number
  /** The catalog's rate divided by that of the bare Worker, and of the bare Worker with one query: medians of the rounds. */
  readonly ofBare: number
  readonly ofQuery: number
  /** The catalog's rate divided by that of the one which publishes every commit by itself, where that was measured. */
  readonly ofUngrouped: number | null
}

/** One round: the servers, driven one right after the other. */
export interface Round {
  readonly catalog: LoadResult
  readonly bare: LoadResult
  readonly query: LoadResult
  readonly ungrouped?: LoadResult
}

export function figuresOf(store: string, name: string, rounds: readonly Round[]): Figures {
  const results = rounds.map(({ catalog }) => catalog)
  const latencies = Float64Array.from(results.flatMap((result) => [...result.latencies])).toSorted()
  const seconds = results.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / 1000
  return {
    store,
    name,
    requests: latencies.length,
    rate: latencies.length / seconds,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    ofBare: median(rounds.map(({ catalog, bare }) => rateOf(catalog) / rateOf(bare))),
    ofQuery: median(rounds.map(({ catalog, query }) => rateOf(catalog) / rateOf(query))),
    ofUngrouped: rounds.some(({ ungrouped }) => ungrouped)
      ? median(rounds.flatMap(({ catalog, ungrouped }) => (ungrouped ? [rateOf(catalog) / rateOf(ungrouped)] : [])))
      : null,
  }
}

/** The table as text, one line per scenario. */
export function tableOf(figures: readonly Figures[]): string {
  const rows = [
    ['', 'store', 'req/s', 'p50 ms', 'p99 ms', 'of bare', 'of bare + 1 query', 'of one by one'],
    ...figures.map(({ name, store, rate, p50, p99, ofBare, ofQuery, ofUngrouped }) => [
      name,
      store,
      rate.toFixed(0),
      p50.toFixed(1),
      p99.toFixed(1),
      ofBare.toFixed(2),
      ofQuery.toFixed(2),
      ofUngrouped?.toFixed(2) ?? '',
    ]),
  ]
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const pad = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
  return rows.map((row) => row.map(pad).join('  ')).join('\n')
}

function rateOf({ latencies, milliseconds }: LoadResult): number {
  return latencies.length / (milliseconds / 1000)
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

function median(values: readonly number[]): number {
  return quantile(Float64Array.from(values).toSorted(), 0.5)
}
