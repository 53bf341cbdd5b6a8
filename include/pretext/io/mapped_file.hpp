// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for programs whose files are larger than memory
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "file.hpp"

namespace pretext::io {

/// A regular file's bytes without reading them: the system brings in what is looked at. Read only; the file must not be made
/// shorter while it is mapped.
/// errors  io.100 path, io.101 open, io.104 folder, pipe or device, io.105 no mapping
class mapped_file {
 public:
  mapped_file() = default;
  PRETEXT_COLD explicit mapped_file(const std::string& path) {
    detail::check_path(path);
    const posix_files files;
    const int descriptor = files.open_to_read(path.c_str());
    if (descriptor < 0) detail::file_error("io.101", path, "cannot be opened", descriptor, "check the path and the permission to read it");
    const std::int64_t size = files.size(descriptor);
    void* const at = size > 0 ? ::mmap(nullptr, static_cast<std::size_t>(size), PROT_READ, MAP_SHARED, descriptor, 0) : nullptr;
    const int failed = at == MAP_FAILED ? errno : 0;
    files.close(descriptor);
    if (size < 0) detail::file_error("io.104", path, "is not a file that can be read whole", size, "name a regular file");
    if (failed != 0) detail::file_error("io.105", path, "cannot be mapped into memory", -failed, "free address space, or use another file system");
    data_ = static_cast<const std::byte*>(at);
    size_ = static_cast<std::size_t>(size);
  }
  mapped_file(mapped_file&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  mapped_file& operator=(mapped_file&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~mapped_file() {
    if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
  }

  byte_view bytes() const { return {data_, size_}; }
  std::size_t size() const { return size_; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace pretext::io
