// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

#include "../config.hpp"

/// Counter-based random numbers: a draw is a function of what it is for, never of what was drawn before it.
namespace pretext::rng {

/// A few 32-bit words. Not std::array, whose members a CUDA compiler cannot call on the device.
template <int N>
struct words {
  std::uint32_t value[N];
  PRETEXT_HOST_DEVICE constexpr std::uint32_t operator[](std::size_t i) const { return value[i]; }
  PRETEXT_HOST_DEVICE constexpr std::uint32_t& operator[](std::size_t i) { return value[i]; }
  friend constexpr auto operator<=>(const words&, const words&) = default;
};
using counter_type = words<4>;
using key_type = words<2>;

inline constexpr std::uint32_t philox_multiplier0 = 0xD2511F53u, philox_multiplier1 = 0xCD9E8D57u, philox_step0 = 0x9E3779B9u, philox_step1 = 0xBB67AE85u;

/// Philox4x32-10: 128 random bits for one counter and one key.
/// repeat  same bits on every machine, back end and thread count
/// source  Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", doi:10.1145/2063384.2063405
PRETEXT_HOST_DEVICE constexpr counter_type philox4x32(counter_type c, key_type k) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{philox_multiplier0} * c[0];
    const std::uint64_t p1 = std::uint64_t{philox_multiplier1} * c[2];
    c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<std::uint32_t>(p1),
         static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<std::uint32_t>(p0)};
    k[0] += philox_step0;
    k[1] += philox_step1;
  }
  return c;
}

/// What a draw is for. The numbers are frozen: changing one changes every run.
enum class purpose : std::uint8_t {
  initialise = 0,
  shuffle = 1,
  split = 2,
  augment = 16,  // 16..127: one per step of a chain
  dropout = 128,
  noise = 129,
  corrupt = 130,
  synthetic = 131,
  probe = 132,
  generate = 133,
  user = 192,  // 192..255 are never used by the library
};

/// The name of a family of draws.
/// layout (frozen by a golden test): key = seed; counter word 0 = block of four draws, word 1 = low 32 bits of sample,
/// word 2 = epoch (24 bits) then bits 32..39 of sample, word 3 = occurrence (16 bits), view (8), purpose (8).
/// limits  epoch < 2^24, sample < 2^40, view < 256; larger values wrap. Draws for a step use the step as `sample`.
struct key {
  std::uint64_t seed = 0;
  std::uint64_t sample = 0;
  std::uint32_t epoch = 0;
  std::uint16_t occurrence = 0;
  std::uint8_t view = 0;
  std::uint8_t use = 0;

  PRETEXT_HOST_DEVICE constexpr key with_purpose(purpose p, unsigned step = 0) const {
    key k = *this;
    k.use = static_cast<std::uint8_t>(static_cast<unsigned>(p) + step);
    return k;
  }
  PRETEXT_HOST_DEVICE constexpr key with_sample(std::uint64_t s) const {
    key k = *this;
    k.sample = s;
    return k;
  }
  PRETEXT_HOST_DEVICE constexpr key with_view(unsigned v) const {
    key k = *this;
    k.view = static_cast<std::uint8_t>(v);
    return k;
  }
  PRETEXT_HOST_DEVICE constexpr counter_type counter(std::uint32_t number) const {
    return {number, static_cast<std::uint32_t>(sample), (epoch & 0xFFFFFFu) | (static_cast<std::uint32_t>(sample >> 32) << 24),
            static_cast<std::uint32_t>(occurrence) | (static_cast<std::uint32_t>(view) << 16) | (static_cast<std::uint32_t>(use) << 24)};
  }
  PRETEXT_HOST_DEVICE constexpr key_type words_of_seed() const {
    return {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
  }
  PRETEXT_HOST_DEVICE constexpr counter_type block(std::uint32_t number) const { return philox4x32(counter(number), words_of_seed()); }
};

/// The draws of one key in order. Copy it to replay them.
class stream {
 public:
  PRETEXT_HOST_DEVICE constexpr explicit stream(key k) : key_(k) {}

  /// Apart, or every draw in the program would hold the ten rounds.
  PRETEXT_APART PRETEXT_HOST_DEVICE constexpr std::uint32_t bits() {
    if (used_ == 4) {
      block_ = key_.block(next_++);
      used_ = 0;
    }
    const std::uint32_t at = used_++;
#if defined(__CUDA_ARCH__)
    return at < 2 ? (at == 0 ? block_[0] : block_[1]) : (at == 2 ? block_[2] : block_[3]);  // registers have no index
#else
    return block_[at];
#endif
  }
  PRETEXT_HOST_DEVICE constexpr std::uint64_t bits64() {
    const std::uint64_t low = bits();
    return low | (static_cast<std::uint64_t>(bits()) << 32);
  }
  /// In [0, 1): a multiple of 2^-24, exact in float.
  PRETEXT_HOST_DEVICE constexpr float uniform() { return static_cast<float>(bits() >> 8) * 0x1p-24f; }
  /// In [0, 1): a multiple of 2^-53.
  PRETEXT_HOST_DEVICE constexpr double uniform_double() {
    return static_cast<double>(bits64() >> 11) * 0x1p-53;
  }
  /// In [low, high).
  PRETEXT_HOST_DEVICE constexpr double uniform(double low, double high) {
    return low + (high - low) * uniform_double();
  }
  /// An integer in [0, n), n >= 1; the bias is below n / 2^32.
  PRETEXT_HOST_DEVICE constexpr std::uint32_t below(std::uint32_t n) {
    return static_cast<std::uint32_t>((static_cast<std::uint64_t>(bits()) * n) >> 32);
  }
  /// True with probability p, decided on 32 integer bits, so equal everywhere.
  PRETEXT_HOST_DEVICE constexpr bool accept(double p) {
    return static_cast<double>(bits()) < p * 4294967296.0;
  }

 private:
  key key_;
  counter_type block_{};
  std::uint32_t next_ = 0;
  std::uint32_t used_ = 4;
};

}  // namespace pretext::rng
