import type { SqlResult, Statement } from '#store/sql/database'
import { oncePer } from '#store/sql/once-per'

/** A statement in Postgres' words: `$1`, `$2`, … without a gap, each of them text. */
export function postgresStatement({ sql, params }: Statement): { text: string; values: (string | null)[] } {
  const { text, order } = prepared(sql)
  const wanted = order.map((index) => params[index - 1] ?? null)
  return { text, values: wanted.map((value) => (value === null ? null : String(value))) }
}

/** SQL as Postgres takes it, and which of the statement's parameters it wants, in its order. The texts of statements are few. */
const prepared = oncePer((sql: string) => {
  const order = [...new Set(Array.from(sql.matchAll(/\?(\d+)/g), ([, digits]) => Number(digits)))]
  const text = sql.replace(/\?(\d+)/g, (_, digits) => `$${order.indexOf(Number(digits)) + 1}::text`)
  return { text, order }
})

/** For a driver: JSON stays text, and numbers are numbers. */
export const TYPES = { getTypeParser: (type: number) => (text: string) => valueOf(type, text) }

const [BOOL, INT8, INT2, INT4] = [16, 20, 21, 23]

/** A column's value from the text the server sent. JSON stays text. @throws Error for a number that JavaScript cannot hold */
function valueOf(type: number, text: string): string | number {
  if (type === BOOL) return text === 't' ? 1 : 0
  if (type !== INT8 && type !== INT2 && type !== INT4) return text
  const number = Number(text)
  if (!Number.isSafeInteger(number)) throw new Error(`A number of the database is too large: ${text}`)
  return number
}

/** What a driver has answered. What was read it counts, too, but nobody wrote that. */
export function resultsOf<Row>(
  answered: readonly { rows: readonly unknown[]; rowCount: number | null; command: string }[],
): SqlResult<Row>[] {
  return answered.map(({ rows, rowCount, command }) => ({
    rows: rows as Row[],
    changes: command === 'SELECT' ? 0 : (rowCount ?? 0),
  }))
}
