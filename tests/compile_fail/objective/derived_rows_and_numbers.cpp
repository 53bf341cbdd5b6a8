// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[objective\.202\]
#include <pretext/objective/derived.hpp>

struct formula {
  constexpr auto value(const auto& in) const {
    using namespace pretext::objective::row;
#ifdef PRETEXT_KO
    return mean(in.anchors - norm(in.positives));
#else
    return mean(norm(in.anchors) - norm(in.positives));
#endif
  }
};
int main() {
  const pretext::objective::derived<formula> objective{};
  (void)objective;
}
