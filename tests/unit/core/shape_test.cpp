// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/core/shape.hpp"

#include <string>
#include <type_traits>

#include "support/catch.hpp"

namespace px = pretext;
using px::dynamic;
using px::extents;
using px::index_t;
using px::shape;

static_assert(px::ceil_div(0, 4) == 0 && px::ceil_div(1, 4) == 1 && px::ceil_div(4, 4) == 1 && px::ceil_div(5, 4) == 2);
static_assert(px::round_up(0, 16) == 0 && px::round_up(1, 16) == 16 && px::round_up(16, 16) == 16 && px::round_up(17, 16) == 32);

static_assert(extents().size() == 1 && extents().rank == 0 && extents().last() == 1);
static_assert(extents(2, 3, 4).size() == 24 && extents(2, 3, 4).last() == 4 && extents(2, 0, 4).size() == 0);
static_assert(extents(3, 4).prepend(2) == extents(2, 3, 4) && extents(2, 3, 4).drop_first() == extents(3, 4));
static_assert(extents().prepend(5) == extents(5) && extents(5).drop_first() == extents());
static_assert(extents(2, 3) != extents(3, 2) && extents(2, 3) != extents(2, 3, 1));
static_assert(extents().folded_size() == 1 && extents(7).folded_size() == 7 && extents(2, 0, 4).folded_size() == 0 && extents(2, 3, 4, 5, 6).folded_size() == 720);
static_assert(std::is_constructible_v<extents, int, int, int, int, int> && !std::is_constructible_v<extents, int, int, int, int, int, int>);

using fixed = shape<3, 4>;
static_assert(fixed::is_static && fixed::rank == 2 && fixed{}[0] == 3 && fixed{}[1] == 4 && fixed{}.size() == 12);
static_assert(static_cast<extents>(fixed{}) == extents(3, 4));
static_assert(fixed::of_batch(2) == extents(2, 3, 4));
static_assert(sizeof(fixed) == 1);  // nothing travels in it
static_assert(px::static_extent<fixed, 0> == 3 && px::static_extent<fixed, -1> == 4);

using open = shape<dynamic, 4, dynamic>;
static_assert(!open::is_static && open(extents(7, 4, 2))[0] == 7 && open(extents(7, 4, 2))[1] == 4 && open(extents(7, 4, 2)).size() == 56);
static_assert(px::static_extent<open, 0> == dynamic && px::static_extent<open, 1> == 4);

static_assert(std::is_same_v<px::image<3, 32, 24>, shape<32, 24, 3>>);  // channels last in memory
static_assert(std::is_same_v<px::sequence<8>, shape<dynamic, 8>> && std::is_same_v<px::features<8>, shape<8>>);
static_assert(px::is_shape<fixed> && px::is_shape<shape<>> && !px::is_shape<int> && !px::is_shape<px::invalid_shape>);
static_assert(shape<>{}.size() == 1 && shape<>::rank == 0 && px::invalid_shape{}.size() == 0);

namespace {
template <class Call>
std::string thrown(Call&& call) {
  try {
    call();
  } catch (const px::error& e) {
    return e.id();
  }
  return "nothing";
}
}  // namespace

TEST_CASE("shape: run-time extents have to agree with the static ones", "[core][shape]") {
  CHECK(thrown([] { fixed(extents(3, 4)); }) == "nothing");
  CHECK(thrown([] { fixed(extents(4, 3)); }) == "shape.100");
  CHECK(thrown([] { fixed(extents(3, 4, 1)); }) == "shape.100");
  CHECK(thrown([] { fixed(extents(12)); }) == "shape.100");
  CHECK(thrown([] { open(extents(1, 4, 1)); }) == "nothing");
  CHECK(thrown([] { open(extents(1, 5, 1)); }) == "shape.100");
  CHECK(thrown([] { (void)open(extents{}); }) == "shape.100");
}

TEST_CASE("shape: dynamic extents travel in the object and are copied with it", "[core][shape]") {
  open a(extents(7, 4, 2));
  const open b = a;
  a = open(extents(1, 4, 1));
  CHECK(b.size() == 56);
  CHECK(a.size() == 4);
  const auto huge = shape<dynamic>(extents(index_t{1} << 40));
  CHECK(huge.size() == index_t{1} << 40);
}
