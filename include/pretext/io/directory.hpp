// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <dirent.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../config.hpp"

/// The little that is asked of folders. <filesystem> does the same and more, at a quarter of a second for every file that
/// includes it.
namespace pretext::io {

enum class path_kind : std::uint8_t { nothing, file, folder, other };

/// What stands at a path, and its size where that is asked for; links are followed.
PRETEXT_COLD inline path_kind kind_of(const std::string& path, std::int64_t* bytes = nullptr) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return path_kind::nothing;
  if (bytes != nullptr) *bytes = about.st_size;
  return S_ISREG(about.st_mode) ? path_kind::file : S_ISDIR(about.st_mode) ? path_kind::folder : path_kind::other;
}
PRETEXT_COLD inline bool is_link(const std::string& path) {
  struct stat about {};
  return ::lstat(path.c_str(), &about) == 0 && S_ISLNK(about.st_mode);
}

/// The path of `name` in a folder; the empty folder is the one we are in.
PRETEXT_COLD inline std::string path_in(std::string_view folder, std::string_view name) {
  std::string path(folder);
  if (!path.empty() && path.back() != '/') path += '/';
  path += name;
  return path;
}
PRETEXT_COLD inline std::string file_name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }
/// Empty where the path is a name alone.
PRETEXT_COLD inline std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash == 0 ? 1 : slash);
}

/// Adds the names in a folder but for . and .., in no order.
/// errors  returns 0, or -errno of what went wrong
PRETEXT_COLD inline int list_folder(const std::string& folder, std::vector<std::string>& names) {
  DIR* const open = ::opendir(folder.c_str());
  if (open == nullptr) return -errno;
  int failed = 0;
  for (;;) {
    errno = 0;
    const dirent* const entry = ::readdir(open);
    if (entry == nullptr) {
      failed = -errno;
      break;
    }
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..") names.emplace_back() = name;
  }
  ::closedir(open);
  return failed;
}

/// Makes a folder and those above it where they are missing.
/// errors  returns 0, or -errno of what went wrong
PRETEXT_COLD inline int make_folders(const std::string& folder) {
  if (folder.empty()) return -ENOENT;
  std::size_t end = 0;
  do {
    end = folder.find('/', end + 1);
    if (::mkdir(folder.substr(0, end).c_str(), 0777) != 0) {
      const int reason = errno;
      const path_kind there = kind_of(folder.substr(0, end));
      if (there == path_kind::nothing) return -reason;
      if (there != path_kind::folder) return -ENOTDIR;
    }
  } while (end != std::string::npos && end + 1 < folder.size());
  return 0;
}

}  // namespace pretext::io
