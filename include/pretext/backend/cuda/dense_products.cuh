// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cublasLt.h>

#include "../../core/list.hpp"
#include "block_matrix.hpp"
#include "device_memory.cuh"

namespace pretext::backend {

/// Dense products by cuBLASLt, with a bias as its epilogue; operands are rounded (TF32, bfloat16) where the product says that they may be. An algorithm is chosen on the first use of a width
/// and length of sums and then serves every number of rows, so that a row has the same bits whatever other rows there are; for the
/// same reason none is asked for that cuts the sum, but for weight gradients, whose sum runs over the batch.
/// cost    the first use of a size asks the library and allocates on the host; later ones do neither
class dense_products {
 public:
  explicit dense_products(std::size_t workspace_bytes = std::size_t{32} << 20) : workspace_(static_cast<index_t>(workspace_bytes)) {
    check(cublasLtCreate(&handle_), "cublasLtCreate");
  }
  dense_products(const dense_products&) = delete;
  dense_products& operator=(const dense_products&) = delete;
  ~dense_products() { cublasLtDestroy(handle_); }

  /// Whether the library took it: not where it knows no algorithm for these sizes.
  template <class T>
  bool run(const blocks::dense_product<T>& p, cudaStream_t stream) {
    static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>);
    const entry& e = prepared(p);
    if (!e.usable) return false;
    // The descriptions of c hold the number of rows, which may change from call to call.
    set_rows(e, p);
    const T alpha = T(1), beta = p.accumulate ? T(1) : T(0);
    if (p.bias != nullptr)
      check(cublasLtMatmulDescSetAttribute(e.operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &p.bias, sizeof p.bias), "cublasLtMatmulDescSetAttribute");
    cublasLtMatmulHeuristicResult_t fits;
    if (cublasLtMatmulAlgoCheck(handle_, e.operation, e.right, e.left, e.result, e.result, &e.algorithm, &fits) != CUBLAS_STATUS_SUCCESS ||
        fits.workspaceSize > workspace_.bytes())
      return false;
    check(cublasLtMatmul(handle_, e.operation, &alpha, p.b, e.right, p.a, e.left, &beta, p.c, e.result, p.c, e.result, &e.algorithm,
                         workspace_.data(), workspace_.bytes(), stream),
          "cublasLtMatmul");
    return true;
  }

 private:
  static constexpr index_t usual_rows = 4096;  // what an algorithm is chosen for, whatever the batch is

  struct entry {
    // What tells products apart.
    index_t n = 0, k = 0, m = 0;  // m where its rows are no samples
    blocks::product_rounding rounding = blocks::product_rounding::none;
    bool is_double = false, transpose_a = false, transpose_b = false, has_bias = false, accumulate = false, aligned = false;
    // What was made for it. The library multiplies column by column, so c^T = b^T a^T: b is its left operand.
    bool usable = false;
    cublasLtMatmulDesc_t operation = nullptr;
    cublasLtMatrixLayout_t left = nullptr, right = nullptr, result = nullptr;
    cublasLtMatmulAlgo_t algorithm{};

    entry() = default;
    entry(const entry&) = delete;
    entry& operator=(entry&& o) noexcept {
      std::swap(n, o.n), std::swap(k, o.k), std::swap(m, o.m);
      std::swap(rounding, o.rounding);
      std::swap(is_double, o.is_double), std::swap(transpose_a, o.transpose_a), std::swap(transpose_b, o.transpose_b);
      std::swap(has_bias, o.has_bias), std::swap(accumulate, o.accumulate), std::swap(aligned, o.aligned), std::swap(usable, o.usable);
      std::swap(operation, o.operation), std::swap(left, o.left), std::swap(right, o.right), std::swap(result, o.result);
      std::swap(algorithm, o.algorithm);
      return *this;
    }
    ~entry() {
      if (operation != nullptr) cublasLtMatmulDescDestroy(operation);
      for (cublasLtMatrixLayout_t l : {left, right, result})
        if (l != nullptr) cublasLtMatrixLayoutDestroy(l);
    }
  };

  static void check(cublasStatus_t status, std::string_view call) {
    if (status != CUBLAS_STATUS_SUCCESS)
      throw_error("backend.110", {"cuda: ", call, " failed: ", cublasLtGetStatusString(status), "; see docs/errors/backend.md"});
  }
  template <class T>
  static bool aligned(const blocks::dense_product<T>& p) {
    return blocks::in_packs(index_t{0}, p.a, p.b, static_cast<const T*>(p.c), p.bias);
  }

  template <class T>
  const entry& prepared(const blocks::dense_product<T>& p) {
    const index_t m = p.transpose_a ? p.m : 0;
    for (const entry& e : entries_)
      if (e.n == p.n && e.k == p.k && e.m == m && e.is_double == std::is_same_v<T, double> && e.transpose_a == p.transpose_a &&
          e.transpose_b == p.transpose_b && e.has_bias == (p.bias != nullptr) && e.accumulate == p.accumulate && e.aligned == aligned(p) &&
          e.rounding == p.rounding)
        return e;
    entry& e = entries_.add();
    e.n = p.n, e.k = p.k, e.m = m;
    e.is_double = std::is_same_v<T, double>;
    e.rounding = p.rounding;
    e.transpose_a = p.transpose_a, e.transpose_b = p.transpose_b, e.has_bias = p.bias != nullptr, e.accumulate = p.accumulate, e.aligned = aligned(p);
    prepare(e);
    return e;
  }
  PRETEXT_COLD void prepare(entry& e) {
    const cudaDataType_t type = e.is_double ? CUDA_R_64F : CUDA_R_32F;
    check(cublasLtMatmulDescCreate(&e.operation, compute_type(e), type), "cublasLtMatmulDescCreate");
    const cublasOperation_t right = e.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N, left = e.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N;
    set(e, CUBLASLT_MATMUL_DESC_TRANSA, right);
    set(e, CUBLASLT_MATMUL_DESC_TRANSB, left);
    if (e.has_bias) set(e, CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
    const index_t m = e.transpose_a ? e.m : usual_rows;
    layout(e.right, type, e.transpose_b ? e.k : e.n, e.transpose_b ? e.n : e.k);
    layout(e.left, type, e.transpose_a ? m : e.k, e.transpose_a ? e.k : m);
    layout(e.result, type, e.n, m);

    cublasLtMatmulPreference_t wish = nullptr;
    check(cublasLtMatmulPreferenceCreate(&wish), "cublasLtMatmulPreferenceCreate");
    const std::size_t bytes = workspace_.bytes();
    const std::uint32_t schemes = e.transpose_a ? CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE : CUBLASLT_REDUCTION_SCHEME_NONE;
    const std::uint32_t alignment = e.aligned ? 16 : e.is_double ? 8 : 4;
    cublasStatus_t status = cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes, sizeof bytes);
    const auto also = [&](cublasLtMatmulPreferenceAttributes_t what, const std::uint32_t& value) {
      if (status == CUBLAS_STATUS_SUCCESS) status = cublasLtMatmulPreferenceSetAttribute(wish, what, &value, sizeof value);
    };
    also(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, schemes);
    also(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment);
    also(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment);
    also(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment);
    also(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment);
    cublasLtMatmulHeuristicResult_t best{};
    int found = 0;
    if (status == CUBLAS_STATUS_SUCCESS) {
      const cublasStatus_t asked = cublasLtMatmulAlgoGetHeuristic(handle_, e.operation, e.right, e.left, e.result, e.result, wish, 1, &best, &found);
      if (asked != CUBLAS_STATUS_NOT_SUPPORTED) status = asked;
    }
    cublasLtMatmulPreferenceDestroy(wish);
    check(status, "cublasLtMatmulAlgoGetHeuristic");
    e.usable = found > 0 && best.state == CUBLAS_STATUS_SUCCESS;
    e.algorithm = best.algo;
  }
  static cublasComputeType_t compute_type(const entry& e) {
    if (e.is_double) return CUBLAS_COMPUTE_64F;
    switch (e.rounding) {
      case blocks::product_rounding::tf32: return CUBLAS_COMPUTE_32F_FAST_TF32;
      case blocks::product_rounding::bfloat16: return CUBLAS_COMPUTE_32F_FAST_16BF;
      default: return CUBLAS_COMPUTE_32F;
    }
  }
  template <class V>
  static void set(const entry& e, cublasLtMatmulDescAttributes_t what, V value) {
    check(cublasLtMatmulDescSetAttribute(e.operation, what, &value, sizeof value), "cublasLtMatmulDescSetAttribute");
  }
  static void layout(cublasLtMatrixLayout_t& l, cudaDataType_t type, index_t rows, index_t columns) {
    check(cublasLtMatrixLayoutCreate(&l, type, static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(columns), rows),
          "cublasLtMatrixLayoutCreate");
  }
  template <class T>
  static void set_rows(const entry& e, const blocks::dense_product<T>& p) {
    if (p.transpose_a) return;
    const auto rows = static_cast<std::uint64_t>(p.m);
    for (cublasLtMatrixLayout_t l : {e.left, e.result})
      check(cublasLtMatrixLayoutSetAttribute(l, CUBLASLT_MATRIX_LAYOUT_COLS, &rows, sizeof rows), "cublasLtMatrixLayoutSetAttribute");
  }

  cublasLtHandle_t handle_ = nullptr;
  device_buffer<std::byte> workspace_;
  list<entry> entries_;
};

/// No library: every product by the own kernel.
class own_products {
 public:
  template <class T>
  bool run(const blocks::dense_product<T>&, cudaStream_t) {
    return false;
  }
};

}  // namespace pretext::backend
