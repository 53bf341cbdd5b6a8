// SPDX-License-Identifier: BSD-3-Clause
// opt-in: conformance kits are for tests, not for programs
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Conformance kits: each runs the laws of a policy kind on a policy and says which hold. They need no test framework:
///   const auto r = check::objective(my_objective{});   if (!r.ok()) std::puts(r.text().c_str());
namespace pretext::check {

/// One law and how it went.
struct law {
  std::string name;
  bool passed = false;
  std::string detail;  // numbers of what was found, also where it passed
};

/// What a kit found.
class result {
 public:
  result() = default;
  explicit result(std::string subject) : subject_(std::move(subject)) {}

  void add(std::string_view name, bool passed, std::string detail = {}) {
    laws_.push_back({std::string(name), passed, std::move(detail)});
  }
  void add_all(const result& other) { laws_.insert(laws_.end(), other.laws_.begin(), other.laws_.end()); }

  const std::string& subject() const { return subject_; }
  const std::vector<law>& laws() const { return laws_; }
  /// True when every law holds, and there was one.
  bool ok() const {
    for (const law& l : laws_)
      if (!l.passed) return false;
    return !laws_.empty();
  }
  /// The law of a name; null where the kit did not try it.
  const law* find(std::string_view name) const {
    for (const law& l : laws_)
      if (l.name == name) return &l;
    return nullptr;
  }
  /// True when a law was tried and broken.
  bool broken(std::string_view name) const {
    for (const law& l : laws_)
      if (l.name == name && !l.passed) return true;
    return false;
  }
  /// One line a law, the broken ones marked.
  std::string text() const {
    std::string s = subject_ + (ok() ? ": all laws hold\n" : ": BROKEN\n");
    for (const law& l : laws_) s += (l.passed ? "  holds   " : "  BROKEN  ") + l.name + (l.detail.empty() ? "" : ": " + l.detail) + "\n";
    return s;
  }

 private:
  std::string subject_;
  std::vector<law> laws_;
};

}  // namespace pretext::check
