// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

/// Why a text is no well-formed XML (tags that match, quoted attributes given once, known entities, no stray '<' or
/// control character), or an empty string. Strict enough for what the report writes; no comments or CDATA.
inline std::string xml_problem(std::string_view text) {
  std::size_t at = 0;
  std::vector<std::string> open;
  const auto where = [&](const char* what) { return std::string(what) + " at byte " + std::to_string(at) + ": " + std::string(text.substr(at, 60)); };
  const auto name_end = [&](std::size_t from) {
    while (from < text.size() && (std::strchr("-:_", text[from]) != nullptr ? text[from] != '\0'
                                                                             : (text[from] >= 'a' && text[from] <= 'z') || (text[from] >= 'A' && text[from] <= 'Z') ||
                                                                                   (text[from] >= '0' && text[from] <= '9')))
      ++from;
    return from;
  };
  const auto entity = [&](std::size_t from) {
    for (const char* known : {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"})
      if (text.substr(from, std::strlen(known)) == known) return true;
    return false;
  };
  bool rooted = false;
  if (text.substr(0, 15) == "<!DOCTYPE html>") at = 15;
  while (at < text.size()) {
    const char c = text[at];
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') return where("control character");
    if (c == '&' && !entity(at)) return where("unknown entity");
    if (c == '>') return where("stray >");
    if (c != '<') {
      if (open.empty() && c != '\n') return where("text outside the root");
      // Style sheets are the one place with > and no markup.
      if (!open.empty() && open.back() == "style") {
        const std::size_t end = text.find("</style>", at);
        if (end == std::string_view::npos || text.substr(at, end - at).find_first_of("<&") != std::string_view::npos) return where("style");
        at = end;
        continue;
      }
      ++at;
      continue;
    }
    const bool closing = at + 1 < text.size() && text[at + 1] == '/';
    const std::size_t from = at + (closing ? 2 : 1);
    const std::size_t end = name_end(from);
    if (end == from) return where("stray <");
    const std::string name(text.substr(from, end - from));
    if (closing) {
      if (end >= text.size() || text[end] != '>') return where("closing tag");
      if (open.empty() || open.back() != name) return where("closing tag that does not match");
      open.pop_back();
      at = end + 1;
      continue;
    }
    if (open.empty() && rooted) return where("second root");
    rooted = true;
    std::vector<std::string> seen;
    at = end;
    for (;;) {
      if (at >= text.size()) return "tag without end";
      if (text[at] == ' ') {
        const std::size_t begin = at + 1, stop = name_end(begin);
        if (stop == begin || text.substr(stop, 2) != "=\"") return where("attribute");
        const std::string attribute(text.substr(begin, stop - begin));
        for (const auto& s : seen)
          if (s == attribute) return where("attribute twice");
        seen.push_back(attribute);
        const std::size_t quote = text.find('"', stop + 2);
        if (quote == std::string_view::npos) return where("attribute without end");
        for (std::size_t i = stop + 2; i < quote; ++i)
          if (text[i] == '<' || (text[i] == '&' && !entity(i)) || static_cast<unsigned char>(text[i]) < 0x20) return where("attribute value");
        at = quote + 1;
      } else if (text[at] == '/' && text.substr(at, 2) == "/>") {
        at += 2;
        break;
      } else if (text[at] == '>') {
        open.push_back(name);
        ++at;
        break;
      } else {
        return where("inside a tag");
      }
    }
  }
  return open.empty() ? (rooted ? "" : "nothing") : "never closed: " + open.back();
}
