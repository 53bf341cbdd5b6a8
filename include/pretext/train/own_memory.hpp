// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <concepts>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "../backend/memory.hpp"
#include "../backend/ops/update.hpp"
#include "../core/image.hpp"
#include "../core/list.hpp"
#include "../core/step_inputs.hpp"

/// What a trainer has besides where its numbers lie in memory that the host cannot touch (backend/memory.hpp). Of other trainers nothing
/// of this is compiled.
namespace pretext::train {

/// Memory of the host of which the back end holds a copy: a data set that is small enough.
struct resident_range {
  const std::byte* here = nullptr;
  std::size_t bytes = 0;
  const std::byte* there = nullptr;
};

/// Puts what a batch points to into one block, which then goes to the back end's memory in one copy. A family's
/// `placed(batch, place)` returns the batch with the addresses it will have there. The order and the sizes of calls give the
/// places, so batches of one size lie where the ones before them lay. Without a block it counts bytes.
/// errors  pretext[memory.101] more than was planned
class batch_placer {
 public:
  batch_placer() = default;
  batch_placer(std::byte* here, std::byte* there, std::size_t capacity, const list<resident_range>& held)
      : here_(here), there_(there), capacity_(capacity), held_(&held) {}

  /// n elements from `from`; null stays null.
  template <class U>
  const U* copy(const U* from, index_t n) {
    static_assert(std::is_trivially_copyable_v<U>);
    if (here_ != nullptr && from == nullptr) return nullptr;
    return reinterpret_cast<const U*>(put(from, static_cast<std::size_t>(n) * sizeof(U)));
  }
  /// The images, their sizes and their numbers. Pixels that the back end holds already are not copied. `largest`: bytes of one image, for
  /// a plan.
  PRETEXT_COLD image_list images(const image_list& in, index_t largest) {
    using view = image_view<const std::uint8_t>;
    const std::size_t views = reserve(static_cast<std::size_t>(in.size) * sizeof(view));
    const std::uint64_t* ids = copy(in.ids, in.size);
    for (index_t i = 0; i < in.size; ++i) {
      if (here_ == nullptr) {
        reserve(static_cast<std::size_t>(largest));
        continue;
      }
      view v = in.images[i];
      const auto* pixels = reinterpret_cast<const std::byte*>(v.data);
      const auto bytes = static_cast<std::size_t>(v.size());
      const std::byte* held = find(pixels, bytes);
      v.data = reinterpret_cast<const std::uint8_t*>(held != nullptr ? held : put(pixels, bytes));
      std::memcpy(here_ + views + static_cast<std::size_t>(i) * sizeof(view), &v, sizeof v);
    }
    return {here_ == nullptr ? nullptr : reinterpret_cast<const view*>(there_ + views), ids, in.size};
  }
  std::size_t used() const { return used_; }

 private:
  std::size_t reserve(std::size_t bytes) {
    const std::size_t at = used_;
    used_ += (bytes + 63) / 64 * 64;
    if (here_ != nullptr && used_ > capacity_)
      throw_error("memory.101", {"this batch points to more than the ", capacity_,
          " bytes that were planned for; plan the trainer for the largest batch and the largest images"});
    return at;
  }
  const std::byte* put(const void* from, std::size_t bytes) {
    const std::size_t at = reserve(bytes);
    if (here_ == nullptr) return nullptr;
    if (bytes > 0) std::memcpy(here_ + at, from, bytes);
    return there_ + at;
  }
  const std::byte* find(const std::byte* p, std::size_t bytes) const {
    for (const resident_range& r : *held_)
      if (p >= r.here && p + bytes <= r.here + r.bytes) return r.there + (p - r.here);
    return nullptr;
  }
  std::byte *here_ = nullptr, *there_ = nullptr;
  std::size_t capacity_ = 0, used_ = 0;
  const list<resident_range>* held_ = nullptr;
};

/// What a step leaves for a report, beside the numbers it reads, so that one copy brings both.
template <class T>
struct step_record {
  step_inputs inputs{};
  T loss{};
  T embedding_std{};
};

/// The rest of a trainer on such a back end. T: master numbers.
template <class B, class Batch, class T>
class own_side {
 public:
  PRETEXT_COLD void make(B& be) {
    backend_ = &be;
    record_ = own_buffer<step_record<T>>(be, 1);
    const step_record<T> zero{};
    record_.upload(&zero);
  }
  step_record<T>* record() const { return record_.data(); }
  PRETEXT_COLD step_record<T> read() const {
    step_record<T> r;
    record_.download(&r);
    return r;
  }

  /// A copy for the host of what lies at an address of the back end; what a visitor writes there counts from put_shown on.
  PRETEXT_COLD T* show(T* there, index_t size) {
    for (const mirror& m : mirrors_)
      if (m.there == there && m.here.size() == size) return m.here.data();
    mirror& m = mirrors_.add();
    m.there = there;
    m.here = buffer<T>(size);
    if (size > 0) backend_->download(m.here.data(), there, m.here.bytes());
    return m.here.data();
  }
  /// The counts of updates, which ops keep.
  PRETEXT_COLD void show_updates(step_inputs& here) {
    if (shows_updates_) return;
    const step_record<T> r = read();
    for (int i = 0; i < max_players; ++i) here.players[i].updates = r.inputs.players[i].updates;
    shows_updates_ = true;
  }
  void put_shown(const step_inputs& here) {
    if (!shows_updates_ && mirrors_.empty()) return;
    put_all(here);
  }

  /// Ranges that an update reads; sent again where somebody changed them.
  PRETEXT_COLD const update_range* ranges(std::size_t player, const list<update_range>& here) {
    sent& s = sent_[player];
    s.there = own_buffer<update_range>(*backend_, static_cast<index_t>(here.size()));
    s.here = list<update_range>(here.size());
    put_ranges(player, here, true);
    return s.there.data();
  }
  void put_ranges(std::size_t player, const list<update_range>& here, bool anyway = false) {
    sent& s = sent_[player];
    bool same = !anyway;
    for (std::size_t i = 0; i < here.size() && same; ++i) same = here[i] == s.here[i];
    if (same) return;
    for (std::size_t i = 0; i < here.size(); ++i) s.here[i] = here[i];
    s.there.upload(here.data());
  }

  /// Room for batches like `largest`.
  template <class Family>
  PRETEXT_COLD void plan(const Family& family, const Batch& largest) {
    block_ = {};
    block_ = own_buffer<std::byte>(*backend_, static_cast<index_t>(batch_bytes(family, largest)));
    recordings_ = {};  // what was recorded works in memory that is gone
  }
  template <class Family>
  static std::size_t batch_bytes(const Family& family, const Batch& largest) {
    batch_placer counting;
    family.placed(largest, counting);
    return counting.used();
  }
  /// The batch as the step reads it. One copy, behind everything that was queued.
  template <class Family>
  Batch place(const Family& family, const Batch& batch) {
    batch_placer place(backend_->stage(block_.bytes()), block_.data(), block_.bytes(), held_);
    const Batch there = family.placed(batch, place);
    backend_->send(block_.data(), place.used());
    return there;
  }
  /// Keeps a copy of memory that batches point into, so that they bring addresses alone. It must stay as it is until let_go.
  PRETEXT_COLD void hold(const void* here, std::size_t bytes) {
    own_buffer<std::byte>& copy = copies_.add();
    copy = own_buffer<std::byte>(*backend_, static_cast<index_t>(bytes));
    copy.upload(static_cast<const std::byte*>(here));
    held_.add() = {static_cast<const std::byte*>(here), bytes, copy.data()};
  }

  PRETEXT_COLD void let_go() {
    held_ = {};
    copies_ = {};
  }

  /// Runs launches() for a batch: the first time as it is, the second time while it is recorded, then from the record. Batches that
  /// differ in what their type holds (addresses, sizes) have records of their own; types without == have none.
  template <class F>
  void run([[maybe_unused]] const Batch& batch, F&& launches) {
    if constexpr (requires { { batch == batch } -> std::convertible_to<bool>; }) {
      if (records_) {
        for (recorded& r : recordings_)
          if (r.batch == batch) {
            if (r.ready) return backend_->replay(r.launches);
            r.launches = backend_->record(launches);
            r.ready = true;
            return;
          }
        launches();
        if (recordings_.size() < most_recordings) recordings_.add().batch = batch;
        return;
      }
    }
    launches();
  }
  void record_steps(bool now) {
    records_ = now;
    if (!now) recordings_ = {};
  }

  std::size_t bytes() const {
    std::size_t n = record_.bytes() + block_.bytes();
    for (const sent& s : sent_) n += s.there.bytes();
    for (const auto& c : copies_) n += c.bytes();
    return n;
  }

 private:
  static constexpr std::size_t most_recordings = 8;
  template <class U>
  using own_buffer = backend::own_buffer<U, B>;
  struct mirror {
    T* there = nullptr;
    buffer<T> here;
  };
  struct sent {
    own_buffer<update_range> there;
    list<update_range> here;
  };
  struct recorded {
    Batch batch{};
    typename B::recording launches{};
    bool ready = false;
  };

  PRETEXT_COLD void put_all(const step_inputs& here) {
    for (const mirror& m : mirrors_)
      if (m.here.size() > 0) backend_->upload(m.there, m.here.data(), m.here.bytes());
    mirrors_ = {};
    if (shows_updates_) {
      step_record<T> r = read();
      for (int i = 0; i < max_players; ++i) r.inputs.players[i].updates = here.players[i].updates;
      record_.upload(&r);
    }
    shows_updates_ = false;
  }

  B* backend_ = nullptr;
  own_buffer<step_record<T>> record_;
  list<mirror> mirrors_;
  bool shows_updates_ = false, records_ = true;
  sent sent_[max_players];
  own_buffer<std::byte> block_;
  list<own_buffer<std::byte>> copies_;
  list<resident_range> held_;
  list<recorded> recordings_;
};

/// Of a trainer whose numbers lie in memory of the host.
struct no_own_side {};

}  // namespace pretext::train
