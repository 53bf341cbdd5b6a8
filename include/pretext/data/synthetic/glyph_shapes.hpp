// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace pretext::data::synthetic {

/// A corner of a drawn shape; the shape fills about [-90, 90] in both directions, y downwards.
struct glyph_point {
  std::int16_t x;
  std::int16_t y;
  bool pen;  // draw a line to here from the point before
};

/// Ten shapes that stay apart under rotation by up to 45 degrees, mirroring, stretching and thick strokes.
inline constexpr int glyph_classes = 10;
inline constexpr std::array<const char*, glyph_classes> glyph_names{
    "ring", "triangle", "square", "plus", "hourglass", "zigzag", "bars", "tee", "comb", "spiral"};

namespace detail {
inline constexpr glyph_point ring[] = {{80, 0, false},   {69, 40, true},  {40, 69, true},  {0, 80, true},   {-40, 69, true},
                                       {-69, 40, true},  {-80, 0, true},  {-69, -40, true}, {-40, -69, true}, {0, -80, true},
                                       {40, -69, true}, {69, -40, true}, {80, 0, true}};
inline constexpr glyph_point triangle[] = {{0, -88, false}, {84, 62, true}, {-84, 62, true}, {0, -88, true}};
inline constexpr glyph_point square[] = {{-68, -68, false}, {68, -68, true}, {68, 68, true}, {-68, 68, true}, {-68, -68, true}};
inline constexpr glyph_point plus[] = {{-88, 0, false}, {88, 0, true}, {0, -88, false}, {0, 88, true}};
inline constexpr glyph_point hourglass[] = {{-66, -82, false}, {66, -82, true}, {-66, 82, true}, {66, 82, true}, {-66, -82, true}};
inline constexpr glyph_point zigzag[] = {{-90, 48, false}, {-45, -52, true}, {0, 48, true}, {45, -52, true}, {90, 48, true}};
inline constexpr glyph_point bars[] = {{-82, -46, false}, {82, -46, true}, {-82, 46, false}, {82, 46, true}};
inline constexpr glyph_point tee[] = {{-80, -74, false}, {80, -74, true}, {0, -74, false}, {0, 86, true}};
inline constexpr glyph_point comb[] = {{62, -80, false}, {-62, -80, true}, {-62, 80, true}, {62, 80, true}, {-62, 0, false}, {50, 0, true}};
inline constexpr glyph_point spiral[] = {{0, 0, false},   {18, 14, true},  {2, 33, true},   {-28, 22, true}, {-36, -14, true},
                                         {-10, -48, true}, {38, -46, true}, {66, -4, true}, {54, 54, true},  {0, 84, true},
                                         {-60, 68, true}, {-88, 14, true}};
}  // namespace detail

constexpr std::span<const glyph_point> glyph_shape(int label) {
  switch (label) {
    case 0: return detail::ring;
    case 1: return detail::triangle;
    case 2: return detail::square;
    case 3: return detail::plus;
    case 4: return detail::hourglass;
    case 5: return detail::zigzag;
    case 6: return detail::bars;
    case 7: return detail::tee;
    case 8: return detail::comb;
    default: return detail::spiral;
  }
}

}  // namespace pretext::data::synthetic
