#!/bin/sh
# Called by debootstrap.sh: builds the image of Packaging/Containerfile upon a Debian root instead of a downloaded image, and lints in it.
# Usage: container-image.sh DEBIAN-ROOT FOLDER-OF-PACKAGES
set -eu
base=$1 packages=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
# No daemon and no other user's images; chroot needs no privileges that a container has not.
images() { step=$1; shift; buildah --root "$place/storage" --runroot "$place/run" --storage-driver vfs "$step" "$@"; }

container=$(images from scratch)
folder=$(images mount "$container")
cp -a "$base/." "$folder/"
images umount "$container" >/dev/null
images commit -q "$container" debian:bookworm-slim >/dev/null
images rm "$container" >/dev/null

mkdir -p "$place/context/.build/deb"
cp "$packages"/ferrule_*.deb "$place/context/.build/deb/"
images build -q --pull-never --isolation chroot -f "$root/Packaging/Containerfile" -t ferrule "$place/context" >/dev/null
container=$(images from --pull-never ferrule)
# As a user without privileges, in the folder that is mounted there.
printf '*filter\n:INPUT DROP [0:0]\n-A INPUT -s 10.0.0.9/8 -j ACCEPT\nCOMMIT\n' >"$place/rules.v4"
chmod 755 "$place" && chmod 644 "$place/rules.v4"
found=$(images run --isolation chroot -v "$place/rules.v4:/work/rules.v4:ro" "$container" -- ferrule lint rules.v4) && status=0 || status=$?
[ $status = 1 ] && echo "$found" | grep -q 'FE014' || { echo "container: ferrule lint ends with $status: $found" >&2; exit 1; }
images inspect --format '{{.OCIv1.Config.Entrypoint}} {{.OCIv1.Config.User}}' "$container" | grep -q 'ferrule.*nobody' || {
  echo "container: the image has another entry point or user" >&2; exit 1; }
echo "container: an image of $(images images --format '{{.Size}}' ferrule | head -1) lints as nobody"
