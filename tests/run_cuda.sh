#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Builds and runs the tests of the CUDA back end on a machine with a GPU and CUDA, and no package registry:
#   sh tests/run_cuda.sh --stage FOLDER   before, where there are packages: copies the headers that the library needs
#   sh tests/run_cuda.sh [FOLDER]         there; FOLDER (default: build/cuda_headers) holds what was staged
# For each tests/cuda/*.cu: the laws in float and double, and, where there is a compute-sanitizer, memcheck and racecheck.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)

if [ "${1:-}" = "--stage" ]; then
  to=${2:?"give the folder to copy headers to"}
  mkdir -p "$to"
  for name in eigen3/Eigen xsimd xtensor xtl; do
    for from in /usr/include /usr/local/include; do
      if [ -d "$from/$name" ]; then
        cp -RL "$from/$name" "$to/"
        break
      fi
    done
    [ -d "$to/$(basename "$name")" ] || { echo "no headers of $name in /usr/include or /usr/local/include" >&2; exit 1; }
  done
  echo "Staged below $to: $(ls "$to" | tr '\n' ' ')"
  exit 0
fi

headers=${1:-"$root/build/cuda_headers"}
out=${OUT:-"$root/build/cuda_tests"}
nvcc=$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)
[ -d "$headers/Eigen" ] || { echo "no staged headers in $headers; run: sh tests/run_cuda.sh --stage $headers" >&2; exit 1; }
command -v nvidia-smi > /dev/null || { echo "no nvidia-smi: is there a GPU?" >&2; exit 1; }
arch=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d '. ')
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
"$nvcc" --version | tail -n 2

failed=""
for source in "$root"/tests/cuda/*.cu; do
  name=$(basename "$source" .cu)
  echo "== $name"
  python3 "$root/tests/cuda/compile_and_run.py" "$nvcc" "$source" --out "$out/$name" --root "$root" --system "$headers" --arch "$arch" \
    --define PRETEXT_TEST_DOUBLE=1 || failed="$failed $name"
  sanitizer=$(command -v compute-sanitizer || true)
  if [ -n "$sanitizer" ] && [ -x "$out/$name/program" ]; then
    for tool in memcheck racecheck; do
      "$sanitizer" --tool "$tool" --error-exitcode 1 "$out/$name/program" > "$out/$name/$tool.log" 2>&1 || failed="$failed $name:$tool"
      tail -n 1 "$out/$name/$tool.log"
    done
  fi
done
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
echo "All laws hold on this GPU."
