// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[dataset\.102\]
#include <pretext/concepts/dataset.hpp>
#include <pretext/data/loader.hpp>
#include "compile_fail/small_recipe.hpp"

namespace px = pretext;
struct dots {
  px::index_t size() const { return 4; }
#ifdef PRETEXT_KO
  void gather(const std::vector<int>&, px::data::image_batch&) const {}
#else
  void gather(std::span<const px::index_t>, px::data::image_batch&) const {}
#endif
};
int main() {
  px::train::trainer<small_recipe, px::backend::reference> trainer({.batch_size = 2});
  trainer.fit(dots{});
}
