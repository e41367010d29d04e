#!/bin/sh
# Builds the Debian packages, and installs, uses and purges them in a private mount namespace: /usr, /etc and /var are overlays, so that the
# machine keeps none of it.
# Usage: deb.sh FOLDER-OF-PROGRAMS
set -eu
bin=$(cd "$1" && pwd)
. "$(dirname "$0")/common.sh"
[ "$(id -u)" = 0 ] || skip "needs root, for a mount namespace"
command -v dpkg-deb >/dev/null || skip "needs dpkg"

"$root/Packaging/deb/build.sh" "$bin" "$work/packages"
if command -v lintian >/dev/null; then
  lintian --fail-on error,warning --allow-root "$work/packages"/*.deb
else
  echo "SKIPPED lintian: not installed"
fi

unshare -mn sh "$root/Tests/Integration/deb-installed.sh" "$work/packages"
echo "deb: ok"
