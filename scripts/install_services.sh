#!/usr/bin/env bash
# Install the system packages that the slow tests need: SLURM, with munge for its
# messages, and a browser for the dashboard.
# As root, or with sudo. What is there already stays as it is.
set -euo pipefail

packages=(slurm-wlm munge chromium)

missing=()
for package in "${packages[@]}"; do
    dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' \
        || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo env DEBIAN_FRONTEND=noninteractive)
export DEBIAN_FRONTEND=noninteractive
install=("${as_root[@]}" apt-get install --yes --quiet=2 --no-install-recommends "${missing[@]}")
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"${install[@]}" >"$log" 2>&1 && exit 0
# The lists of packages may be missing or old.
{ "${as_root[@]}" apt-get update --quiet=2 && "${install[@]}"; } >"$log" 2>&1 || {
    cat "$log" >&2
    echo "could not install: ${missing[*]}" >&2
    exit 1
}
