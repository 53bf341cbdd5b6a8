// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <concepts>
#include <type_traits>

#include "../backend/context.hpp"
#include "../backend/count.hpp"

/// What every policy kind's requirements share: the context they are asked with, and the words for a small const value.
namespace pretext::concepts {

/// A context nobody computes in: requirements ask whether a call is well formed, never for its result.
using archetype_context = context<backend::count<>, float>;

/// Policies are held by value, made without arguments and copied into settings.
template <class P>
concept SmallValue = std::copyable<P> && std::default_initializable<P>;

/// `static constexpr const char* name`: what reports and checkpoints call the policy.
template <class P>
concept Named = requires { std::string_view(P::name); };

/// What a policy's `parameters` is shown: it declares, the visitor keeps.
struct archetype_visitor {
  constexpr void parameter(const parameter_declaration&) {}
  constexpr void buffer(const parameter_declaration&) {}
  template <class Bound>
  constexpr void child(std::string_view, const Bound&) {}
};

}  // namespace pretext::concepts
