// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[objective\.204\]
#include <pretext/objective/derived.hpp>

struct formula {
  constexpr auto value(const auto& in) const {
    using namespace pretext::objective::row;
#ifdef PRETEXT_KO
    return mean(log_sum_exp(in.anchors, pretext::similarity::bilinear{}));
#else
    return mean(log_sum_exp(in.anchors, pretext::similarity::dot{}));
#endif
  }
};
int main() {
  const pretext::objective::derived<formula> objective{};
  (void)objective;
}
