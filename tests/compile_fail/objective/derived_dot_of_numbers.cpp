// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[objective\.203\]
#include <pretext/objective/derived.hpp>

struct formula {
  constexpr auto value(const auto& in) const {
    using namespace pretext::objective::row;
#ifdef PRETEXT_KO
    return mean(dot(norm(in.anchors), in.positives));
#else
    return mean(dot(in.anchors, in.positives));
#endif
  }
};
int main() {
  const pretext::objective::derived<formula> objective{};
  (void)objective;
}
