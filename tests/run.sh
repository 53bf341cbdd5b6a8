#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Sets the machine up, builds and runs the tests:  sh tests/run.sh [--full] [ctest options, such as -R unit/core]
# Without --full: the label core, what every change must pass. Needs no root when nothing is missing.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tools/install_packages.sh"

full=no
if [ "${1:-}" = "--full" ]; then
  full=yes
  shift
fi

pretext_need_library
pretext_need command python3 python3
if ! pretext_have_header catch2/catch.hpp && ! pretext_have_header catch2/catch_test_macros.hpp; then
  pretext_missing="$pretext_missing catch2"
fi
pretext_want command ninja ninja-build
pretext_want command objcopy binutils
pretext_want command valgrind valgrind
pretext_want command clang++-19 clang-19
if [ "$full" = yes ]; then  # the fuzzer of clang, which only the searches for new inputs need
  pretext_want file '/usr/lib/llvm-19/lib/clang/19/lib/*/libclang_rt.fuzzer*' libclang-rt-19-dev
fi
pretext_install

jobs=$(pretext_jobs)
begin=$(date +%s)
cd "$root"
cmake --preset ci
# Build everything that builds: a file that does not compile should not hide what the others' tests say.
built=yes
if [ "${CMAKE_GENERATOR:-}" = Ninja ] && [ -f build/ci/build.ninja ]; then
  cmake --build --preset ci --parallel "$jobs" -- -k 0 || built=no
else
  cmake --build --preset ci --parallel "$jobs" -- -k || built=no
fi
middle=$(date +%s)
echo "Built in $((middle - begin)) s with $jobs jobs."

echo
if [ "$full" = no ]; then
  echo "Left out here (label full; sh tests/run.sh --full runs them):"
  ctest --test-dir build/ci -N -L '^full$' | sed -n 's/^ *Test *#[0-9]*: /  /p'
  echo
  set -- -L '^core$' "$@"
fi
status=0
ctest --test-dir build/ci --output-on-failure --parallel "$jobs" "$@" || status=$?
if [ "$built" = no ]; then
  echo "The build failed for some targets; see the first error above." >&2
  status=1
fi
exit "$status"
