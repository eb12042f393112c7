#!/usr/bin/env bash
# Whatever waits for a GPU, in one run of minutes: tests, figures, sanitizers. A GPU's minutes are dear, so in two steps:
#   tools/bench/gpu.sh pack
#       on any machine with nvcc: builds the programs, and puts them into build-gpu/pack, ready to travel
#   tools/bench/gpu.sh run OUT [SECONDS] [JOB...]
#       on the one with a GPU, in the same tree: all jobs or those named, within so many seconds (default 540; what
#       is left then has not begun, and the run has failed).
#       OUT/results.tar.gz has every log and figure. What was packed is built anew where it does not start
#   tools/bench/gpu.sh build FOLDER [CMAKE OPTION]...
# Exit status: 0 every job went well, 1 one failed, 2 wrong arguments.
set -u
cd "$(dirname "$0")/../.." || exit
pack=build-gpu/pack
targets=(lv_tests_devices longview-bench longview-conv-bench)

build() {  # FOLDER [CMAKE OPTION]...
    local folder=$1
    shift
    cmake -S . -B "$folder" -DCMAKE_BUILD_TYPE=Release -DLV_APP=OFF -DLV_CUDA=ON -DCMAKE_CUDA_ARCHITECTURES=90 \
        -DLV_DNNL_LIBRARY=OFF -DLV_SENTENCEPIECE_LIBRARY=OFF -DLV_GOLDEN=tests/golden "$@" &&
        cmake --build "$folder" -j "$(nproc)" --target "${targets[@]}"
}

pack_up() {
    set -e
    local file json
    build build-gpu "-DLV_COMMIT=$(git rev-parse --short HEAD)"
    rm -rf "$pack"
    for file in tests/devices/lv_tests_devices tools/bench/longview-bench tools/bench/longview-conv-bench; do
        install -D -s "build-gpu/$file" "$pack/$file"
    done
    # What a build there needs beside a compiler, CMake and nvcc.
    json=$(dpkg -L nlohmann-json3-dev | grep -E '\.(hpp|cmake)$')
    for file in $json /usr/src/googletest/googletest/{src,include}; do
        mkdir -p "$pack$(dirname "$file")"
        cp -r "$file" "$pack$(dirname "$file")"
    done
    git rev-parse --short HEAD >"$pack/commit"
    python3 -m pip download -q --no-deps --only-binary=:all: -d "$pack/wheels" \
        "$(cd tools/bench && python3 -c 'from compare_retention import *; print(f"{PACKAGE}=={VERSION}")')" ||
        echo "no fla-core to be had: the job 'retention' will be skipped" >&2
    du -sh "$pack"
}

programs=$pack
report=()
failed=0

# job NAME SECONDS COMMAND...: its stdout is kept as NAME.json where it begins with a brace, else as NAME.log.
job() {
    local name=$1 limit=$2 left begin status
    shift 2
    [ "${#wanted[@]}" -eq 0 ] || [[ " ${wanted[*]} " == *" $name "* ]] || return 0
    left=$((end - SECONDS))
    if [ "$left" -lt 15 ]; then
        report+=("$(printf '%-16s not begun: no time left' "$name")")
        failed=1
        return 0
    fi
    echo "== $name"
    begin=$SECONDS
    timeout -k 5 $((limit < left ? limit : left)) "$@" >"$kept/$name.log" 2>"$kept/$name.err"
    status=$?
    case $status in
        0) ;;
        77 | 127) echo "skipped: what it needs is not here" ;;
        *) failed=1; tail -n 25 "$kept/$name.log" "$kept/$name.err" ;;
    esac
    [ "$(head -c 1 "$kept/$name.log")" != '{' ] || mv "$kept/$name.log" "$kept/$name.json"
    report+=("$(printf '%-16s %4d s  exit status %d' "$name" $((SECONDS - begin)) "$status")")
    tar -C "$kept" -czf "$out/results.tar.gz" .  # after every job: the last may not live to its end
}

figures() {
    python3 - "$kept" <<'PYTHON'
import json, pathlib, sys

for path in sorted(pathlib.Path(sys.argv[1]).glob("*.json")):
    report = json.loads(path.read_text())
    print("--", path.stem, {k: f"{v:.3g}" for k, v in report.items() if isinstance(v, float)})
    for model in report.pop("models", []):
        print(" ", model["config"])
        for x in model["prefill"]:
            print(f"    prefill {x['rows']}: {x['seconds']:.3f} s, {x['share_of_matmul']:.2f} of matmul")
        for x in model["decode"]:
            print(f"    decode {x['rows']}, {x['cache']}, top {x['top_pages']}: {x['tokens_per_second']:.1f}/s,",
                  f"{x['share_of_bandwidth']:.2f} of bandwidth, first token {1e3 * x['first_token_seconds']:.1f} ms")
    rest = {k: v for k, v in report.items() if isinstance(v, list)}
    if rest:
        print(" ", json.dumps(rest)[:1500])
PYTHON
}

run_all() {
    out=$1
    end=$((SECONDS + ${2:-540}))
    shift $(($# < 2 ? $# : 2))
    wanted=("$@")
    kept=$(mktemp -d)
    mkdir -p "$out"
    # cuBLAS as Python's packages bring it, where the loader knows none.
    export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}:/usr/local/cuda/lib64:$(python3 -c \
        'import nvidia, glob; print(":".join(f for p in nvidia.__path__ for f in glob.glob(p + "/*/lib")))' 2>/dev/null)
    nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader | tee "$kept/card.txt"
    cp "$pack/commit" "$kept/commit.txt" 2>/dev/null
    if ! "$pack/tools/bench/longview-bench" --help >/dev/null 2>&1; then
        echo "what was packed does not start here: building"
        programs=build-gpu-here
        timeout 300 bash tools/bench/gpu.sh build "$programs" "-DCMAKE_PREFIX_PATH=$PWD/$pack/usr" \
            "-DLV_GOOGLETEST=$PWD/$pack/usr/src/googletest" "-DLV_COMMIT=$(cat "$pack/commit")" || return 1
    fi
    local bench=$programs/tools/bench/longview-bench
    job tests 200 "$programs/tests/devices/lv_tests_devices" --gtest_brief=1 '--gtest_filter=-*/host'
    job 100m 90 "$bench" --device cuda --prefill 1024,4096,32768 --decode 1024,65536
    job 3b 200 "$bench" --device cuda --config 3b --only yoco --prefill 1024,32768,131072,524288 \
        --decode 1024,65536,262144,1048576 --cache f16,i8 --top 0,64
    job 3b_transformer 150 "$bench" --device cuda --config 3b --only transformer --prefill 1024,8192,32768 \
        --decode 1024,65536,262144
    job conv 60 "$programs/tools/bench/longview-conv-bench" --device cuda --batch 1,8,32,128
    job graphs_off 60 "$bench" --device cuda --only yoco --prefill none --decode 1024,65536 --graphs off
    python3 -m pip install -q --no-index --no-deps --target "$kept/site" "$pack"/wheels/*.whl 2>/dev/null
    PYTHONPATH=$kept/site job retention 120 python3 tools/bench/compare_retention.py --bench "$bench" \
        --rows 1024,4096,16384,65536 --json "$kept/retention_beside_fla.json"
    rm -rf "$kept/site"
    job sanitizers 400 bash tools/bench/sanitize.sh "$programs"
    job profile 100 ncu --clock-control none --set basic --launch-count 200 "$bench" --device cuda --only yoco \
        --prefill 4096 --decode 65536
    if [ "${#report[@]}" -eq 0 ]; then
        echo "no job is called ${wanted[*]}; tools/train/QUEUE.md lists them" >&2
        return 2
    fi
    figures
    printf '%s\n' "${report[@]}"
    return "$failed"
}

case "${1:-}" in
    pack) [ $# -eq 1 ] && { pack_up; exit; } ;;
    build) [ $# -ge 2 ] && { shift; build "$@"; exit; } ;;
    run) [ $# -ge 2 ] && [[ ${3:-540} =~ ^[0-9]+$ ]] && { shift; run_all "$@"; exit; } ;;
esac
sed -n '2,/^set/{s/^# //p}' "$0" >&2
exit 2
