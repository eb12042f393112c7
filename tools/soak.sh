#!/usr/bin/env bash
# A simulated day of the agent at high speed: its memory and the cost of a frame must not grow; alerts must be precise.
# Usage: tools/soak.sh [HOURS]   (default: 24, about 20 minutes on two quiet cores; LONGVIEW=path of the program,
# default build/app/longview)
set -euo pipefail
cd "$(dirname "$0")/.."
hours=${1:-24}
program=${LONGVIEW:-build/app/longview}
work=$(mktemp -d)
agent=
trap '[ -z "$agent" ] || kill "$agent" 2>/dev/null || true; rm -rf "$work"' EXIT
[ "$hours" -ge 3 ] || { echo "soak: found $hours hours, expected at least 3"; exit 2; }
[ -x "$program" ] || { echo "soak: no program at $program; build it, or set LONGVIEW"; exit 2; }

# Small pictures, one a second, each unlike the one before; a budget that is full within the first hour. Every answer is
# waited for. It ends a little after the last hour, so that the last hour is seen to be full.
"$program" agent "test:size=160x90,rate=1,duration=$((hours * 3600 + 900))" --speed max --budget 4MiB --json \
    --tell "a person appears" --tell "nothing is visible" --socket "$work/socket" --events "$work/events" \
    </dev/null >"$work/out" 2>"$work/talk" &
agent=$!

# Asks the agent for its state about twice a second until it ends; a line for each full hour.
python3 - "$agent" "$work/socket" "$work/samples" <<'PY'
import json, os, socket, sys, threading

pid, path, samples = sys.argv[1:]
tick = os.sysconf("SC_CLK_TCK")
wait = threading.Event()


def state():
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(path)
        s.sendall(b'{"state": true}\n')
        return json.loads(s.makefile().readline())


def of_process():
    with open(f"/proc/{pid}/status") as f:
        resident = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    if fields[0] == "Z":
        raise ProcessLookupError(pid)
    return resident, (int(fields[11]) + int(fields[12])) / tick


hour = 0
with open(samples, "w") as out:
    while True:
        wait.wait(0.5)
        try:
            resident, cpu_s = of_process()
            now = state()
        except (FileNotFoundError, ProcessLookupError, StopIteration):
            if not os.path.exists(f"/proc/{pid}") or open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] == "Z":
                break
            continue  # its socket is not there yet
        except (OSError, ValueError):
            continue
        if now["watched"] < 3600 * (hour + 1):
            continue
        hour = int(now["watched"] // 3600)
        print(f"hour {hour}: RSS {resident} KiB, memory {now['memory_bytes']} bytes, {now['frames']} frames", flush=True)
        print(hour, resident, cpu_s, now["frames"], file=out, flush=True)
PY
wait "$agent" || { echo "soak: the agent failed:"; tail -5 "$work/talk"; exit 1; }
agent=
tail -1 "$work/talk"

python3 - "$work/samples" <<'PY'
import sys

samples = [tuple(map(float, line.split())) for line in open(sys.argv[1])]
if len(samples) < 3:
    sys.exit("soak: too fast to be measured; ask for more hours")
cost = lambda a, b: 1000 * (b[2] - a[2]) / (b[3] - a[3])
(first, second), (before, last) = samples[:2], samples[-2:]
growth = last[1] / first[1] - 1
early, late = cost(first, second), cost(before, last)
print(f"RSS after hour {first[0]:.0f} {first[1]:.0f} KiB, after hour {last[0]:.0f} {last[1]:.0f} KiB: {100 * growth:+.2f} %")
print(f"Processor time of a frame after hour {first[0]:.0f} {early:.2f} ms, in the last hour {late:.2f} ms: {late / early:.2f}x")
# Processor time of the same work differs by some ten percent with what else the machine does.
sys.exit("soak: RSS grew by more than 1 %" if growth > 0.01 else "soak: frames became dearer" if late > 1.2 * early else 0)
PY

"$program" bench agent --json >"$work/bench" 2>/dev/null
python3 - "$work/bench" <<'PY'
import json, sys

tables = {t["name"]: t for t in json.load(open(sys.argv[1]))["benches"]}
alerts = tables["agent alerts"]
names = [c["name"] for c in alerts["columns"]]
good = True
for row in alerts["rows"]:
    row = row if isinstance(row, dict) else dict(zip(names, row))
    print(row)
    if row["read by"] == "model" and row["detector"] == "steady":
        good = good and row["precision"] >= 0.95 and row["recall"] >= 0.95
for note in alerts["notes"]:
    print(note)
sys.exit(0 if good else "soak: alerts are less than 0.95 precise, or miss more than 0.05")
PY
echo "soak: well"
