// SPDX-License-Identifier: BSD-3-Clause
#include <pretext/pretext.hpp>

const char* version_seen_by_other_unit();
const char* version_seen_by_other_unit() { return PRETEXT_VERSION_STRING; }
