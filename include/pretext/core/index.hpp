// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>

#include "../config.hpp"

namespace pretext {

/// Every size, extent and offset: signed, so that differences and reverse loops are safe.
using index_t = std::ptrdiff_t;

/// An extent that is known only at run time.
inline constexpr index_t dynamic = -1;

/// a / b rounded up; a >= 0, b > 0.
PRETEXT_HOST_DEVICE constexpr index_t ceil_div(index_t a, index_t b) { return (a + b - 1) / b; }

/// a rounded up to a multiple of b; a >= 0, b > 0.
PRETEXT_HOST_DEVICE constexpr index_t round_up(index_t a, index_t b) { return ceil_div(a, b) * b; }

}  // namespace pretext
