// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[backend\.101\]
#include <pretext/backend/simd/simd.hpp>
#include <pretext/backend/strict.hpp>

#ifdef PRETEXT_KO
using number = long double;
#else
using number = double;
#endif
int main() {
  pretext::backend::strict<pretext::backend::simd<>> be(1);
  pretext::workspace memory;
  number x[2] = {1, 2}, y[2] = {3, 4};
  be.run(pretext::op::add, memory, pretext::tensor_view<const number>{x, 2}, pretext::tensor_view<number>{y, 2});
}
