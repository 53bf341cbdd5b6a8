// SPDX-License-Identifier: BSD-3-Clause
// opt-in: kernels of the CUDA back end
#pragma once

#include "contrastive_kernel.hpp"

/// Contrastive losses on the tensor cores: rows rounded to bfloat16, sums, exponentials and results in float. The walk is that of
/// contrastive_kernel.hpp; a warp has 16 rows, whose scores never leave its registers: what the product of rows leaves in a lane is
/// what the product with the columns takes from it.
namespace pretext::backend::blocks {

/// An exponential for values that were rounded to 8 bits before.
PRETEXT_DEVICE float near_exp(float x) {
#if defined(__CUDA_ARCH__)
  return __expf(x);
#else
  return scalar_math::exp(x);
#endif
}

/// Rows as pairs of bfloat16, filled up with zeros to whole steps of 16 numbers.
struct rounded_rows {
  const std::uint32_t* pairs;
  index_t count;
  int words;  // of a row

  static constexpr int words_for(index_t width) { return static_cast<int>(round_up(width > 0 ? width : 1, 16) / 2); }
};
struct round_rows_body {
  const float* from;
  std::uint32_t* to;
  index_t width;
  int words;
  PRETEXT_DEVICE void operator()(index_t i, index_t k) const {
    const index_t e = 2 * k;
    const float first = e < width ? from[i * width + e] : 0.0f, second = e + 1 < width ? from[i * width + e + 1] : 0.0f;
    to[i * words + k] = pair_of_bfloat16(first, second);
  }
};
/// Squared lengths of rounded rows: a distance is then that of two points, and zero to itself.
struct rounded_norms_kernel {
  static constexpr int threads = row_threads;
  using shared = nothing;
  struct state {
    float dot;
  };
  rounded_rows of;
  float* norms;
  index_t rows;

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    sum_row(block, rows, of.words, &state::dot, [&](const state&, index_t at, index_t) {
      const float a = float_from_bfloat16(static_cast<std::uint16_t>(of.pairs[at])), b = float_from_bfloat16(static_cast<std::uint16_t>(of.pairs[at] >> 16));
      return a * a + b * b;
    });
    each_row(block, rows, [&](int t, state& own, index_t i) {
      if (t % warp == 0) norms[i] = own.dot;
    });
  }
};
/// Scores of rows with their positives, of numbers that were not rounded: the loss is the difference of two large ones.
template <class Pair>
struct positive_scores_kernel {
  static constexpr int threads = row_threads;
  using shared = nothing;
  struct state {
    float dot, row, column;
  };
  Pair pair;
  const float *in_rows, *in_columns, *inverse_temperature;
  const std::int32_t* positives;
  float* scores;
  index_t rows, columns, width;

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    const auto add = [&](state& own, index_t at, index_t e) {
      const index_t i = at / width, j = positives[i];
      if (j < 0 || j >= columns) return;
      const float a = in_rows[at], b = in_columns[j * width + e];
      own.dot += a * b;
      own.row += a * a;
      own.column += b * b;
    };
    sums_of_row(block, rows, width, add, &state::dot, &state::row, &state::column);
    each_row(block, rows, [&](int t, state& own, index_t i) {
      const index_t j = positives[i];
      if (t % warp != 0 || j < 0 || j >= columns) return;
      scores[i] = pair.template score<scalar_math>(own.dot, own.row, own.column) * *inverse_temperature;
    });
  }
};

/// Products of 128 rows with 32 columns, 128 numbers of them at a time.
struct mma_tile {
  static constexpr index_t wanted_blocks = 256;
  static constexpr int threads = 256, down = 128, across = 32, depth = 128, stride = depth + 8;
  static constexpr int tiles = across / 8, words = depth / 2, packs_a_row = words / 4, own_packs = across * packs_a_row / threads;
  struct operands {
    alignas(16) std::uint16_t rows[down][stride];
    alignas(16) std::uint16_t columns[across][stride];
  };
  struct registers {
    pack<std::uint32_t> next[own_packs];  // the columns that come next
    std::uint32_t a[4], b[2][2];
    float c[tiles][4];
  };

  /// The row of a lane, `half` 0 or 1, within the block; the first of two columns of product n within the tile.
  static PRETEXT_DEVICE int row(int t, int half) { return t / warp * 16 + t % warp / 4 + 8 * half; }
  static PRETEXT_DEVICE int column(int t, int n) { return 8 * n + 2 * (t % 4); }

  /// Pack p of a tile of rows from `first` on and of part `chunk` of their numbers; zeros outside.
  static PRETEXT_DEVICE pack<std::uint32_t> fetch(const rounded_rows& of, int first, int end, int chunk, int p) {
    const int i = first + p / packs_a_row, word = chunk * words + p % packs_a_row * 4;
    if (i < end && word < of.words) return *reinterpret_cast<const pack<std::uint32_t>*>(of.pairs + static_cast<index_t>(i) * of.words + word);
    return {{0, 0, 0, 0}};
  }
  template <int N>
  static PRETEXT_DEVICE void put(std::uint16_t (&to)[N][stride], int p, const pack<std::uint32_t>& v) {
    *reinterpret_cast<pack<std::uint32_t>*>(&to[p / packs_a_row][p % packs_a_row * 8]) = v;
  }
  static PRETEXT_DEVICE void fetch_columns(const rounded_rows& of, int first, int end, int chunk, int t, pack<std::uint32_t> (&to)[own_packs]) {
    PRETEXT_UNROLL
    for (int k = 0; k < own_packs; ++k) to[k] = fetch(of, first, end, chunk, t + k * threads);
  }
  static PRETEXT_DEVICE void copy_rows(const rounded_rows& of, int first, int chunk, int t, operands& s) {
    PRETEXT_NO_UNROLL  // what is on its way takes registers
    for (int p = t; p < down * packs_a_row; p += threads) put(s.rows, p, fetch(of, first, static_cast<int>(of.count), chunk, p));
  }
  static PRETEXT_DEVICE int chunks(int words_of_row) { return (words_of_row + words - 1) / words; }

  /// Walks over the columns [first, last): for each tile own.in.c becomes the products, then tile(j0) is called; it may look at
  /// s.in.columns, which hold part `slice` of the columns' numbers. beside(t, s, j0): what else of the columns becomes shared.
  /// `Ahead`: columns are read a tile before they are needed, into registers.
  template <bool Ahead, class Block, class Beside, class Tile>
  static PRETEXT_DEVICE void walk(Block& block, const rounded_rows& rows, int i0, const rounded_rows& columns, int first, int last,
                                  int slice, const Beside& beside, const Tile& tile) {
    const int parts = chunks(rows.words);
    const int start = slice + 1 == parts ? 0 : slice + 1;  // so that the last part is `slice`
    if constexpr (Ahead) block.alone([&](int t, auto& own) { fetch_columns(columns, first, last, start, t, own.in.next); });
    if (parts == 1) block.each([&](int t, auto&, auto& s) { copy_rows(rows, i0, 0, t, s.in); });
    for (int j0 = first; j0 < last; j0 += across) {
      block.alone([&](int, auto& own) {
        PRETEXT_UNROLL
        for (int n = 0; n < tiles; ++n)
          PRETEXT_UNROLL
          for (int k = 0; k < 4; ++k) own.in.c[n][k] = 0.0f;
      });
      int part = start;
      for (int turn = 0; turn < parts; ++turn) {
        block.each([&](int t, auto& own, auto& s) {
          if constexpr (!Ahead) fetch_columns(columns, j0, last, part, t, own.in.next);
          PRETEXT_UNROLL
          for (int k = 0; k < own_packs; ++k) put(s.in.columns, t + k * threads, own.in.next[k]);
          if (parts > 1) copy_rows(rows, i0, part, t, s.in);
          if (turn == 0) beside(t, s, j0);
        });
        const int now = part;
        part = part + 1 == parts ? 0 : part + 1;
        const bool turns = turn + 1 < parts;
        if constexpr (Ahead)
          if (turns || j0 + across < last)
            block.alone([&](int t, auto& own) { fetch_columns(columns, turns ? j0 : j0 + across, last, part, t, own.in.next); });
        const int left = rows.words - now * words, steps = (left < words ? left : words) / 8;
        for (int k = 0; k < steps; ++k) {
          block.look([&](int t, auto& own, const auto& s) { load_matrices<false>(&s.in.rows[t / warp * 16][16 * k], stride, t % warp, own.in.a); });
          PRETEXT_UNROLL
          for (int n = 0; n < tiles; n += 2) {
            block.look([&](int t, auto& own, const auto& s) {
              std::uint32_t m[4];
              load_matrices<false>(&s.in.columns[8 * n][16 * k], stride, t % warp, m);
              own.in.b[0][0] = m[0], own.in.b[0][1] = m[2], own.in.b[1][0] = m[1], own.in.b[1][1] = m[3];
            });
            block.warp_mma([&](auto& own) { return mma_registers{own.in.a, own.in.b[0], own.in.c[n]}; });
            block.warp_mma([&](auto& own) { return mma_registers{own.in.a, own.in.b[1], own.in.c[n + 1]}; });
          }
        }
        if (turns) block.wait();
      }
      tile(j0);
      block.wait();
    }
  }
};

/// Where in a tile the pair of the block's first row with itself would stand, as a small number; far outside if there is none. The rows
/// below have theirs as many columns further.
PRETEXT_DEVICE int first_self(const op::pair_mask& mask, int i0, int j0) {
  const index_t at = i0 + mask.self_offset - j0;
  return mask.self_offset >= 0 && at > -mma_tile::down && at < mma_tile::across ? static_cast<int>(at) : -mma_tile::down - 1;
}
PRETEXT_DEVICE int columns_of_tile(int j0, int last) { return last - j0 < mma_tile::across ? last - j0 : mma_tile::across; }

template <class Pair>
struct contrastive_mma_forward_kernel {
  using tile = mma_tile;
  static constexpr int threads = tile::threads, min_blocks = 2;
  struct shared {
    tile::operands in;
    float norms[tile::across];
  };
  struct state {
    tile::registers in;
    float largest[2], total[2], top[2], norms[2];
    std::int32_t positives[2];
  };

  pair_scores<Pair, float> of;
  rounded_rows rows, columns;
  pair_grid<tile> grid;
  const std::int32_t* positives;
  float* lse;             // one run of columns: the result
  log_sum<float>* parts;  // else (runs, rows)

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    const auto n = static_cast<std::uint32_t>(block.number);
    const int i0 = static_cast<int>(n / grid.runs) * tile::down, first = static_cast<int>(n % grid.runs * grid.run), last = grid.last(first);
    block.alone([&](int t, state& own) {
      PRETEXT_UNROLL
      for (int half = 0; half < 2; ++half) {
        const int i = i0 + tile::row(t, half);
        own.largest[half] = -infinity<float>;
        own.total[half] = 0.0f;
        own.norms[half] = i < grid.rows ? of.row_norm(i) : 0.0f;
        own.positives[half] = of.mask.drop_positive && i < grid.rows ? positives[i] : -1;
      }
    });
    tile::walk<true>(
        block, rows, i0, columns, first, last, tile::chunks(rows.words) - 1,
        [&](int t, shared& s, int j0) {
          if (t < tile::across) s.norms[t] = j0 + t < last ? of.column_norm(j0 + t) : 0.0f;
        },
        [&](int j0) {
          const int self = first_self(of.mask, i0, j0), limit = columns_of_tile(j0, last);
          const bool plain = limit == tile::across && self < -tile::down && !of.mask.drop_positive;
          block.look([&](int t, state& own, const shared& s) {
            if (plain)
              add<false>(own, s, t, self, limit, j0);
            else
              add<true>(own, s, t, self, limit, j0);
          });
        });
    PRETEXT_UNROLL
    for (int half = 0; half < 2; ++half) {
      block.alone([&](int, state& own) { own.top[half] = own.largest[half]; });
      block.template warp_reduce<4>([&](state& own) -> float& { return own.top[half]; }, greater_of{});
      block.alone([&](int, state& own) {
        if (own.top[half] > -infinity<float>) own.total[half] *= near_exp(own.largest[half] - own.top[half]);
      });
      block.template warp_reduce<4>([&](state& own) -> float& { return own.total[half]; }, plus{});
      block.alone([&](int t, state& own) {
        const int i = i0 + tile::row(t, half);
        if (t % 4 != 0 || i >= grid.rows) return;
        const log_sum<float> all{own.top[half], own.total[half]};
        if (parts == nullptr)
          lse[i] = all.value();
        else
          parts[static_cast<index_t>(n % grid.runs) * grid.rows + i] = all;
      });
    }
  }

 private:
  /// Takes the scores of a tile into the running sums; `Masked`: some of them may not count.
  template <bool Masked>
  PRETEXT_DEVICE void add(state& own, const shared& s_of, int t, int self_of_first, int limit, int j0) const {
    const float it = *of.inverse_temperature;
    PRETEXT_UNROLL
    for (int half = 0; half < 2; ++half) {
      const int self = self_of_first + tile::row(t, half), dropped = own.positives[half] - j0;
      float top = own.largest[half];
      PRETEXT_UNROLL
      for (int n = 0; n < tile::tiles; ++n)
        PRETEXT_UNROLL
        for (int k = 0; k < 2; ++k) {
          const int at = tile::column(t, n) + k;
          float& s = own.in.c[n][2 * half + k];
          if (Masked && (at >= limit || at == self || at == dropped))
            s = -infinity<float>;
          else
            s = of.pair.template score<scalar_math>(s, own.norms[half], s_of.norms[at]) * it;
          top = s > top ? s : top;
        }
      const float shift = top > -infinity<float> ? top : 0.0f;
      float total = own.total[half] * near_exp(own.largest[half] - shift);
      PRETEXT_UNROLL
      for (int n = 0; n < tile::tiles; ++n)
        PRETEXT_UNROLL
        for (int k = 0; k < 2; ++k) total += near_exp(own.in.c[n][2 * half + k] - shift);  // a NaN comes through here
      own.largest[half] = top;
      own.total[half] = total;
    }
  }
};

/// d_i of 128 rows and 128 numbers of each, over a run of columns.
template <class Pair>
struct contrastive_mma_gradient_kernel {
  using tile = mma_tile;
  static constexpr int threads = tile::threads, min_blocks = 2, slice = tile::depth, own_tiles = slice / 8;
  struct shared {
    tile::operands in;
    // Of columns and of rows: registers are short here.
    float lse[tile::across], norms[tile::across], row_lse[tile::down], row_norms[tile::down];
    std::int32_t positives[tile::across], row_positives[tile::down];
  };
  struct state {
    tile::registers in;
    std::uint32_t w[tile::tiles / 2][4];
    float d[own_tiles][4];
    float expected[2], along[2];
  };

  pair_scores<Pair, float> of;
  rounded_rows rows, columns;
  pair_grid<tile> grid;
  std::uint32_t slices;
  const std::int32_t *row_positives, *column_positives;
  const float *row_lse, *column_lse;
  float weight;
  float *d_rows, *expected;
  float *d_parts, *expected_parts;  // (runs, rows, width), (runs, rows) where there are several runs

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    auto n = static_cast<std::uint32_t>(block.number);
    const int own_slice = static_cast<int>(n % slices);
    n /= slices;
    const int run_number = static_cast<int>(n % grid.runs), i0 = static_cast<int>(n / grid.runs) * tile::down;
    const int first = static_cast<int>(run_number * grid.run), last = grid.last(first);
    block.each([&](int t, state&, shared& s) {
      if (t >= tile::down) return;
      const bool exists = i0 + t < grid.rows;
      s.row_lse[t] = row_lse != nullptr && exists ? row_lse[i0 + t] : 0.0f;
      s.row_norms[t] = exists ? of.row_norm(i0 + t) : 0.0f;
      s.row_positives[t] = row_lse != nullptr && exists ? row_positives[i0 + t] : -1;
    });
    block.alone([&](int, state& own) {
      own.expected[0] = own.expected[1] = own.along[0] = own.along[1] = 0.0f;
      PRETEXT_UNROLL
      for (int k = 0; k < own_tiles; ++k)
        PRETEXT_UNROLL
        for (int r = 0; r < 4; ++r) own.d[k][r] = 0.0f;
    });
    tile::walk<false>(
        block, rows, i0, columns, first, last, own_slice,
        [&](int t, shared& s, int j0) {
          if (t >= tile::across) return;
          s.norms[t] = j0 + t < last ? of.column_norm(j0 + t) : 0.0f;
          if (column_lse == nullptr) return;
          s.lse[t] = j0 + t < last ? column_lse[j0 + t] : 0.0f;
          s.positives[t] = j0 + t < last ? column_positives[j0 + t] : -1;
        },
        [&](int j0) {
          const int self = first_self(of.mask, i0, j0), limit = columns_of_tile(j0, last);
          block.look([&](int t, state& own, const shared& s) { weigh(own, s, t, self, limit, i0, j0); });
          const int left = (rows.words - own_slice * tile::words) * 2;  // numbers of the slice
          PRETEXT_UNROLL
          for (int k = 0; k < tile::tiles / 2; ++k)
            PRETEXT_UNROLL
            for (int e = 0; e < own_tiles; e += 2) {
              if (8 * e >= left) continue;
              block.look([&](int t, state& own, const shared& s) {
                std::uint32_t m[4];
                load_matrices<true>(&s.in.columns[16 * k][8 * e], tile::stride, t % warp, m);
                own.in.b[0][0] = m[0], own.in.b[0][1] = m[1], own.in.b[1][0] = m[2], own.in.b[1][1] = m[3];
              });
              block.warp_mma([&](state& own) { return mma_registers{own.w[k], own.in.b[0], own.d[e]}; });
              block.warp_mma([&](state& own) { return mma_registers{own.w[k], own.in.b[1], own.d[e + 1]}; });
            }
        });
    PRETEXT_UNROLL
    for (int half = 0; half < 2; ++half) {
      block.template warp_reduce<4>([&](state& own) -> float& { return own.along[half]; }, plus{});
      block.template warp_reduce<4>([&](state& own) -> float& { return own.expected[half]; }, plus{});
      block.alone([&](int t, state& own) { finish(own, t, half, i0 + tile::row(t, half), own_slice, run_number); });
    }
  }

 private:
  /// The products of a tile become its weights, rounded, in the registers of a left operand.
  PRETEXT_DEVICE void weigh(state& own, const shared& s, int t, int self_of_first, int limit, int i0, int j0) const {
    const float it = *of.inverse_temperature;
    const int first_row = tile::row(t, 0), i = i0 + first_row;
    PRETEXT_UNROLL
    for (int n = 0; n < tile::tiles; ++n)
      PRETEXT_UNROLL
      for (int k = 0; k < 2; ++k) {
        const int at = tile::column(t, n) + k;
        PRETEXT_UNROLL
        for (int half = 0; half < 2; ++half) {
          const int row = first_row + 8 * half;
          float& c = own.in.c[n][2 * half + k];
          c = at >= limit || at == self_of_first + row ? 0.0f : one(own, s, c, it, i + 8 * half, row, at, at == s.row_positives[row] - j0, half);
        }
      }
    PRETEXT_UNROLL
    for (int k = 0; k < tile::tiles / 2; ++k)
      PRETEXT_UNROLL
      for (int r = 0; r < 4; ++r) {
        const float(&c)[4] = own.in.c[2 * k + r / 2];
        own.w[k][r] = pair_of_bfloat16(c[r % 2 * 2], c[r % 2 * 2 + 1]);
      }
  }
  PRETEXT_DEVICE float one(state& own, const shared& all, float product, float it, int i, int row, int at, bool positive, int half) const {
    const float s = of.pair.template score<scalar_math>(product, all.row_norms[row], all.norms[at]) * it;
    float w = 0.0f;
    if (row_lse != nullptr) {
      const float p = positive && of.mask.drop_positive ? 0.0f : near_exp(s - all.row_lse[row]);
      own.expected[half] += p == 0.0f ? 0.0f : p * s;
      w += p - (positive ? 1.0f : 0.0f);
    }
    if (column_lse != nullptr) {
      const bool its = i == all.positives[at];
      w += (its && of.mask.drop_positive ? 0.0f : near_exp(s - all.lse[at])) - (its ? 1.0f : 0.0f);
    }
    if (w == 0.0f) return 0.0f;
    const auto d = of.pair.template derivative<scalar_math>(product, all.row_norms[row], all.norms[at]);
    if constexpr (pair_scores<Pair, float>::looks_at_norms) own.along[half] += 2.0f * w * d.row;
    return w * d.dot;
  }
  PRETEXT_DEVICE void finish(const state& own, int t, int half, index_t i, int own_slice, int run_number) const {
    if (i >= grid.rows) return;
    const int first = tile::column(t, 0), left = static_cast<int>(grid.width - own_slice * slice) - first;
    const index_t begin = i * grid.width + own_slice * slice + first;
    float* const to = d_parts == nullptr ? d_rows + begin : d_parts + run_number * grid.rows * grid.width + begin;
    const float* const row = of.rows + begin;
    const float along = own.along[half], scale = d_parts == nullptr ? weight * *of.inverse_temperature : 1.0f;
    PRETEXT_UNROLL
    for (int n = 0; n < own_tiles; ++n)
      PRETEXT_UNROLL
      for (int k = 0; k < 2; ++k) {
        const int e = 8 * n + k;
        if (e >= left) continue;
        // A row that nothing goes along may hold anything.
        const float d = scale * (own.d[n][2 * half + k] + (along != 0.0f ? along * row[e] : 0.0f));
        to[e] = d_parts == nullptr ? to[e] + d : d;
      }
    if (expected == nullptr || own_slice != 0 || t % 4 != 0) return;
    if (d_parts == nullptr)
      expected[i] = own.expected[half];
    else
      expected_parts[run_number * grid.rows + i] = own.expected[half];
  }
};

}  // namespace pretext::backend::blocks
