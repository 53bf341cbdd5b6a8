// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#define PRETEXT_VERSION_MAJOR 0
#define PRETEXT_VERSION_MINOR 1
#define PRETEXT_VERSION_PATCH 0
#define PRETEXT_VERSION_STRING "0.1.0"
