// SPDX-License-Identifier: BSD-3-Clause
#pragma once

/// Every augmentation and what composes them.
#include "apply_with_probability.hpp"
#include "augmentation.hpp"
#include "chain.hpp"
#include "image/affine.hpp"
#include "image/center_crop.hpp"
#include "image/color_jitter.hpp"
#include "image/cutout.hpp"
#include "image/flip.hpp"
#include "image/gaussian_blur.hpp"
#include "image/gaussian_noise.hpp"
#include "image/grayscale.hpp"
#include "image/normalize.hpp"
#include "image/random_crop.hpp"
#include "image/random_resized_crop.hpp"
#include "image/resize.hpp"
#include "image/rotation.hpp"
#include "image/solarize.hpp"
#include "views.hpp"
