// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../core/error.hpp"
#include "../core/view_of.hpp"

namespace pretext::io {

using byte_view = std::span<const std::byte>;

/// The bytes of a text; valid as long as the text is.
inline byte_view bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
/// The text of some bytes; valid as long as the bytes are.
inline std::string_view text_of(byte_view bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// What is asked of an operating system's files. A policy, so that a test can make any single call fail.
/// Every call returns what is natural for it (descriptor, count, 0), or -errno.
struct posix_files {
  // O_NONBLOCK: opening a pipe that nobody writes to must return, so that it can be refused.
  int open_to_read(const char* path) const { return result(::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)); }
  int open_folder(const char* path) const { return result(::open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY)); }
  int create(const char* path, int permissions) const {
    return result(::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, static_cast<mode_t>(permissions)));
  }
  /// Bytes of a regular file; anything else is -EISDIR or -ENOTSUP.
  std::int64_t size(int file) const {
    struct stat about {};
    if (::fstat(file, &about) != 0) return -errno;
    if (S_ISREG(about.st_mode)) return about.st_size;
    return S_ISDIR(about.st_mode) ? -EISDIR : -ENOTSUP;
  }
  int permissions(const char* path) const {
    struct stat about {};
    return ::stat(path, &about) == 0 ? static_cast<int>(about.st_mode & 0777u) : -errno;
  }
  std::int64_t read(int file, void* to, std::size_t bytes) const { return result(::read(file, to, bytes)); }
  std::int64_t write(int file, const void* from, std::size_t bytes) const {
    return result(::write(file, from, bytes));
  }
  int sync(int file) const { return result(::fsync(file)); }
  int close(int file) const { return result(::close(file)); }
  int rename(const char* from, const char* to) const { return result(std::rename(from, to)); }
  int remove(const char* path) const { return result(::unlink(path)); }
  int process() const { return static_cast<int>(::getpid()); }

 private:
  template <class Count>
  static Count result(Count count) {
    return count >= 0 ? count : -errno;
  }
};

namespace detail {

PRETEXT_COLD [[noreturn]] inline void file_error(const char* id, const std::string& path, std::string_view what,
                                    std::int64_t code, const char* advice) {
  throw_error(id, {path, ": ", what, " (", std::strerror(static_cast<int>(-code)), "); ", advice});
}

/// A path with a NUL byte would silently name another file.
PRETEXT_COLD inline void check_path(const std::string& path) {
  if (path.empty()) throw_error("io.100", "the path is empty; name a file");
  if (path.find('\0') != std::string::npos)
    throw_error("io.100", {"the path ", path.c_str(), "... has a NUL byte in it; name a file without one"});
}

}  // namespace detail

/// A file open for reading; closed by the destructor. Its size was asked once, when it was opened.
template <class Files = posix_files>
class input_file {
 public:
  PRETEXT_COLD explicit input_file(const std::string& path, Files files = {}) : path_(path), files_(files) {
    detail::check_path(path_);
    descriptor_ = files_.open_to_read(path_.c_str());
    if (descriptor_ < 0)
      detail::file_error("io.101", path_, "cannot be opened", descriptor_, "check the path and the permission to read it");
    size_ = files_.size(descriptor_);
    if (size_ < 0) {
      files_.close(descriptor_);
      detail::file_error("io.104", path_, "is not a file that can be read whole", size_, "name a regular file");
    }
  }
  ~input_file() { files_.close(descriptor_); }
  input_file(const input_file&) = delete;
  input_file& operator=(const input_file&) = delete;

  std::uint64_t size() const { return static_cast<std::uint64_t>(size_); }
  const std::string& path() const { return path_; }

  /// Fills `to` as far as the file goes; returns the bytes read, fewer only at its end.
  PRETEXT_COLD std::size_t read(std::span<std::byte> to) {
    std::size_t done = 0;
    while (done < to.size()) {
      const std::int64_t got = files_.read(descriptor_, to.data() + done, to.size() - done);
      if (got == -EINTR) continue;
      if (got < 0)
        detail::file_error("io.102", path_, joined({"reading failed after ", position_ + done, " bytes"}), got,
                           "check the disk");
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    position_ += done;
    return done;
  }

 private:
  std::string path_;
  Files files_;
  int descriptor_ = -1;
  std::int64_t size_ = 0;
  std::uint64_t position_ = 0;
};

/// The largest file read whole unless a caller says otherwise: 16 GiB.
inline constexpr std::uint64_t default_max_bytes = std::uint64_t{1} << 34;

/// All bytes of a regular file.
/// errors  io.100 path, io.101 open, io.102 read, io.103 larger than max_bytes, io.104 folder, pipe or device
/// cost    memory for the file's size, asked for only after the size was found to be within max_bytes
template <class Files = posix_files>
PRETEXT_COLD std::vector<std::byte> read_file(const std::string& path, std::uint64_t max_bytes = default_max_bytes,
                                 Files files = {}) {
  input_file<Files> file(path, files);
  const auto too_large = [&](std::uint64_t size) {
    throw_error("io.103", {path, ": holds ", size, " bytes, more than the limit of ", max_bytes,
        "; raise the limit if the file is what you meant"});
  };
  if (file.size() > max_bytes) too_large(file.size());
  // One byte more than the size: a full buffer then means that the file grew meanwhile (or lies, as /proc does).
  std::vector<std::byte> bytes(static_cast<std::size_t>(file.size()) + 1);
  std::size_t used = 0;
  for (;;) {
    used += file.read({bytes.data() + used, bytes.size() - used});
    if (used > max_bytes) too_large(used);
    if (used < bytes.size()) break;
    std::vector<std::byte> more(2 * used + 4096);
    std::memcpy(more.data(), bytes.data(), used);
    bytes.swap(more);
  }
  while (bytes.size() > used) bytes.pop_back();
  return bytes;
}

namespace detail {

/// The new content on its way: removed unless it was renamed to its final name.
template <class Files>
struct temporary_file {
  Files& files;
  std::string path;
  int descriptor = -1;
  int folder = -1;
  bool exists = false;

  explicit temporary_file(Files& f) : files(f) {}
  ~temporary_file() {
    if (descriptor >= 0) files.close(descriptor);
    if (exists) files.remove(path.c_str());
    if (folder >= 0) files.close(folder);
  }
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;
};

}  // namespace detail

/// Replaces a file as one act: after a failure or a power cut the old content is there, or the new one, whole.
///   temporary file in the same folder, write, fsync, close, rename, fsync of the folder
/// laws    on an error the temporary file is gone and, up to the rename, the old file untouched; a folder that cannot be
///         synced (io.115) is reported although the new file is already in place
/// errors  io.100 path, io.111 create, io.112 write, io.113 sync or close, io.114 rename, io.115 sync of the folder
/// limits  a symbolic link is replaced, not followed; a killed process can leave a `.pretext-*.tmp` behind
template <class Files = posix_files>
PRETEXT_COLD void write_file_atomically(const std::string& path, std::span<const byte_view> chunks, Files files = {}) {
  static constexpr const char* space = "the old file, if any, is untouched; check free space and permissions";
  detail::check_path(path);
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "./" : path.substr(0, slash + 1);

  detail::temporary_file<Files> temporary(files);
  // Opened before anything is written: what can fail should fail while the old file is in place.
  temporary.folder = files.open_folder(folder.c_str());
  if (temporary.folder < 0)
    detail::file_error("io.111", path, joined({"the folder ", folder, " cannot be opened"}), temporary.folder,
                       "create it, or check its permissions");
  // Never more open to others than the file it replaces.
  const int old_permissions = files.permissions(path.c_str());
  const int permissions = old_permissions >= 0 ? old_permissions : 0666;
  // The name does not contain the file's own, so that a long one does not become too long.
  for (int attempt = 0; temporary.descriptor < 0; ++attempt) {
    temporary.path = joined({folder, ".pretext-", files.process(), "-", attempt, ".tmp"});
    temporary.descriptor = files.create(temporary.path.c_str(), permissions);
    if (temporary.descriptor == -EINTR || (temporary.descriptor == -EEXIST && attempt < 10000)) continue;
    if (temporary.descriptor < 0)
      detail::file_error("io.111", path, "a new file cannot be created beside it", temporary.descriptor, space);
  }
  temporary.exists = true;

  std::uint64_t written = 0;
  for (byte_view rest : chunks) {
    while (!rest.empty()) {
      const std::int64_t took = files.write(temporary.descriptor, rest.data(), rest.size());
      if (took == -EINTR) continue;
      if (took <= 0)
        detail::file_error("io.112", path, joined({"writing failed after ", written, " bytes"}),
                           took == 0 ? -EIO : took, space);
      written += static_cast<std::uint64_t>(took);
      rest = rest.subspan(static_cast<std::size_t>(took));
    }
  }
  // Without this sync a file system may order the rename before the data: a right-named file of zeros.
  int code = files.sync(temporary.descriptor);
  while (code == -EINTR) code = files.sync(temporary.descriptor);
  if (code < 0) detail::file_error("io.113", path, "the new content could not be made durable", code, space);
  code = files.close(temporary.descriptor);
  temporary.descriptor = -1;  // closed even when close reports an error: trying again could hit another file
  if (code < 0 && code != -EINTR) detail::file_error("io.113", path, "the new content could not be closed", code, space);
  code = files.rename(temporary.path.c_str(), path.c_str());
  if (code < 0) detail::file_error("io.114", path, "the new content could not be put in place", code, space);
  temporary.exists = false;
  code = files.sync(temporary.folder);
  while (code == -EINTR) code = files.sync(temporary.folder);
  // Some file systems have no sync for folders and say so; there is nothing more to ask of them.
  if (code < 0 && code != -EINVAL && code != -ENOTSUP && code != -ENOSYS)
    detail::file_error("io.115", path, "the new file is in place, but its folder could not be made durable", code,
                       "a power cut may bring the old file back; check the disk");
}

/// The same for content in one piece.
template <class Files = posix_files>
void write_file_atomically(const std::string& path, byte_view bytes, Files files = {}) {
  write_file_atomically(path, std::span<const byte_view>(&bytes, 1), files);
}

/// The same for text.
template <class Files = posix_files>
void write_file_atomically(const std::string& path, std::string_view text, Files files = {}) {
  write_file_atomically(path, bytes_of(text), files);
}

}  // namespace pretext::io
