# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
# Sourced by the scripts that set a machine up: pretext_need collects what is missing, pretext_install installs it.
# Nothing is installed, and no rights are asked for, when nothing is missing.

pretext_missing=""   # packages without which the script cannot go on
pretext_wanted=""    # packages whose absence only leaves something out

# pretext_have_header HEADER: can the compiler see it?
pretext_have_header() {
  command -v g++ > /dev/null 2>&1 &&
    printf '#include <%s>\n' "$1" | g++ -std=c++20 -E -x c++ -isystem /usr/include/eigen3 -o /dev/null - 2> /dev/null
}

# pretext_need command NAME PACKAGE | pretext_need header NAME PACKAGE | pretext_need file PATTERN PACKAGE; pretext_want likewise
pretext_need() { pretext_has "$1" "$2" || pretext_missing="$pretext_missing $3"; }
pretext_want() { pretext_has "$1" "$2" || pretext_wanted="$pretext_wanted $3"; }
pretext_has() {
  case $1 in
    command) command -v "$2" > /dev/null 2>&1 ;;
    header) pretext_have_header "$2" ;;
    file)  # a pattern of the shell, so without quotes
      # shellcheck disable=SC2086
      ls $2 > /dev/null 2>&1 ;;
  esac
}

# The library's own needs: for the examples and for the tests.
pretext_need_library() {
  pretext_need command g++ g++
  pretext_need command cmake cmake
  command -v ninja > /dev/null 2>&1 || command -v make > /dev/null 2>&1 || pretext_missing="$pretext_missing ninja-build"
  pretext_need header Eigen/Core libeigen3-dev
  pretext_need header xtensor/xtensor.hpp libxtensor-dev
  pretext_need header xsimd/xsimd.hpp libxsimd-dev
  pretext_want header zlib.h zlib1g-dev
  pretext_want header png.h libpng-dev
  pretext_want header jpeglib.h libjpeg-dev
}

pretext_install_missing() {
  if [ -n "$pretext_missing$pretext_wanted" ]; then
    if ! command -v apt-get > /dev/null 2>&1; then
      if [ -n "$pretext_missing" ]; then
        echo "Install what these Debian packages hold, then run this again:$pretext_missing$pretext_wanted" >&2
        exit 1
      fi
      echo "Going on without what these Debian packages hold:$pretext_wanted" >&2
      return
    fi
    root=""
    if [ "$(id -u)" -ne 0 ]; then
      if command -v sudo > /dev/null 2>&1; then
        root="sudo"
      elif [ -n "$pretext_missing" ]; then
        echo "Run this as root, then again as yourself: apt-get install -y$pretext_missing$pretext_wanted" >&2
        exit 1
      else
        echo "Going on without:$pretext_wanted (as root: apt-get install -y$pretext_wanted)" >&2
        return
      fi
    fi
    echo "Installing:$pretext_missing$pretext_wanted"
    $root apt-get update -qq || echo "apt-get update failed; trying with the package lists that are here" >&2
    if [ -n "$pretext_missing" ]; then
      # shellcheck disable=SC2086
      $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $pretext_missing > /dev/null ||
        { echo "apt-get could not install:$pretext_missing" >&2; exit 1; }
    fi
    for package in $pretext_wanted; do  # one by one: an older release may lack one of them
      $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" > /dev/null ||
        echo "Going on without $package, which apt-get could not install" >&2
    done
  fi
}

pretext_install() {
  pretext_install_missing
  version=$(cmake --version | sed -n 's/^cmake version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
  # shellcheck disable=SC2086
  set -- $version
  if [ "$1" -lt 3 ] || { [ "$1" -eq 3 ] && [ "$2" -lt 25 ]; }; then
    echo "CMake 3.25 or newer is needed and $1.$2 is here: install a newer one (for example: pip install cmake)" >&2
    exit 1
  fi
  # Presets name no generator: Ninja where it is, and an existing build folder keeps its own.
  if command -v ninja > /dev/null 2>&1; then
    CMAKE_GENERATOR=${CMAKE_GENERATOR:-Ninja}
    export CMAKE_GENERATOR
  fi
}

# Parallel jobs: cores, but never more than memory allows at 1.5 GB for a compiler.
pretext_jobs() {
  cores=$(nproc 2> /dev/null || getconf _NPROCESSORS_ONLN 2> /dev/null || echo 1)
  by_memory=$(awk '/MemAvailable/ { print int($2 / 1500000) }' /proc/meminfo 2> /dev/null || echo "$cores")
  [ -n "$by_memory" ] && [ "$by_memory" -lt "$cores" ] && cores=$by_memory
  [ "$cores" -ge 1 ] || cores=1
  echo "$cores"
}
