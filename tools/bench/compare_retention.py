"""Our gated retention beside flash-linear-attention's Triton kernel, on one GPU, at the sizes of YOCO's paper.

  pip install fla-core==0.5.0      # beside torch and triton; flash-linear-attention's kernels alone
  python tools/bench/compare_retention.py --bench build-gpu/tools/bench/longview-bench [--rows 4096,...] [--json FILE]

Both read the same made-up rows (tools/bench/retention_bench.h), ours as f32 and theirs as bf16, and must agree in the
last row before their times count. A line a length: both times, and theirs over ours, above 1 where ours is faster.
Exit status: 0 compared, 1 something failed or the two disagree, 2 wrong arguments, 77 skipped: no GPU or no package.
"""

import argparse
import importlib.metadata
import json
import math
import os
import subprocess
import sys

PACKAGE, VERSION = "fla-core", "0.5.0"
SKIPPED = 77
# Of the last row's norm: products of bf16 inputs with f32 sums, on either side.
LARGEST_DIFFERENCE = 0.02
CALLS, RUNS = 10, 5


class Failed(Exception):
    """What is told before exit status 1."""


class Skip(Exception):
    """What is told before exit status 77."""


def lengths(text):
    values = [int(part) if part.isdigit() else 0 for part in text.split(",")]
    if min(values) < 64:
        raise argparse.ArgumentTypeError(f'found "{text}", expected numbers of rows from 64 on with commas between')
    return values


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default="build-gpu/tools/bench/longview-bench", metavar="PROGRAM",
                        help="longview-bench, built with CUDA (default: %(default)s)")
    parser.add_argument("--rows", type=lengths, default=[1024, 4096, 16384, 65536], metavar="LENGTHS")
    parser.add_argument("--config", choices=["3b", "100m"], default="3b",
                        help="whose heads: the paper's 24 of 128, or 6 of 128 (default: %(default)s)")
    parser.add_argument("--json", metavar="FILE", help="keep the figures there, too")
    return parser.parse_args(arguments)


def value(kind, index):
    """u(kind, index) of retention_bench.h; index is an int or a tensor of int64."""
    bits = (index + kind * 0x9E3779B9) & 0xFFFFFFFF
    bits = ((bits ^ (bits >> 16)) * 0x7FEB352D) & 0xFFFFFFFF
    bits = ((bits ^ (bits >> 15)) * 0x846CA68B) & 0xFFFFFFFF
    return ((bits ^ (bits >> 16)) >> 8) * 2.0**-23 - 1


def difference(ours, theirs):
    """Of two rows, in the norm of theirs."""
    norm = math.sqrt(sum(x * x for x in theirs))
    return math.sqrt(sum((x - y) ** 2 for x, y in zip(ours, theirs, strict=True))) / norm


def open_theirs():
    """torch and their kernel. Skip says what is missing."""
    try:
        import torch
    except ImportError as error:
        raise Skip(f"torch cannot be imported ({error}); install it with CUDA") from error
    if not torch.cuda.is_available():
        raise Skip("torch sees no GPU here; run this where there is one")
    try:
        found = importlib.metadata.version(PACKAGE)
        from fla.ops.simple_gla import chunk_simple_gla
    except ImportError as error:  # PackageNotFoundError is one
        raise Skip(f"{PACKAGE} cannot be imported ({error}); pip install {PACKAGE}=={VERSION}") from error
    if found != VERSION:
        raise Skip(f"{PACKAGE} {found} is installed, the figures are of {VERSION}; pip install {PACKAGE}=={VERSION}")
    return torch, chunk_simple_gla


def measure_ours(options):
    command = [options.bench, "--device", "cuda", "--config", options.config, "--prefill", "none", "--decode", "none",
               "--retention", ",".join(map(str, options.rows))]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)} ended with {done.returncode}")
    return json.loads(done.stdout)


def measure_theirs(torch, kernel, rows, heads, head_dim):
    """Seconds of a call, the shortest of some runs, and the last row of head 0."""
    index = torch.arange(rows * heads * head_dim, device="cuda")
    shape = (1, rows, heads, head_dim)
    q, k, v = (value(kind, index).view(shape) for kind in (1, 2, 3))
    q, k, v = (x.to(torch.bfloat16).contiguous() for x in (q, k / math.sqrt(head_dim), v))
    decay = ((value(4, index[: rows * heads]) - 1) / 64).float().view(1, rows, heads)
    del index

    def call():
        return kernel(q, k, v, decay, scale=1.0, output_final_state=True)[0]

    last = call()[0, -1, 0].float().tolist()
    shortest = math.inf
    for _ in range(RUNS):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        begin.record()
        for _ in range(CALLS):
            call()
        end.record()
        end.synchronize()
        shortest = min(shortest, begin.elapsed_time(end) / 1e3 / CALLS)
    return shortest, last


def compare(ours, measure):
    """A figure for each of ours; measure(rows, heads, head_dim) is theirs."""
    figures = []
    for one in ours:
        seconds, last = measure(one["rows"], one["heads"], one["head_dim"])
        figures.append({"rows": one["rows"], "heads": one["heads"], "head_dim": one["head_dim"],
                        "ours_seconds": one["seconds"], "theirs_seconds": seconds,
                        "ratio": seconds / one["seconds"], "difference": difference(one["last_row"], last)})
    return figures


def tell(figures):
    for one in figures:
        print(f"{one['rows']} rows, {one['heads']} heads of {one['head_dim']}: ours {one['ours_seconds'] * 1e3:.3f} ms, "
              f"fla {one['theirs_seconds'] * 1e3:.3f} ms, fla / ours {one['ratio']:.2f}")
    for one in figures:
        if not one["difference"] <= LARGEST_DIFFERENCE:
            raise Failed(f"the two disagree at {one['rows']} rows: the last row differs by {one['difference']:.3f} of "
                         f"its norm, expected at most {LARGEST_DIFFERENCE}; the times mean nothing")


def main(arguments):
    options = parse(arguments)
    try:
        torch, kernel = open_theirs()
        if not os.access(options.bench, os.X_OK):
            raise Failed(f"found no program {options.bench}; build longview-bench with CUDA and name it with --bench")
        report = measure_ours(options)
        figures = compare(report["retention"],
                          lambda rows, heads, dim: measure_theirs(torch, kernel, rows, heads, dim))
        if options.json:
            with open(options.json, "w", encoding="utf-8") as file:
                json.dump({"machine": report["machine"], "build": report["build"], "torch": torch.__version__,
                           PACKAGE: VERSION, "retention": figures}, file, indent=2)
        tell(figures)
    except Skip as reason:
        print(f"compare_retention: skipped: {reason}", file=sys.stderr)
        return SKIPPED
    except Failed as error:
        print(f"compare_retention: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
