#include <dnnl.h>
#include <omp.h>

#include "kernels/onednn.h"

namespace lv {

bool onednn_sgemm(size_t threads, size_t size, const float* a, const float* b, float* c) {
    int before = omp_get_max_threads();
    omp_set_num_threads(int(threads));
    dnnl_dim_t n = dnnl_dim_t(size);
    dnnl_status_t status = dnnl_sgemm('N', 'N', n, n, n, 1, a, n, b, n, 0, c, n);
    omp_set_num_threads(before);
    return status == dnnl_success;
}

}  // namespace lv
