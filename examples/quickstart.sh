#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# From a fresh clone to a trained encoder:  sh examples/quickstart.sh [options of 01_simclr_images]
# Installs what is missing (apt), builds, trains on the embedded data set, and writes encoder.safetensors and report.html
# into the folder `out` of the project. Needs no root when nothing is missing.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tools/install_packages.sh"
pretext_need_library
pretext_install

(cd "$root" && cmake --preset release --log-level=WARNING)
cmake --build "$root/build/release" --target 01_simclr_images --parallel "$(pretext_jobs)"

mkdir -p "$root/out"
exec "$root/build/release/01_simclr_images" --out "$root/out" --report "$root/out/report.html" "$@"
