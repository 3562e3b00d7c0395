#!/bin/sh
# Runs a TypeScript file with the Node of the lockfile: with-node.sh FILE [ARGUMENT…]
# Installs what the lockfile names first, if it is not there. Starts from sh because the Node that npm runs on may be
# too old for TypeScript. Standard output belongs to FILE alone, and FILE takes over this process: signals reach it.
set -eu
cd "$(dirname "$0")/.."

# Held by the kernel for as long as npm lives, so nothing is stale after a kill -9. Where there is no flock, a link
# names the process that installs, and a link whose process is gone is void.
lock_install() {
  if command -v flock >/dev/null 2>&1; then
    flock 9
    return
  fi
  until ln -s "$$" .wrangler/installer 2>/dev/null; do
    kill -0 "$(readlink .wrangler/installer)" 2>/dev/null || rm -f .wrangler/installer
    sleep 1
  done
}

unlock_install() {
  if [ "$(readlink .wrangler/installer 2>/dev/null)" = "$$" ]; then
    rm -f .wrangler/installer
  fi
}

install_packages() {
  mkdir -p .wrangler
  (
    lock_install
    if node scripts/installed.mjs; then
      exit 0
    fi
    if [ -L node_modules ]; then
      echo 'node_modules is a link to packages that are not those of package-lock.json; remove the link, then run this again.' >&2
      exit 1
    fi
    echo 'Installing the packages that package-lock.json names (once, a few hundred MB) …' >&2
    rm -f node_modules/.package-lock.json
    set -- ci --include=dev --include=optional --loglevel=error --no-audit --no-fund
    if [ -n "${npm_execpath:-}" ] && [ -n "${npm_node_execpath:-}" ]; then
      exec "$npm_node_execpath" "$npm_execpath" "$@"
    fi
    exec npm "$@"
  ) 9>.wrangler/install.lock >&2 </dev/null &
  installer=$!
  trap 'kill -TERM "$installer" 2>/dev/null || :; wait "$installer" || :; unlock_install; exit 0' INT TERM
  status=0
  wait "$installer" || status=$?
  trap - INT TERM
  unlock_install
  if [ "$status" -ne 0 ]; then
    echo 'The packages of package-lock.json could not be installed; the reason is above.' >&2
    exit 1
  fi
}

node scripts/installed.mjs || install_packages

PATH="$PWD/node_modules/.bin:$PATH"
export PATH
node=node_modules/.bin/node
if ! "$node" --version >/dev/null 2>&1; then
  node=node
  if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 12) ? 0 : 1)'; then
    echo "Node 22.12 or later is needed on this platform, and $(node --version) was found: install a newer Node." >&2
    exit 1
  fi
fi
# The flags are what Node 22.12 needs for what later versions do by themselves.
exec "$node" --experimental-strip-types --experimental-sqlite --disable-warning=ExperimentalWarning "$@"
