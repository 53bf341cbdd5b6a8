#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# nvcc.sh NVCC PROJECT_ROOT: pretext.hpp in a .cu unit, with no flag but the standard and the include folders, linked
# without zlib or any other optional library.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT INT TERM
cat > "$dir/unit.cu" <<'CU'
#include <pretext/pretext.hpp>
#include <cstdio>
int main() { std::printf("pretext %s\n", PRETEXT_VERSION_STRING); }
CU
"$1" -std=c++20 "-I$2/include" -isystem /usr/include/eigen3 -o "$dir/unit" "$dir/unit.cu" 2> "$dir/log" ||
  { sed -n 1,40p "$dir/log"; exit 1; }
# Warnings of our own headers are ours; those of Eigen and xsimd are not.
if grep -E '/include/pretext/.*warning' "$dir/log"; then exit 1; fi
"$dir/unit"
