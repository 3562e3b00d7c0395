import pg from 'pg'

/** Runs one statement on the database at `DATABASE_URL` for a test; it and the rows are JSON, on stdin and stdout. */
const [text, values] = JSON.parse(Buffer.concat(await process.stdin.toArray()).toString('utf8')) as [string, unknown[]]
const client = new pg.Client({ connectionString: process.env['DATABASE_URL'] })
await client.connect()
const { rows } = await client.query({ text, values, rowMode: 'array' })
await client.end()
process.stdout.write(JSON.stringify(rows))
