#!/bin/sh
# Makes a relocatable archive from programs that are built already: unpacked anywhere, bin/ferrule runs.
# Usage: tarball.sh FOLDER-OF-PROGRAMS OUTPUT-FOLDER
set -eu
bin=$(cd "$1" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022

name="ferrule-$("$bin/ferrule" --version | cut -d' ' -f1)-linux-$(uname -m)"
tree="$work/$name"
# The programs look for each other in their own folder.
install -D -s -t "$tree/bin" "$bin/ferrule" "$bin/ferrule-legacy-multi" "$bin/ferrule-nft-multi" "$bin/ferrule-xtables"
install -D -m 644 -t "$tree/share/man/man1" "$root"/Docs/man/*.1
install -D -m 644 "$root/Grammar/completions/ferrule.bash" "$tree/share/bash-completion/completions/ferrule"
install -D -m 644 "$root/Grammar/completions/_ferrule" "$tree/share/zsh/site-functions/_ferrule"
install -D -m 644 "$root/Grammar/completions/ferrule.fish" "$tree/share/fish/vendor_completions.d/ferrule.fish"
install -D -m 644 -t "$tree/share/doc/ferrule" "$root/README.md" "$root/CHANGELOG.md" "$root/LICENSE" "$root"/Docs/*.md
for file in $(cd "$root" && git ls-files Examples 2>/dev/null || (cd "$root" && find Examples -type f)); do
  install -D -m 644 "$root/$file" "$tree/share/doc/ferrule/$file"
done
# One build of one commit makes the same bytes again.
epoch=$(git -C "$root" log -1 --format=%ct 2>/dev/null || date +%s)
tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$epoch" -cf - "$name" | gzip -9n >"$out/$name.tar.gz"
echo "$out/$name.tar.gz"
