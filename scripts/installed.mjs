/**
 * Exits 0 when `node_modules` holds exactly what `package-lock.json` names, and 1 otherwise. npm writes
 * `node_modules/.package-lock.json` as the last step of an install, so an interrupted one never looks complete.
 * Plain JavaScript: it also runs on the Node that npm itself runs on, which may be too old for TypeScript.
 */
import { readFileSync } from 'node:fs'

process.exitCode = isInstalled() ? 0 : 1

function isInstalled() {
  const wanted = packagesOf('package-lock.json')
  const found = packagesOf('node_modules/.package-lock.json')
  if (wanted === undefined || found === undefined) {
    return false
  }
  const isWanted = Object.keys(found).every((path) => path in wanted)
  return isWanted && Object.entries(wanted).every(([path, entry]) => path === '' || isSame(entry, found[path]))
}

/** An optional package is absent where it is built for another platform. */
function isSame(wanted, found) {
  if (found === undefined) {
    return wanted.optional === true || wanted.devOptional === true
  }
  return wanted.version === found.version && wanted.integrity === found.integrity
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return undefined
  }
}
