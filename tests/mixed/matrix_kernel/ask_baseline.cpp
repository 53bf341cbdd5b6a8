// SPDX-License-Identifier: BSD-3-Clause
#include "unit.hpp"

answer ask_baseline();
answer ask_baseline() { return ask(); }
