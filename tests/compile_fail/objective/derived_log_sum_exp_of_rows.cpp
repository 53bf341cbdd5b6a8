// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[objective\.208\]
#include <pretext/objective/derived.hpp>

struct formula {
  constexpr auto value(const auto& in) const {
    using namespace pretext::objective::row;
#ifdef PRETEXT_KO
    return log_mean_exp(in.anchors);
#else
    return log_mean_exp(norm(in.anchors));
#endif
  }
};
int main() {
  const pretext::objective::derived<formula> objective{};
  (void)objective;
}
