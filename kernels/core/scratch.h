// Scratch of one OS thread, for kernels only: grows to the largest size asked for, freed when the thread ends.
//
// Kept per thread so that a Linear or an attention call can be used from any number of threads without passing
// working memory in, and steady decoding allocates nothing. Each user has its own slot, since they nest.
#pragma once

#include <cstddef>
#include <span>

namespace lv {

enum class ScratchSlot {
    gemm,
    linear,
    attention_task,
    attention_parts,
    attention_sums,
    attention_logits,
    key_queries,
    retention_task,
    retention_states,
    conv,
    sampling,
    count
};

// At least `floats` values, 64-byte aligned, not cleared; valid until the next call for this slot on this thread.
float* thread_scratch(ScratchSlot slot, size_t floats);

// Hands out pieces of one scratch block, each 64-byte aligned.
class ScratchCursor {
   public:
    explicit ScratchCursor(float* at) : at_(at) {}
    static size_t room(size_t floats) { return (floats + 15) / 16 * 16; }
    float* take(size_t floats) {
        float* place = at_;
        at_ += room(floats);
        return place;
    }

   private:
    float* at_;
};

}  // namespace lv
