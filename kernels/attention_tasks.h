// What one thread does for attention: a range of keys for a block of rows and some kv heads. Internal to
// attention*.cpp.
#pragma once

#include "kernels/attention.h"

namespace lv {

constexpr size_t attention_block_keys = 128;  // keys whose logits are held at once

struct AttentionTask {
    const AttentionInput& input;
    AttentionPart part;                  // all rows and heads; the task writes its own
    size_t first_key = 0, last_key = 0;  // of all the pieces' keys in order
    size_t first_row = 0, last_row = 0;  // of q
    size_t first_kv_head = 0, last_kv_head = 0;
};

// Attend over the task's keys and write its rows and heads of the part.
void attend_few_rows(const AttentionTask& task);   // at most attention_few_rows rows
void attend_many_rows(const AttentionTask& task);  // one kv head

// attention_mass() for the task's keys and rows, by dotting again, or from the part's logits.
void add_mass(const AttentionTask& task, const KeyMass& mass);
void add_mass_of_logits(const AttentionTask& task, const KeyMass& mass);

}  // namespace lv
