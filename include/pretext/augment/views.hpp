// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "augmentation.hpp"
#include "chain.hpp"

namespace pretext::augment {

/// `Count` views of one sample made by one chain. Height and Width are the views' size; 0 means the encoder's input.
template <class Chain, int Count = 1, index_t Height = 0, index_t Width = Height>
struct group {
  static_assert(Count >= 1, "pretext[augment.009] a group has at least one view");
  static_assert(Height >= 0 && Width >= 0, "pretext[augment.010] the size of a view must be positive, or 0 for the encoder's input");
  using chain_type = Chain;
  static constexpr int count = Count;
  static constexpr index_t height = Height;
  static constexpr index_t width = Width;
};

namespace detail {

template <class T>
inline constexpr bool is_chain = false;
template <class... Steps>
inline constexpr bool is_chain<chain<Steps...>> = true;

/// T once per type, in order.
template <class List, class... Ts>
struct unique_types {
  using type = List;
};
template <class... Kept, class T, class... Rest>
struct unique_types<std::variant<Kept...>, T, Rest...> {
  using type = typename std::conditional_t<(std::is_same_v<T, Kept> || ...), unique_types<std::variant<Kept...>, Rest...>,
                                           unique_types<std::variant<Kept..., T>, Rest...>>::type;
};
template <class... Groups>
inline constexpr field_name views_name = [] {
  field_name n;
  n.append("views");
  bool first = true;
  const auto group = [&](int count, index_t height, index_t width) {
    n.append(first ? " " : ", ");
    n.append_number(count);
    first = false;
    if (height == 0 && width == 0) return;
    n.append(" of ");
    n.append_number(height);
    n.append("x");
    n.append_number(width);
  };
  (group(Groups::count, Groups::height, Groups::width), ...);
  return n;
}();
template <class T>
struct only_type {
  using type = T;
};
template <class T>
struct only_type<std::variant<T>> {
  using type = T;
};

}  // namespace detail

/// What a trainer does to a sample: groups of (chain, number of views, size). Views are numbered through all groups.
/// laws    view v of a sample depends on (key, v) alone, so writing one view again or in another order changes nothing
/// errors  those of the chains; pretext[augment.105] no such view
/// repeat  as chain; view v draws from key.with_view(v), so there are at most 256 of them
template <class... Groups>
class views {
  static_assert(sizeof...(Groups) >= 1, "pretext[augment.011] views need at least one group");
  static_assert((detail::is_chain<typename Groups::chain_type> && ...),
                "pretext[augment.012] a group of views takes a chain: group<chain<steps...>, count>");

 public:
  /// The chain's record, or a std::variant where the groups' chains have different ones.
  using record =
      typename detail::only_type<typename detail::unique_types<std::variant<>, typename Groups::chain_type::record...>::type>::type;
  template <int Group>
  using record_of = std::remove_cvref_t<decltype(get<Group>(std::declval<pack<typename Groups::chain_type::record...>&>()))>;

  static constexpr int group_count = static_cast<int>(sizeof...(Groups));
  static constexpr int view_count = (Groups::count + ...);
  static_assert(view_count <= 256, "pretext[augment.013] a sample has at most 256 views");
  /// How many views of what size each group makes, for the structure a checkpoint is held to: "views 2, 4 of 7x7".
  static constexpr std::string_view name = detail::views_name<Groups...>.view();
  pack<typename Groups::chain_type...> chains{};

  constexpr views() = default;
  constexpr explicit(sizeof...(Groups) == 1) views(const typename Groups::chain_type&... c) : chains(detail::make_pack(c...)) {}

  static constexpr int count(int group) {
    const int counts[]{Groups::count...};
    return counts[group];
  }
  /// The number of the first view of a group.
  static constexpr int first_view(int group) {
    int first = 0;
    for (int g = 0; g < group; ++g) first += count(g);
    return first;
  }
  /// 0 where the view has the size of the encoder's input.
  static constexpr index_t height(int group) {
    const index_t heights[]{Groups::height...};
    return heights[group];
  }
  static constexpr index_t width(int group) {
    const index_t widths[]{Groups::width...};
    return widths[group];
  }
  static constexpr image_size size(int group, image_size input) {
    return {height(group) == 0 ? input.height : height(group), width(group) == 0 ? input.width : width(group), input.channels};
  }

  template <int Group>
  constexpr auto& chain_of() {
    return get<Group>(chains);
  }
  template <int Group>
  constexpr const auto& chain_of() const {
    return get<Group>(chains);
  }

  /// One group passes its chain's steps on; several are group_0, group_1, ...
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    if constexpr (group_count == 1)
      std::remove_cvref_t<decltype(self.chains.first)>::fields(self.chains.first, visit);
    else
      visit_groups(self, visit, std::make_index_sequence<sizeof...(Groups)>{});
  }

  constexpr void check() const { check_each(std::make_index_sequence<sizeof...(Groups)>{}); }

  /// Writes view `view` of a group, whose chain is known at compile time.
  template <int Group, class In>
  record_of<Group> write(context& ctx, rng::key key, int view, image_view<const In> source, image_view<float> out) const {
    if (view < 0 || view >= count(Group))
      throw_error("augment.105", {"view ", view, " of group ", Group, " does not exist; the group has ", count(Group), " views"});
    return get<Group>(chains).apply(ctx, key.with_view(static_cast<unsigned>(first_view(Group) + view)), source, out);
  }

  template <class In>
  record write(context& ctx, rng::key key, int group, int view, image_view<const In> source, image_view<float> out) const {
    if (group < 0 || group >= group_count)
      throw_error("augment.105", {"group ", group, " of views does not exist; there are ", group_count});
    return write_from<0, In>(ctx, key, group, view, source, out);
  }

  /// View `number`, counted through all groups, without telling what was decided: for whoever writes many, on any back end.
  PRETEXT_EITHER_SIDE template <class Context, class In>
  PRETEXT_HOST_DEVICE void make(Context& ctx, rng::key key, int number, image_view<const In> source, image_view<float> out) const {
    make_from<0, 0>(ctx, key, number, source, out);
  }

  /// The pixels of a view whose record was kept. With several chains the record must come from that group.
  template <int Group, class In>
  void replay(context& ctx, const record_of<Group>& drawn, image_view<const In> source, image_view<float> out) const {
    get<Group>(chains).apply(ctx, drawn, source, out);
  }

  /// Refuses a source of which some group could not make a view of its size for `input`, before anything runs: a kernel could only stop.
  /// errors  pretext[augment.101..104] as a chain; pretext[augment.110] it needs more scratch than `planned` sources
  void check_source(image_size source, image_size planned, image_size input) const {
    check_group<0>(source, planned, input);
  }

  /// The largest need of any group for sources up to `source` and an encoder input of `input`.
  constexpr index_t scratch_floats(image_size source, image_size input) const {
    return plan<0>(source, input);
  }
  constexpr index_t scratch_floats(index_t max_source_height, index_t max_source_width, index_t channels, index_t height,
                                   index_t width) const {
    return scratch_floats({max_source_height, max_source_width, channels}, {height, width, channels});
  }

 private:
  template <class Self, class Visit, std::size_t... I>
  static constexpr void visit_groups(Self& self, Visit& visit, std::index_sequence<I...>) {
    (visit(group_name<I>.view(), get<I>(self.chains)), ...);
  }

  template <std::size_t I>
  static constexpr detail::field_name group_name = [] {
    detail::field_name n;
    n.append("group_");
    n.append_number(static_cast<index_t>(I));
    return n;
  }();

  template <std::size_t... I>
  constexpr void check_each(std::index_sequence<I...>) const {
    (get<I>(chains).check(), ...);
  }

  template <int Group, class In>
  record write_from(context& ctx, rng::key key, int group, int view, image_view<const In> source, image_view<float> out) const {
    if constexpr (Group + 1 < group_count)
      if (group != Group) return write_from<Group + 1, In>(ctx, key, group, view, source, out);
    return record(write<Group, In>(ctx, key, view, source, out));
  }

  PRETEXT_EITHER_SIDE template <int Group, int First, class Context, class In>
  PRETEXT_HOST_DEVICE void make_from(Context& ctx, rng::key key, int number, image_view<const In> source, image_view<float> out) const {
    if constexpr (Group + 1 < group_count) {
      constexpr int next = First + count(Group);
      if (number >= next) return make_from<Group + 1, next>(ctx, key, number, source, out);
    }
    get<Group>(chains).apply(ctx, key.with_view(static_cast<unsigned>(number)), source, out);
  }

  template <int Group>
  void check_group(image_size source, image_size planned, image_size input) const {
    if constexpr (Group < group_count) {
      using chain_type = std::remove_cvref_t<decltype(get<Group>(chains))>;
      const image_size out = size(Group, input);
      check_images(source, out);
      if constexpr (!chain_type::changes_size) check_same_size(source, out);
      const index_t needed = get<Group>(chains).scratch_floats(source, out), there = get<Group>(chains).scratch_floats(planned, out);
      if (needed > there)
        throw_error("augment.110", {"the scratch memory has ", there, " floats and an image of ", source.height, "x", source.width, " needs ", needed,
            "; plan it with scratch_floats() for the largest source image"});
      check_group<Group + 1>(source, planned, input);
    }
  }

  template <int Group>
  constexpr index_t plan(image_size source, image_size input) const {
    if constexpr (Group >= group_count) {
      return 0;
    } else {
      const index_t own = get<Group>(chains).scratch_floats(source, size(Group, input));
      const index_t later = plan<Group + 1>(source, input);
      return own > later ? own : later;
    }
  }
};

/// Two views of every sample by one chain: SimCLR's, and what a plain chain means to a trainer.
template <class Chain>
using two_views = views<group<Chain, 2>>;

/// Two views by two chains, as BYOL's.
template <class ChainA, class ChainB>
using asymmetric = views<group<ChainA, 1>, group<ChainB, 1>>;

/// Few large and many small views, as SwAV's: the small ones are LocalSize x LocalSize.
template <class GlobalChain, int GlobalCount, class LocalChain, int LocalCount, index_t LocalSize>
using multi_crop = views<group<GlobalChain, GlobalCount>, group<LocalChain, LocalCount, LocalSize, LocalSize>>;

template <class T>
inline constexpr bool is_views = false;
template <class... Groups>
inline constexpr bool is_views<views<Groups...>> = true;

namespace detail {

template <class T>
struct as_views_of {
  using type = two_views<chain<T>>;
};
template <class... Steps>
struct as_views_of<chain<Steps...>> {
  using type = two_views<chain<Steps...>>;
};
template <class... Groups>
struct as_views_of<views<Groups...>> {
  using type = views<Groups...>;
};

}  // namespace detail

/// What a recipe's `views` means: views as they are, a chain or a single step as two views of it.
template <class T>
using as_views = typename detail::as_views_of<T>::type;

}  // namespace pretext::augment
