#!/bin/sh
# Called by deb.sh in mount and network namespaces of its own.
# Usage: deb-installed.sh FOLDER-OF-PACKAGES
set -eu
packages=$1
layers=$(mktemp -d)
mount -t tmpfs none "$layers"
cp "$packages"/*.deb "$layers"
for folder in usr etc var; do
  mkdir -p "$layers/$folder/upper" "$layers/$folder/work"
  mount -t overlay -o "lowerdir=/$folder,upperdir=$layers/$folder/upper,workdir=$layers/$folder/work" none "/$folder"
done
export DEBIAN_FRONTEND=noninteractive
fail() { echo "deb: $*" >&2; exit 1; }

dpkg -i "$layers"/*.deb >"$layers/log" 2>&1 || { cat "$layers/log" >&2; fail "the packages cannot be installed"; }
examples=/usr/share/doc/ferrule/examples
ferrule --version >/dev/null
ferrule lint $examples/web-server/ruleset.* >/dev/null || fail "an example has findings"
ferrule test $examples/web-server/scenario.yaml >/dev/null || fail "an example's tests fail"
man -l /usr/share/man/man1/ferrule.1.gz >/dev/null 2>&1 || ! command -v man >/dev/null || fail "the manual page cannot be read"

[ -e /usr/lib/systemd/system/ferrule-drift.service ] || fail "the unit is missing"
! find /etc/systemd -name 'ferrule*' | grep -q . || fail "the installation enabled the unit"
! command -v systemd-analyze >/dev/null || systemd-analyze verify /usr/lib/systemd/system/ferrule-drift.service 2>"$layers/log" ||
  { cat "$layers/log" >&2; fail "systemd does not accept the unit"; }

# The installation changed nothing by itself; as the chosen alternative the commands are Ferrule's.
readlink -f /usr/sbin/iptables | grep -q ferrule && fail "the installation replaced iptables"
for variant in nft legacy; do
  for command in iptables ip6tables; do
    update-alternatives --set $command /usr/lib/ferrule/ferrule-$variant-multi >/dev/null
    $command -A INPUT -p tcp --dport 22 -j ACCEPT
    $command-save | grep -q -- '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT' || fail "$command-save ($variant) does not print the rule"
    $command-save | $command-restore
  done
done

# An upgrade keeps the choice, a removal gives it back, and a purge leaves no file.
dpkg -i "$layers"/*.deb >"$layers/log" 2>&1 || fail "the packages cannot be upgraded"
readlink -f /usr/sbin/iptables | grep -q ferrule || fail "an upgrade lost the chosen alternative"
dpkg --purge ferrule-iptables ferrule >"$layers/log" 2>&1 || { cat "$layers/log" >&2; fail "the packages cannot be purged"; }
readlink -f /usr/sbin/iptables | grep -q ferrule && fail "iptables is still Ferrule's"
left=$(find /usr /etc /var -xdev -path '*ferrule*' -newer "$layers/log" ! -path '/var/log/*' 2>/dev/null; ls -d /usr/lib/ferrule /usr/share/doc/ferrule* /usr/bin/ferrule 2>/dev/null) || true
[ -z "$left" ] || fail "a purge leaves $left"
