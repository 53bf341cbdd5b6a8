// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/data/eigen.hpp"

#include <cstdint>

#include "scratch.hpp"
#include "support/catch.hpp"

namespace data = pretext::data;

TEST_CASE("from_eigen: a row is an image, whatever the storage order", "[data][eigen]") {
  Eigen::Matrix<std::uint8_t, Eigen::Dynamic, Eigen::Dynamic> columns(2, 6);
  for (int r = 0; r < 2; ++r)
    for (int c = 0; c < 6; ++c) columns(r, c) = static_cast<std::uint8_t>(10 * r + c);
  const Eigen::Matrix<std::uint8_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> rows = columns;
  for (const auto& s : {data::from_eigen(columns, 1, 2, 3), data::from_eigen(rows, 1, 2, 3), data::from_eigen(rows.topRows(2), 1, 2, 3)}) {
    CHECK(s.size() == 2);
    CHECK(s.image(1)(0, 1, 2) == 15);
    CHECK(s.image(0)(0, 1, 0) == 3);
  }
  const int labels[] = {1, 0};
  CHECK(data::from_eigen(columns, 1, 2, 3, labels).label(0) == 1);
}

TEST_CASE("from_eigen: rows of another length are refused", "[data][eigen]") {
  const Eigen::Matrix<std::uint8_t, 2, 6> m = Eigen::Matrix<std::uint8_t, 2, 6>::Zero();
  CHECK(data_test::has(data_test::thrown([&] { (void)data::from_eigen(m, 2, 2, 1); }), "data.052"));
  CHECK(data_test::has(data_test::thrown([&] { (void)data::from_eigen(m, 0, 2, 3); }), "data.052"));
}
