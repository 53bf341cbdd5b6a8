// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[objective\.209\]
#include <pretext/objective/derived.hpp>

struct formula {
  constexpr auto value(const auto& in) const {
    using namespace pretext::objective::row;
#ifdef PRETEXT_KO
    return sum(diagonal(in.anchors));
#else
    return sum(diagonal(covariance(in.anchors)));
#endif
  }
};
int main() {
  const pretext::objective::derived<formula> objective{};
  (void)objective;
}
