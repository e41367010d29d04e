#!/bin/sh
# Builds the Debian packages, and installs, uses and purges them in a private mount namespace: /usr, /etc and /var are overlays, so that the
# machine keeps none of it.
# Usage: deb.sh FOLDER-OF-PROGRAMS
set -eu
bin=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
[ "$(id -u)" = 0 ] || { echo "SKIPPED deb: needs root, for a mount namespace"; exit 0; }
command -v dpkg-deb >/dev/null || { echo "SKIPPED deb: needs dpkg"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$root/Packaging/deb/build.sh" "$bin" "$work/packages"
if command -v lintian >/dev/null; then
  lintian --fail-on error,warning --allow-root "$work/packages"/*.deb
else
  echo "SKIPPED lintian: not installed"
fi

unshare -mn sh "$here/deb-installed.sh" "$work/packages"
echo "deb: ok"
