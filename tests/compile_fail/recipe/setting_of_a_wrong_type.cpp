// SPDX-License-Identifier: BSD-3-Clause
// expect: convert|conversion|no matching
// The compiler's own sentence names the member: settings are aggregates, and it is at the right line.
#include "compile_fail/small_recipe.hpp"

namespace px = pretext;
#ifdef PRETEXT_KO
pretext::train::trainer<small_recipe, pretext::backend::reference>::settings_type chosen{.batch_size = "256"};
#else
pretext::train::trainer<small_recipe, pretext::backend::reference>::settings_type chosen{.batch_size = 256};
#endif
int main() { return static_cast<int>(chosen.batch_size) - 256; }
