#!/bin/sh
# Builds the container image from the package and a fresh Debian root, installs the package in that root, runs the README's first commands there, and purges it.
# Usage: debootstrap.sh FOLDER-OF-PROGRAMS
set -eu
bin=$(cd "$1" && pwd)
. "$(dirname "$0")/common.sh"
[ "$(id -u)" = 0 ] && command -v debootstrap >/dev/null || skip "needs root and debootstrap"

"$root/Packaging/deb/build.sh" "$bin" "$work/packages" >/dev/null
# From where this machine gets its own packages.
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(apt-get indextargets --format '$(RELEASE) $(SITE)' | sed -n "s/^$codename //p" | head -1)
timeout 240 debootstrap --variant=minbase "$codename" "$work/root" $mirror >"$work/log" 2>&1 || skip "there is no fresh root: $(tail -1 "$work/log")"
if command -v buildah >/dev/null; then
  "$root/Tests/Integration/container-image.sh" "$work/root" "$work/packages" 2>"$work/log" || fail "there is no container image"
else
  echo "SKIPPED container: there is no buildah"
fi
cp "$work"/packages/ferrule_*.deb "$work/root/tmp/"
# Swift's runtime reads the arguments of a program from /proc.
inside() { unshare -m sh -c 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"' "$work/root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
find "$work/root" -xdev | LC_ALL=C sort >"$work/before"
inside sh -c 'apt-get install -y --no-install-recommends /tmp/ferrule_*.deb' >"$work/log" 2>&1 || { tail -20 "$work/log" >&2; fail "it cannot be installed"; }
inside sh -c 'mkdir -p /srv && ln -s /usr/share/doc/ferrule/examples /srv/Examples'

# The first three blocks of the README that begin with `$ ferrule' or `$ cd Examples'.
python3 - "$root/README.md" "$work" <<'PYTHON'
import re, sys
blocks = re.findall(r"```console\n\$ (.*)\n([\s\S]*?)```", open(sys.argv[1]).read())
for index, (command, output) in enumerate(blocks[:3]):
    open(f"{sys.argv[2]}/command{index}", "w").write(command)
    open(f"{sys.argv[2]}/wanted{index}", "w").write(output)
PYTHON
for index in 0 1 2; do
  inside sh -c "cd /srv && { $(cat "$work/command$index"); }" >"$work/got$index" 2>&1 || true
  diff -u "$work/wanted$index" "$work/got$index" || fail "the README shows something else: $(cat "$work/command$index")"
  echo "debootstrap: as in the README: $(cut -c1-90 "$work/command$index")"
done
rm "$work/root/srv/Examples"
inside sh -c 'apt-get purge -y ferrule && apt-get autoremove -y --purge && apt-get clean' >"$work/log" 2>&1 || fail "it cannot be purged"
left=$(find "$work/root" -xdev -iname '*ferrule*' ! -path '*/tmp/*' ! -path '*/var/log/*')
[ -z "$left" ] || fail "a purge leaves $left"
echo "debootstrap: ok"
