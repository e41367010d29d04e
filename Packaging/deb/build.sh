#!/bin/sh
# Builds the Debian packages `ferrule' and `ferrule-iptables' from programs that are built already.
# Usage: build.sh FOLDER-OF-PROGRAMS OUTPUT-FOLDER
set -eu
bin=$(cd "$1" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022

# 0.1.0~git20261129.1a2b3c4-1, or 0.1.0-1 where there is no repository.
version=$("$bin/ferrule" --version | cut -d' ' -f1)
commit=$(git -C "$root" log -1 --format='%cd.%h' --date=format:%Y%m%d 2>/dev/null || true)
version="$version${commit:+~git$commit}-1"
# One build of one commit makes the same bytes again.
SOURCE_DATE_EPOCH=$(git -C "$root" log -1 --format=%ct 2>/dev/null || date +%s)
export SOURCE_DATE_EPOCH
architecture=$(dpkg --print-architecture)
# Who builds the package, as for other Debian tools; else the author of the commit.
author=$(git -C "$root" log -1 --format='%an <%ae>' 2>/dev/null || echo "Ferrule <root@$(hostname -f)>")
maintainer=${DEBEMAIL:+${DEBFULLNAME:-Ferrule} <$DEBEMAIL>}
maintainer=${maintainer:-$author}

# compressed FROM TO: gzip without name and time.
compressed() { mkdir -p "$(dirname "$2")" && gzip -9nc "$1" >"$2" && chmod 644 "$2"; }

# The libraries that the programs of a package need, as dpkg knows them.
libraries() {
  mkdir -p "$work/shlibs/debian" && : >"$work/shlibs/debian/control"
  (cd "$work/shlibs" && dpkg-shlibdeps -O --ignore-missing-info "$@" 2>/dev/null) | sed -n 's/^shlibs:Depends=//p'
}

# package NAME: the documents that every package has, then the archive.
package() {
  tree="$work/$1"
  documents="$tree/usr/share/doc/$1"
  install -D -m 644 "$here/copyright" "$documents/copyright"
  compressed "$root/CHANGELOG.md" "$documents/changelog.gz"
  printf '%s (%s) unstable; urgency=medium\n\n  * Built from the sources; see changelog.gz.\n\n -- %s  %s\n' \
    "$1" "$version" "$maintainer" "$(date -uRd "@$SOURCE_DATE_EPOCH")" >"$work/changelog"
  compressed "$work/changelog" "$documents/changelog.Debian.gz"
  [ ! -e "$here/$1.lintian-overrides" ] || install -D -m 644 "$here/$1.lintian-overrides" "$tree/usr/share/lintian/overrides/$1"
  mkdir -p "$tree/DEBIAN"
  for script in postinst prerm; do
    [ ! -e "$here/$1.$script" ] || install -m 755 "$here/$1.$script" "$tree/DEBIAN/$script"
  done
  sed -e "s|@VERSION@|$version|; s|@ARCHITECTURE@|$architecture|; s|@MAINTAINER@|$maintainer|" \
    -e "s|@LIBRARIES@|$2|; s|@SIZE@|$(du -sk --apparent-size "$tree/usr" | cut -f1)|" "$here/$1.control" >"$tree/DEBIAN/control"
  (cd "$tree" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum >DEBIAN/md5sums)
  dpkg-deb --root-owner-group --build "$tree" "$out/$1_${version}_$architecture.deb" >/dev/null
  echo "$out/$1_${version}_$architecture.deb"
}

# `ferrule' and the iptables commands look for `ferrule-xtables' in their own folder.
tree="$work/ferrule"
install -D -s -t "$tree/usr/lib/ferrule" "$bin/ferrule" "$bin/ferrule-xtables"
mkdir -p "$tree/usr/bin" && ln -s ../lib/ferrule/ferrule "$tree/usr/bin/ferrule"
for page in "$root"/Docs/man/*.1; do compressed "$page" "$tree/usr/share/man/man1/$(basename "$page").gz"; done
completions="$root/Grammar/completions"
# A completion is read by the shell, not run.
sed '1{/^#!/d}' "$completions/ferrule.bash" >"$work/completion"
install -D -m 644 "$work/completion" "$tree/usr/share/bash-completion/completions/ferrule"
install -D -m 644 "$completions/_ferrule" "$tree/usr/share/zsh/vendor-completions/_ferrule"
install -D -m 644 "$completions/ferrule.fish" "$tree/usr/share/fish/vendor_completions.d/ferrule.fish"
for file in "$root"/Docs/*.md "$root/README.md"; do
  compressed "$file" "$tree/usr/share/doc/ferrule/$(basename "$file").gz"
done
for file in $(cd "$root" && git ls-files Examples 2>/dev/null || (cd "$root" && find Examples -type f)); do
  install -D -m 644 "$root/$file" "$tree/usr/share/doc/ferrule/examples/${file#Examples/}"
done
# Not enabled: which files are the rules is for the administrator to say.
install -D -m 644 -t "$tree/usr/lib/systemd/system" "$root/Packaging/systemd/ferrule-drift.service"
install -D -m 644 "$root/Packaging/systemd/ferrule-drift.default" "$tree/etc/default/ferrule-drift"
mkdir -p "$tree/DEBIAN" && echo /etc/default/ferrule-drift >"$tree/DEBIAN/conffiles"
package ferrule "$(libraries "$tree/usr/lib/ferrule/ferrule" "$tree/usr/lib/ferrule/ferrule-xtables")"

tree="$work/ferrule-iptables"
install -D -s -t "$tree/usr/lib/ferrule" "$bin/ferrule-legacy-multi" "$bin/ferrule-nft-multi"
package ferrule-iptables "$(libraries "$tree/usr/lib/ferrule/ferrule-legacy-multi" "$tree/usr/lib/ferrule/ferrule-nft-multi")"
