#!/bin/sh
# Packs a built server as a Debian package and prints its path:
#   build.sh <neopro-central> <folder for the package> [compression of dpkg-deb]
set -eu

program=$1
folder=$2
compression=${3:-xz}
here=$(dirname "$0")
version=$("$program" --version | sed -n 's/^neopro-central \([^ ]*\).*/\1/p')
architecture=$(dpkg --print-architecture)
package=$folder/neopro-central_${version}_$architecture.deb
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

install -d -m 0755 "$root/DEBIAN"
install -D -m 0755 "$program" "$root/usr/bin/neopro-central"
install -D -m 0644 "$here/neopro-central.service" "$root/lib/systemd/system/neopro-central.service"
install -D -m 0644 "$here/central.env" "$root/usr/share/neopro-central/central.env"
install -D -m 0644 "$here/../../THIRD_PARTY.md" "$root/usr/share/doc/neopro-central/THIRD_PARTY.md"
sed -e "s|@VERSION@|$version|" -e "s|@ARCHITECTURE@|$architecture|" "$here/control" > "$root/DEBIAN/control"
for script in postinst prerm postrm; do
    install -m 0755 "$here/$script" "$root/DEBIAN/$script"
done
chmod 0755 "$root" "$root/usr" "$root/lib"
mkdir -p "$folder"
dpkg-deb --root-owner-group -Z"$compression" --build "$root" "$package" >&2
echo "$package"
