// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[objective\.200\]
#include <pretext/objective/derived.hpp>

struct formula {
#ifdef PRETEXT_KO
  constexpr auto loss(const auto& in) const { return pretext::objective::row::mean(in.anchors); }
#else
  constexpr auto value(const auto& in) const { return pretext::objective::row::mean(in.anchors); }
#endif
};
int main() {
  const pretext::objective::derived<formula> objective{};
  (void)objective;
}
