import { join, relative } from 'node:path'
import { SECRETS_FILE } from './secrets.ts'

/** What an engine or a person needs to use the catalog. */
export interface Access {
  readonly uri: string
  readonly warehouse: string
  readonly token: string
  readonly username: string
  readonly password: string
}

/** The one line of `--json`. */
export function jsonLine({ uri, warehouse, token, username, password }: Access): string {
  return `${JSON.stringify({ uri, warehouse, token, username, password })}\n`
}

/** Characters of a token per line, so that a line of the block stays within 80 columns. */
const TOKEN_LINE_CHARS = 72

/** The welcome on a terminal, with a block for Python that runs as it is pasted. */
export function banner(access: Access, data: string): string {
  const fromHere = relative('.', data)
  const secrets = join(fromHere.startsWith('..') ? data : fromHere, SECRETS_FILE)
  return `
  Pangolin is ready.

  URL        ${access.uri}
  Catalog    ${access.warehouse}
  User       ${access.username} (password in ${secrets})
  Token

${access.token}

  First rows, with Python 3.11 or later:

pip install "pyiceberg[pyarrow]==0.12.0"

  and then, in Python:

${pythonBlock(access)}
  Stop with Ctrl-C; the next npm start finds everything again.

`
}

function pythonBlock({ uri, warehouse, token }: Access): string {
  const pieces = token.match(new RegExp(`.{1,${TOKEN_LINE_CHARS}}`, 'g')) ?? []
  return `import pyarrow as pa
from pyiceberg.catalog import load_catalog

token = (
${pieces.map((piece) => `    "${piece}"\n`).join('')})
catalog = load_catalog(
    "${warehouse}",
    type="rest",
    uri="${uri}",
    warehouse="${warehouse}",
    token=token,
)
catalog.create_namespace_if_not_exists("docs")
rows = pa.table({"id": [1, 2, 3], "name": ["ann", "bob", "eve"]})
table = catalog.create_table_if_not_exists("docs.people", schema=rows.schema)
table.append(rows)
print(table.scan().to_arrow())
`
}
