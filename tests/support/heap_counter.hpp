// SPDX-License-Identifier: BSD-3-Clause
#pragma once
// Counts what a program asks of the heap. To be included by one unit of a program, since it replaces operator new and,
// with glibc, malloc and its relatives: for this program and for every library in it. Not under a sanitizer, whose own
// malloc must stay; there operator new is counted alone.
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <new>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define PRETEXT_TEST_SANITIZED
#endif
#endif
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(PRETEXT_TEST_SANITIZED)
#define PRETEXT_TEST_COUNTS_MALLOC
#include <malloc.h>  // memalign
#endif

namespace heap_counter {

/// Whether malloc and its relatives are counted, not only operator new.
#ifdef PRETEXT_TEST_COUNTS_MALLOC
inline constexpr bool counts_malloc = true;
#else
inline constexpr bool counts_malloc = false;
#endif

inline std::atomic<bool> on = false;
inline std::atomic<long> calls = 0;
/// What operator new was asked for at 64 bytes: pretext's buffers, and nothing else.
inline std::atomic<std::size_t> aligned_bytes = 0;

inline void start() {
  calls = 0;
  aligned_bytes = 0;
  on = true;
}
/// The calls since start().
inline long stop() {
  on = false;
  return calls;
}
inline void count() {
  if (on.load(std::memory_order_relaxed)) calls.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace heap_counter

#ifdef PRETEXT_TEST_COUNTS_MALLOC
// The doors behind which glibc keeps its own allocator; what they give is freed by its own free.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t n) noexcept {
  heap_counter::count();
  return __libc_malloc(n);
}
void* calloc(std::size_t n, std::size_t size) noexcept {
  heap_counter::count();
  return __libc_calloc(n, size);
}
void* realloc(void* p, std::size_t n) noexcept {
  heap_counter::count();
  return __libc_realloc(p, n);
}
void* memalign(std::size_t alignment, std::size_t n) noexcept {
  heap_counter::count();
  return __libc_memalign(alignment, n);
}
void* aligned_alloc(std::size_t alignment, std::size_t n) noexcept {
  heap_counter::count();
  return __libc_memalign(alignment, n);
}
int posix_memalign(void** out, std::size_t alignment, std::size_t n) noexcept {
  heap_counter::count();
  *out = __libc_memalign(alignment, n);
  return *out == nullptr ? ENOMEM : 0;
}
}
#endif

namespace heap_counter {
#ifdef PRETEXT_TEST_COUNTS_MALLOC
inline void* uncounted(std::size_t n) { return __libc_malloc(n); }
inline void* uncounted(std::size_t n, std::size_t alignment) { return __libc_memalign(alignment, n); }
#else
inline void* uncounted(std::size_t n) { return std::malloc(n); }
inline void* uncounted(std::size_t n, std::size_t alignment) {
  return std::aligned_alloc(alignment, (n + alignment - 1) / alignment * alignment);
}
#endif
// Not inlined: the compiler would take malloc and operator delete for a pair that does not belong together.
[[gnu::noinline]] inline void give_back(void* p) { std::free(p); }
[[gnu::noinline]] inline void* obtain(std::size_t n, std::size_t alignment) {
  count();
  if (on && alignment == 64) aligned_bytes += n;
  void* p = alignment > 16 ? uncounted(n, alignment) : uncounted(n == 0 ? 1 : n);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
}  // namespace heap_counter

void* operator new(std::size_t n) { return heap_counter::obtain(n, 1); }
void* operator new[](std::size_t n) { return heap_counter::obtain(n, 1); }
// Without these two a sanitizer's own would serve calls that may not throw, and its free finds ours.
void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
  try {
    return heap_counter::obtain(n, 1);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void* operator new[](std::size_t n, const std::nothrow_t& t) noexcept { return operator new(n, t); }
void* operator new(std::size_t n, std::align_val_t a) { return heap_counter::obtain(n, static_cast<std::size_t>(a)); }
void* operator new[](std::size_t n, std::align_val_t a) { return heap_counter::obtain(n, static_cast<std::size_t>(a)); }
void operator delete(void* p) noexcept { heap_counter::give_back(p); }
void operator delete[](void* p) noexcept { heap_counter::give_back(p); }
void operator delete(void* p, std::size_t) noexcept { heap_counter::give_back(p); }
void operator delete[](void* p, std::size_t) noexcept { heap_counter::give_back(p); }
void operator delete(void* p, std::align_val_t) noexcept { heap_counter::give_back(p); }
void operator delete[](void* p, std::align_val_t) noexcept { heap_counter::give_back(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { heap_counter::give_back(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { heap_counter::give_back(p); }
