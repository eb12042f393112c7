// The bf16 numbers of CUDA, on the host: beside the f16 ones in cuda_fp16.h.
#pragma once

#include "tests/cuda_emulation/cuda_fp16.h"
