// SPDX-License-Identifier: BSD-3-Clause
// Two units that both include everything: a function that is neither inline nor a template would be defined twice.
#include <pretext/pretext.hpp>

#include <cstdio>

const char* version_seen_by_other_unit();

#ifdef COMPONENT_IS_THERE
static_assert(COMPONENT_IS_THERE == 1, "the component's target says that its library is there");
#endif

int main() {
  std::printf("pretext %s, %s\n", PRETEXT_VERSION_STRING, version_seen_by_other_unit());
  try {
    throw pretext::error("package.001", "an error crosses units");
  } catch (const pretext::error& e) {
    return e.id() == "package.001" ? 0 : 1;
  }
}
