// SPDX-License-Identifier: BSD-3-Clause
#include "unit.hpp"

answer ask_avx512();
answer ask_avx512() { return ask(); }
