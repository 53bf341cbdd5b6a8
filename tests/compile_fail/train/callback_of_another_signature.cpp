// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[train\.102\]
// A callback that would silently never be called: the report in front of the trainer.
#include <pretext/data/in_memory.hpp>

#include "compile_fail/small_recipe.hpp"

namespace px = pretext;
struct watch {
#ifdef PRETEXT_KO
  template <class Trainer>
  void on_step(const px::train::step_report&, Trainer& trainer) {
#else
  template <class Trainer>
  void on_step(Trainer& trainer, const px::train::step_report&) {
#endif
    trainer.stop();
  }
};
int main() {
  px::train::trainer<small_recipe, px::backend::reference> trainer({.batch_size = 2});
  trainer.fit(px::data::image_set{}, watch{});
}
