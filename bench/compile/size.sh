#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# size.sh PROGRAM BYTES: the stripped program is not larger than that.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT INT TERM
strip -o "$dir/stripped" "$1"
size=$(wc -c < "$dir/stripped")
echo "$(basename "$1"), stripped: $size bytes of $2"
[ "$size" -le "$2" ]
