// SPDX-License-Identifier: BSD-3-Clause
#define PRETEXT_OPS_ON_BLOCKS
#include "ops_matrix_test.cpp"
