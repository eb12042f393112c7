#include "kernels/core/scratch.h"

#include "kernels/core/memory.h"

namespace lv {

float* thread_scratch(ScratchSlot slot, size_t floats) {
    thread_local Buffer blocks[size_t(ScratchSlot::count)];
    Buffer& block = blocks[size_t(slot)];
    if (block.bytes() < floats * sizeof(float)) {
        block = Buffer();  // the old block goes first, so that both are never held at once
        block = Buffer::of<float>(floats + floats / 4);
    }
    return block.as<float>().data();
}

}  // namespace lv
