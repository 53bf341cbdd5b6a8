// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "../augment/plain_view.hpp"
#include "../backend/context.hpp"
#include "../backend/memory.hpp"
#include "../config.hpp"
#include "../core/view_of.hpp"
#include "../data/image_batch.hpp"
#include "../nn/layer.hpp"
#include "../precision/precision.hpp"
#include "player.hpp"

namespace pretext::train {

/// A trained encoder where it lies: inside its trainer, which must outlive it. Maps images to feature rows in evaluation
/// mode, in which a sample's row has the same bits in any batch.
template <class Spec, class Bound, class T, class Backend, class Views, class Rounding = void>
class encoder_view {
 public:
  using layer_type = Bound;
  using value_type = T;
  using master_type = master_t<T>;  // of parameters and buffers
  using backend_type = Backend;
  using views_type = Views;

  encoder_view(const Spec& spec, const Bound& layer, parameter_view<T> params, Backend& be, const Views& views, augment::image_size input)
      : spec_(&spec), layer_(&layer), params_(params), backend_(&be), views_(&views), input_(input) {
    table_builder builder(table_);
    layer.parameters(builder);
  }

  /// D of the feature rows.
  index_t width() const { return static_cast<extents>(layer_->output()).size(); }
  augment::image_size input_size() const { return input_; }
  /// What the recipe calls `encoder`, with its numbers; bound, it is layer().
  const Spec& spec() const { return *spec_; }
  const Bound& layer() const { return *layer_; }
  parameter_view<T> parameters() const { return params_; }
  const parameter_table& table() const { return table_; }
  Backend& backend() const { return *backend_; }
  const Views& views() const { return *views_; }

  /// The features of every image of a set, row by row: (N, D) floats. `chunk` images at a time.
  template <class Dataset>
  std::vector<float> embed(const Dataset& data, index_t chunk = 256) const {
    std::vector<float> rows(static_cast<std::size_t>(data.size() * width()));
    run(data, chunk, run_mode::evaluate, data.size(), [&](index_t first, tensor_view<const T> h) {
      for (index_t i = 0; i < h.size(); ++i) rows[static_cast<std::size_t>(first * width() + i)] = static_cast<float>(h[i]);
    });
    return rows;
  }
  /// Sets the running statistics of norm layers from data without training anything: what an untrained encoder needs to
  /// be an honest baseline.
  template <class Dataset>
  void update_statistics(const Dataset& data, index_t images, index_t chunk = 256) const {
    run(data, chunk, run_mode::train, std::min(images, data.size()), [](index_t, tensor_view<const T>) {});
  }
  /// As update_statistics, until the start is forgotten: 40 batches or more, of which it keeps 0.9^40 = 1.5 % at the usual
  /// momentum, from a smaller set by going through it again. Also what an encoder needs that was trained for fewer steps.
  template <class Dataset>
  void settle_statistics(const Dataset& data) const {
    constexpr index_t chunk = 256, most = 64 * chunk;
    const index_t batches = std::max<index_t>(1, (std::min(most, data.size()) + chunk - 1) / chunk);
    for (index_t done = 0; done < settled_after; done += batches) update_statistics(data, most, chunk);
  }
  static constexpr index_t settled_after = 40;

  /// Named tensors in file order, as PyTorch would name and shape them: (name, shape, values), buffers included.
  template <class Visit>
  void for_each_tensor(Visit&& visit) const {
    const auto walk = [&](const std::vector<parameter_entry>& entries, const master_type* data) {
      for (const parameter_entry& e : entries) {
        std::vector<master_type> values(static_cast<std::size_t>(e.size));
        if constexpr (backend::has_own_memory<Backend>) {
          const buffer<master_type> here(e.size);
          if (e.size > 0) backend_->download(here.data(), data + e.offset, here.bytes());
          to_file_order(e, static_cast<const master_type*>(here.data()), values.data());
        } else {
          to_file_order(e, data + e.offset, values.data());
        }
        visit(e, values);
      }
    };
    walk(table_.parameters, params_.weights);
    walk(table_.buffers, params_.buffers);
  }
  /// Where a loader puts values in file order.
  void assign(const parameter_entry& e, const std::vector<master_type>& values, bool is_buffer) const {
    master_type* const place = (is_buffer ? params_.buffers : const_cast<master_type*>(params_.weights)) + e.offset;
    if constexpr (backend::has_own_memory<Backend>) {
      const buffer<master_type> here(e.size);
      from_file_order(e, values.data(), here.data());
      if (e.size > 0) backend_->upload(place, here.data(), here.bytes());
    } else {
      from_file_order(e, values.data(), place);
    }
  }

 private:
  struct plain_writer {
    augment::plain_view<Views> plain;
    const data::image_batch* batch;
    tensor_view<T> out;
    index_t scratch_floats;
    void operator()(index_t i, tensor_view<float> scratch) const {
      augment::context memory{{scratch.data, static_cast<std::size_t>(scratch.size())}};
      const index_t pixels = out.size() / out.extent(0);
      const image_view<float> made{memory.take(pixels), out.extent(1), out.extent(2), out.extent(3)};
      plain.write(memory, batch->images[static_cast<std::size_t>(i)], made);
      for (index_t k = 0; k < pixels; ++k) out.data[i * pixels + k] = static_cast<T>(made.data[k]);
    }
  };

  template <class Dataset, class Use>
  void run(const Dataset& data, index_t chunk, run_mode mode, index_t images, Use&& use) const {
    data::image_batch batch;
    std::vector<index_t> ids;
    backend::buffer_of<std::byte, Backend> block;
    for (index_t first = 0; first < images; first += chunk) {
      const index_t n = std::min(chunk, images - first);
      if (ids.size() != static_cast<std::size_t>(n)) ids = std::vector<index_t>(static_cast<std::size_t>(n));
      for (index_t i = 0; i < n; ++i) ids[static_cast<std::size_t>(i)] = first + i;
      data.gather(view_of(ids), batch);
      augment::image_size source = input_;
      for (const auto& image : batch.images) {
        source.height = std::max(source.height, image.height);
        source.width = std::max(source.width, image.width);
      }
      const auto each = [&](tensor_view<const T> h) { use(first, h); };
      workspace plan;
      pass(plan, batch, source, mode, each);
      if (static_cast<std::size_t>(block.size()) < plan.peak()) block = backend::make_buffer<std::byte>(*backend_, static_cast<index_t>(plan.peak()));
      workspace memory(block.data(), block.bytes());
      pass(memory, batch, source, mode, each);
    }
  }
  template <class Use>
  void pass(workspace& memory, const data::image_batch& batch, augment::image_size source, run_mode mode, Use&& use) const {
    comm::null alone;
    context<Backend, T, comm::null, Rounding> ctx{backend_, &memory, &alone};
    ctx.mode = mode;
    ctx.keep = false;
    const activations<T> x(ctx.take(extents(batch.size(), input_.height, input_.width, input_.channels)));
    const activations<T> h(ctx.take(nn::output_extents(*layer_, x.shape)));
    const augment::plain_view<Views> plain{views_};
    plain_writer writer{plain, &batch, x, plain.scratch_floats(source, input_) + input_.size()};
    if constexpr (backend::has_own_memory<Backend>) {
      if (!memory.planning()) write_there(writer, x, batch.size());
    } else {
      ctx(op::for_each_sample, writer, batch.size());
    }
    typename Bound::template cache<T> kept{};
    const bool planned = memory.planning();
    layer_->forward(ctx, planned ? parameter_view<T>{} : params_, activations<const T>(x), h, kept);
    if constexpr (backend::has_own_memory<Backend>) {
      if (planned) return;
      const buffer<T> here(h.size());
      if (h.size() > 0) backend_->download(here.data(), h.data, here.bytes());
      use(tensor_view<const T>{here.data(), h.shape});
    } else {
      if (!planned) use(h);
    }
  }
  /// The host writes the pictures where a back end has memory of its own: nothing random and little work, of images that lie here.
  PRETEXT_COLD void write_there(plain_writer& writer, const tensor_view<T>& x, index_t samples) const {
    const buffer<T> here(x.size());
    const buffer<float> scratch(writer.scratch_floats);
    writer.out.data = here.data();
    for (index_t i = 0; i < samples; ++i) writer(i, scratch.view());
    if (x.size() > 0) backend_->upload(x.data, here.data(), here.bytes());
  }

  const Spec* spec_;
  const Bound* layer_;
  parameter_view<T> params_;
  Backend* backend_;
  const Views* views_;
  augment::image_size input_;
  parameter_table table_;
};

/// A trainer's encoder, for evaluation and files.
template <class Trainer>
PRETEXT_COLD auto encoder_of(const Trainer& t) {
  const auto& family = t.family();
  using bound = typename std::remove_cvref_t<decltype(family.encoder())>::layer_type;
  using spec = std::remove_cvref_t<decltype(family.chosen().encoder)>;
  return encoder_view<spec, bound, typename Trainer::value_type, typename Trainer::backend_type,
                      std::remove_cvref_t<decltype(family.chosen().views)>, precision::rounding_of<typename Trainer::precision_type>>(
      family.chosen().encoder, family.encoder().layer, t.parameters(family.encoder()), t.backend(), family.chosen().views, family.input_size());
}

}  // namespace pretext::train
