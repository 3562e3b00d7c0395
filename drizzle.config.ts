import { defineConfig } from 'drizzle-kit'

/** How `npm run db:generate` makes a migration of what changed in the Postgres schema. */
export default defineConfig({ dialect: 'postgresql', schema: './src/store/sql/postgres/schema.ts', out: './drizzle' })
