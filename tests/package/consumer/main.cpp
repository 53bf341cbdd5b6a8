// SPDX-License-Identifier: BSD-3-Clause
// Two units that both include everything: a function that is neither inline nor a template would be defined twice.
#include <pretext/pretext.hpp>

#include <cstdio>

// A component's target says that its library is there; without the target nothing may depend on it.
#if defined(WANTS_ZLIB) && PRETEXT_HAS_ZLIB != 1
#error "linked with pretext::zlib and PRETEXT_HAS_ZLIB is not 1"
#endif
#if defined(WANTS_PNG) && PRETEXT_HAS_PNG != 1
#error "linked with pretext::png and PRETEXT_HAS_PNG is not 1"
#endif
#if defined(WANTS_JPEG) && PRETEXT_HAS_JPEG != 1
#error "linked with pretext::jpeg and PRETEXT_HAS_JPEG is not 1"
#endif
#if !defined(ONE_UNIT) && (PRETEXT_HAS_ZLIB || PRETEXT_HAS_PNG || PRETEXT_HAS_JPEG)
#error "linked with pretext::pretext alone and a component is on"
#endif

#ifdef ONE_UNIT
const char* version_seen_by_other_unit() { return PRETEXT_VERSION_STRING; }
#else
const char* version_seen_by_other_unit();
#endif

int main() {
  std::printf("pretext %s, %s\n", PRETEXT_VERSION_STRING, version_seen_by_other_unit());
  try {
    throw pretext::error("package.001", "an error crosses units");
  } catch (const pretext::error& e) {
    return e.id() == "package.001" ? 0 : 1;
  }
}
