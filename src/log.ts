const LEVELS = ['debug', 'info', 'warn', 'error', 'none'] as const

export type LogLevel = (typeof LEVELS)[number]

/** @throws Error for a level that does not exist */
export function logLevel(text: string | undefined): LogLevel {
  const level = LEVELS.find((name) => name === (text ?? 'info'))
  if (!level) throw new Error(`LOG_LEVEL must be one of ${LEVELS.join(', ')}, not '${text}'`)
  return level
}

/** Writes one JSON line, unless the level is below what was asked for. Callers never pass a secret. */
export function logLine(
  minimum: LogLevel,
  level: Exclude<LogLevel, 'none'>,
  fields: Readonly<Record<string, unknown>>,
): void {
  if (LEVELS.indexOf(level) < LEVELS.indexOf(minimum)) return
  console.log(JSON.stringify({ level, ...fields }))
}

/** An error with its causes, for the log: messages, codes and stacks, never what a caller gets to see. */
export function errorFields(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: withoutSecrets(String(error)) }
  return {
    error: withoutSecrets(error.message),
    ...('code' in error && isPlain(error.code) ? { code: error.code } : {}),
    stack: withoutSecrets(error.stack ?? ''),
    ...(error.cause === undefined
      ? {}
      : { cause: error.cause instanceof Error ? errorFields(error.cause) : describe(error.cause) }),
  }
}

function isPlain(code: unknown): code is string | number {
  return typeof code === 'string' || typeof code === 'number'
}

function describe(cause: unknown): unknown {
  if (typeof cause !== 'object' || cause === null) return withoutSecrets(String(cause))
  return Object.fromEntries(
    Object.entries(cause).map(([key, value]) => [
      key,
      value instanceof Error ? errorFields(value) : withoutSecrets(String(value)),
    ]),
  )
}

/** Drivers quote the connection string in some of their messages, with the user and the password. */
function withoutSecrets(text: string): string {
  return text.replace(/:\/\/\S*@/g, '://…@')
}
