// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include "pretext/io/directory.hpp"
#include "scratch.hpp"
#include "support/catch.hpp"

namespace io = pretext::io;
namespace fs = std::filesystem;

TEST_CASE("paths: taken apart and joined as <filesystem> does", "[io][directory]") {
  for (const std::string path : {"a/b.txt", "b.txt", "/b.txt", "/a/b/c", "../x"}) {
    CAPTURE(path);
    CHECK(io::file_name_of(path) == fs::path(path).filename().string());
    CHECK(fs::path(io::folder_of(path)).lexically_normal() == fs::path(path).parent_path().lexically_normal());
  }
  CHECK(io::path_in("a", "b") == "a/b");
  CHECK(io::path_in("a/", "b") == "a/b");
  CHECK(io::path_in("", "b") == "b");
  CHECK(io::path_in("/", "b") == "/b");
}

TEST_CASE("kind_of: files, folders, links and what is not there", "[io][directory]") {
  const io_test::scratch here;
  io_test::put(here / "file", "12345");
  fs::create_directory(here / "folder");
  fs::create_directory_symlink("folder", here / "to_folder");
  fs::create_symlink("nowhere", here / "to_nothing");
  std::int64_t bytes = -1;
  CHECK(io::kind_of(here / "file", &bytes) == io::path_kind::file);
  CHECK(bytes == 5);
  CHECK(io::kind_of(here / "folder") == io::path_kind::folder);
  CHECK(io::kind_of(here / "to_folder") == io::path_kind::folder);
  CHECK(io::kind_of(here / "to_nothing") == io::path_kind::nothing);
  CHECK(io::kind_of(here / "file/below") == io::path_kind::nothing);
  CHECK(io::kind_of("/dev/null") == io::path_kind::other);
  CHECK(io::kind_of("") == io::path_kind::nothing);
  CHECK(io::is_link(here / "to_folder"));
  CHECK(io::is_link(here / "to_nothing"));
  CHECK_FALSE(io::is_link(here / "folder"));
}

TEST_CASE("list_folder: every name once, hidden ones too; a reason where it cannot be read", "[io][directory]") {
  const io_test::scratch here;
  std::vector<std::string> names;
  CHECK(io::list_folder(here / "", names) == 0);
  CHECK(names.empty());
  for (const char* name : {"b", "a", ".hidden"}) io_test::put(here / name, "x");
  fs::create_directory(here / "c");
  CHECK(io::list_folder(here / "", names) == 0);
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{".hidden", "a", "b", "c"});
  CHECK(io::list_folder(here / "none", names) == -ENOENT);
  CHECK(io::list_folder(here / "a", names) == -ENOTDIR);
  CHECK(names.size() == 4);
}

TEST_CASE("make_folders: all that are missing, again without complaint, not through a file", "[io][directory]") {
  const io_test::scratch here;
  CHECK(io::make_folders(here / "a/b//c/") == 0);
  CHECK(io::kind_of(here / "a/b/c") == io::path_kind::folder);
  CHECK(io::make_folders(here / "a/b") == 0);
  CHECK(io::make_folders("/") == 0);
  io_test::put(here / "file", "x");
  CHECK(io::make_folders(here / "file") == -ENOTDIR);
  CHECK(io::make_folders(here / "file/below") == -ENOTDIR);
  CHECK(io::make_folders("") == -ENOENT);
}
