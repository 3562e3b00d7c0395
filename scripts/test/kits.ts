/**
 * Says that a kit cannot run on this machine. True if it may be left out; false where `REQUIRE_KITS=1` demands all of them.
 * @param kit what is left out, by name
 * @param missing what would be needed
 */
export function leaveOut(kit: string, missing: string): boolean {
  const isRequired = process.env['REQUIRE_KITS'] === '1'
  const text = isRequired ? `FAILED: ${kit} needs ${missing}, and REQUIRE_KITS=1.` : `SKIPPED: ${kit} needs ${missing}.`
  process.stdout.write(`${text}\n`)
  return !isRequired
}
