// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/io/file.hpp"

#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <csignal>

#include "scratch.hpp"
#include "support/catch.hpp"

namespace io = pretext::io;
using io_test::content;
using io_test::has;
using io_test::put;
using io_test::thrown;

namespace {

struct fault {
  int fail_at = -1;  // the number of the call that fails
  int code = 0;
  bool short_writes = false;
  int calls = 0;
  int interrupts = 0;  // every read, write and sync is interrupted this many times first
  int pending = 0;
  std::string failed = {};
};

/// The system's files, of which the n-th call fails.
struct faulty_files : io::posix_files {
  fault* plan = nullptr;

  bool fails(const char* name) const {
    if (plan->calls++ != plan->fail_at) return false;
    plan->failed = name;
    return true;
  }
  bool interrupted() const {
    if (plan->pending++ < plan->interrupts) return true;
    plan->pending = 0;
    return false;
  }
  int open_to_read(const char* p) const { return fails("open") ? -plan->code : posix_files::open_to_read(p); }
  int open_folder(const char* p) const { return fails("open_folder") ? -plan->code : posix_files::open_folder(p); }
  int create(const char* p, int mode) const { return fails("create") ? -plan->code : posix_files::create(p, mode); }
  std::int64_t size(int f) const { return fails("size") ? -plan->code : posix_files::size(f); }
  std::int64_t read(int f, void* to, std::size_t n) const {
    if (plan->interrupts > 0 && interrupted()) return -EINTR;
    return fails("read") ? -plan->code : posix_files::read(f, to, plan->short_writes ? (n + 1) / 2 : n);
  }
  std::int64_t write(int f, const void* from, std::size_t n) const {
    if (plan->interrupts > 0 && interrupted()) return -EINTR;
    return fails("write") ? -plan->code : posix_files::write(f, from, plan->short_writes ? (n + 1) / 2 : n);
  }
  int sync(int f) const {
    if (plan->interrupts > 0 && interrupted()) return -EINTR;
    return fails("sync") ? -plan->code : posix_files::sync(f);
  }
  int close(int f) const {
    const int result = posix_files::close(f);
    return fails("close") ? -plan->code : result;
  }
  int rename(const char* from, const char* to) const {
    return fails("rename") ? -plan->code : posix_files::rename(from, to);
  }
};

faulty_files with(fault& plan) {
  faulty_files files;
  files.plan = &plan;
  return files;
}

}  // namespace

TEST_CASE("file: what was written is read back, for empty, tiny and large content", "[io][file]") {
  io_test::scratch dir;
  for (const std::size_t size : {0u, 1u, 7u, 4095u, 4096u, 4097u, 3000001u}) {
    std::string text(size, 'x');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 % 251);
    io::write_file_atomically(dir / "f", text);
    const auto bytes = io::read_file(dir / "f");
    REQUIRE(bytes.size() == size);
    REQUIRE(io::text_of(bytes) == text);
    REQUIRE(dir.files() == 1);
  }
}

TEST_CASE("file: chunks are joined in order, empty ones too", "[io][file]") {
  io_test::scratch dir;
  const std::array<io::byte_view, 4> chunks{io::bytes_of("ab"), io::byte_view{}, io::bytes_of("c"), io::bytes_of("def")};
  io::write_file_atomically(dir / "f", chunks);
  CHECK(content(dir / "f") == "abcdef");
}

TEST_CASE("file: the limit is inclusive and checked before memory is asked for", "[io][file]") {
  io_test::scratch dir;
  put(dir / "f", "12345");
  CHECK(io::read_file(dir / "f", 5).size() == 5);
  const std::string what = thrown([&] { io::read_file(dir / "f", 4); });
  CHECK(has(what, "pretext[io.103]"));
  CHECK(has(what, "holds 5 bytes, more than the limit of 4"));
  // A sparse file of 8 TiB would not fit into memory.
  put(dir / "sparse", "");
  if (::truncate((dir / "sparse").c_str(), off_t{1} << 43) == 0)
    CHECK(has(thrown([&] { io::read_file(dir / "sparse"); }), "pretext[io.103]"));
}

TEST_CASE("file: a file that reports size 0 is read until it ends", "[io][file]") {
  if (::access("/proc/self/status", R_OK) != 0) {
    WARN("skipped: there is no /proc here");
    return;
  }
  CHECK(io::read_file("/proc/self/status").size() > 100);
  CHECK(has(thrown([&] { io::read_file("/proc/self/status", 10); }), "pretext[io.103]"));
}

TEST_CASE("file: what is no regular file is refused with its name and without waiting", "[io][file]") {
  io_test::scratch dir;
  CHECK(has(thrown([&] { io::read_file(dir / "absent"); }), "absent: cannot be opened (No such file"));
  CHECK(has(thrown([&] { io::read_file(dir / "."); }), "pretext[io.104]"));
  CHECK(has(thrown([&] { io::read_file(""); }), "pretext[io.100]"));
  CHECK(has(thrown([&] { io::read_file(std::string("a\0b", 3)); }), "NUL byte"));
  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  CHECK(has(thrown([&] { io::read_file(dir / "pipe"); }), "pretext[io.104]"));
}

TEST_CASE("file: every failing call of a read is reported and no descriptor is lost", "[io][file][fault]") {
  io_test::scratch dir;
  put(dir / "f", std::string(10000, 'a'));
  const auto open_files = [] {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& e : std::filesystem::directory_iterator("/proc/self/fd")) ++n;
    return n;
  };
  const bool has_proc = ::access("/proc/self/fd", R_OK) == 0;
  const std::size_t before = has_proc ? open_files() : 0;
  int failures = 0;
  for (int n = 0;; ++n) {
    fault plan{.fail_at = n, .code = EIO};
    const std::string what = thrown([&] { io::read_file(dir / "f", 20000, with(plan)); });
    if (plan.calls <= n) break;
    if (plan.failed == "close") continue;  // nothing is lost when closing what was read
    ++failures;
    CHECK(has(what, "Input/output error"));
    CHECK(has(what, "/f: "));
  }
  CHECK(failures == 4);  // open, size, two reads
  if (has_proc) CHECK(open_files() == before);
}

TEST_CASE("file: for every call of a write that fails, old or new content is there whole and nothing else", "[io][file][fault]") {
  for (const int code : {ENOSPC, EIO, EDQUOT}) {
    io_test::scratch dir;
    const std::string path = dir / "model";
    const std::string fresh(5000, 'n');
    const std::array<io::byte_view, 2> chunks{io::bytes_of(fresh), io::bytes_of("end")};
    int failures = 0;
    for (int n = 0;; ++n) {
      put(path, "old");
      fault plan{.fail_at = n, .code = code};
      const std::string what = thrown([&] { io::write_file_atomically(path, chunks, with(plan)); });
      INFO("call " << n << " " << plan.failed << ": " << what);
      REQUIRE(dir.files() == 1);
      if (plan.failed.empty()) {
        REQUIRE(what == "nothing");
        REQUIRE(content(path) == fresh + "end");
        break;
      }
      const std::string now = content(path);
      if (plan.failed == "close" && what == "nothing") {
        // The folder's descriptor, after everything is done.
        CHECK(now == fresh + "end");
        continue;
      }
      ++failures;
      CHECK(has(what, path));
      CHECK(has(what, std::strerror(code)));
      if (has(what, "io.115"))
        CHECK(now == fresh + "end");
      else
        CHECK(now == "old");
    }
    CHECK(failures == 8);  // open_folder, create, write, write, sync, close, rename, sync of the folder
  }
}

TEST_CASE("file: a failed first write leaves no file at all", "[io][file][fault]") {
  io_test::scratch dir;
  for (int n = 0; n < 6; ++n) {
    fault plan{.fail_at = n, .code = ENOSPC};
    CHECK(thrown([&] { io::write_file_atomically(dir / "f", std::string_view("abc"), with(plan)); }) != "nothing");
    CHECK(dir.files() == 0);
  }
}

TEST_CASE("file: short reads, short writes and interrupted calls are continued", "[io][file][fault]") {
  io_test::scratch dir;
  const std::string text(12345, 'q');
  fault plan{.short_writes = true, .interrupts = 2};
  io::write_file_atomically(dir / "f", std::string_view(text), with(plan));
  CHECK(content(dir / "f") == text);
  CHECK(plan.calls > 15);
  CHECK(io::text_of(io::read_file(dir / "f", 99999, with(plan))) == text);
}

TEST_CASE("file: a folder that knows no sync is no error", "[io][file][fault]") {
  io_test::scratch dir;
  fault plan{.fail_at = 6, .code = EINVAL};
  io::write_file_atomically(dir / "f", std::string_view("abc"), with(plan));
  CHECK(plan.failed == "sync");
  CHECK(content(dir / "f") == "abc");
}

TEST_CASE("file: another writer's temporary file is neither used nor removed", "[io][file]") {
  io_test::scratch dir;
  const std::string taken = ".pretext-" + std::to_string(::getpid()) + "-0.tmp";
  put(dir / taken, "theirs");
  io::write_file_atomically(dir / "f", std::string_view("mine"));
  CHECK(content(dir / taken) == "theirs");
  CHECK(content(dir / "f") == "mine");
}

TEST_CASE("file: permissions of the replaced file are not widened", "[io][file]") {
  io_test::scratch dir;
  put(dir / "f", "secret");
  std::filesystem::permissions(dir / "f", std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  io::write_file_atomically(dir / "f", std::string_view("new"));
  CHECK(std::filesystem::status(dir / "f").permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("file: unwritable targets are named and nothing is left behind", "[io][file]") {
  io_test::scratch dir;
  CHECK(has(thrown([&] { io::write_file_atomically(dir / "none/f", std::string_view("a")); }), "pretext[io.111]"));
  std::filesystem::create_directory(dir / "folder");
  CHECK(has(thrown([&] { io::write_file_atomically(dir / "folder", std::string_view("a")); }), "pretext[io.114]"));
  CHECK(thrown([&] { io::write_file_atomically(dir / "folder/", std::string_view("a")); }) != "nothing");
  CHECK(dir.files() == 1);
  CHECK(std::filesystem::is_empty(dir / "folder"));
  const std::string long_name(255, 'n');  // the longest there is: the temporary name must not be longer
  io::write_file_atomically(dir / long_name, std::string_view("a"));
  CHECK(content(dir / long_name) == "a");
}

TEST_CASE("file: a process killed at any moment leaves the old or the new content", "[io][file][kill]") {
  io_test::scratch dir;
  const std::string path = dir / "f";
  const std::string a(200000, 'a'), b(150000, 'b');
  io::write_file_atomically(path, std::string_view(a));
  for (int round = 0; round < 20; ++round) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      for (;;) {
        io::write_file_atomically(path, std::string_view(b));
        io::write_file_atomically(path, std::string_view(a));
      }
    }
    ::usleep(static_cast<useconds_t>(1500 + 613 * round));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));
    const std::string now = content(path);
    REQUIRE((now == a || now == b));
  }
}
