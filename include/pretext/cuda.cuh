// SPDX-License-Identifier: BSD-3-Clause
#pragma once

/// The second door, for units that nvcc compiles: everything of pretext.hpp, and backend::cuda.
#include "pretext.hpp"

#include "backend/cuda/cuda.cuh"
