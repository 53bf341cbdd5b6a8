// SPDX-License-Identifier: BSD-3-Clause
#pragma once

/// Marks a scalar function that also runs inside a CUDA kernel; empty for a host compiler.
#if defined(__CUDACC__)
#define PRETEXT_HOST_DEVICE __host__ __device__
#else
#define PRETEXT_HOST_DEVICE
#endif

/// Stands before a loop of few turns, whose number is a constant.
#if defined(__CUDACC__) || defined(__clang__)
#define PRETEXT_UNROLL _Pragma("unroll")
#else
#define PRETEXT_UNROLL _Pragma("GCC unroll 64")
#endif

/// Stands before a loop that is left as it is.
#if defined(__CUDACC__)
#define PRETEXT_NO_UNROLL _Pragma("unroll 1")
#else
#define PRETEXT_NO_UNROLL
#endif

/// Stands before a template that runs on either side and calls what its arguments have on one side alone: a context of the host has
/// functions of the host, and nvcc is told not to mind.
#if defined(__CUDACC__)
#define PRETEXT_EITHER_SIDE _Pragma("nv_exec_check_disable")
#else
#define PRETEXT_EITHER_SIDE
#endif

/// Marks a function that many places call or that hardly ever runs: the compiler keeps it apart. What is copied into
/// callers is most of what there is to compile. Inside a kernel it says nothing: there calls cost more. FOLDED is the opposite:
/// a few lines on constants, of which only the result is left where they are copied to. IN_PLACE is that for a lambda, behind its
/// parameters.
#if defined(__GNUC__) && !defined(__CUDA_ARCH__)
#define PRETEXT_APART [[gnu::noinline]]
#define PRETEXT_COLD [[gnu::noinline, gnu::cold]]
#define PRETEXT_FOLDED [[gnu::always_inline]]
#define PRETEXT_IN_PLACE __attribute__((always_inline))
#else
#define PRETEXT_APART
#define PRETEXT_COLD
#define PRETEXT_FOLDED
#define PRETEXT_IN_PLACE
#endif

// Optional components. CMake targets define these to 1 where the library was found; a bare build leaves them 0.
#ifndef PRETEXT_HAS_ZLIB
#define PRETEXT_HAS_ZLIB 0
#endif
#ifndef PRETEXT_HAS_PNG
#define PRETEXT_HAS_PNG 0
#endif
#ifndef PRETEXT_HAS_JPEG
#define PRETEXT_HAS_JPEG 0
#endif
