// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config.hpp"
#include "core/error.hpp"
#include "core/image.hpp"
#include "core/index.hpp"
#include "core/rng.hpp"
#include "core/settings.hpp"
#include "version.hpp"
