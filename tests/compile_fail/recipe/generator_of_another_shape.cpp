// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[recipe\.123\]
#include <pretext/backend/reference/reference.hpp>
#include <pretext/recipe/gan.hpp>

namespace px = pretext;
struct mine : px::recipe::gan {
#ifdef PRETEXT_KO
  using input = px::features<3>;
#else
  using input = px::features<2>;
#endif
};
int main() {
  px::train::trainer<mine, px::backend::reference> t{};
  return static_cast<int>(t.steps_done());
}
