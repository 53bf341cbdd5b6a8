// SPDX-License-Identifier: BSD-3-Clause
#include "unit.hpp"

answer ask_avx2();
answer ask_avx2() { return ask(); }
