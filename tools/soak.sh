#!/usr/bin/env bash
# A simulated day of the agent at high speed: its memory and the cost of a frame must not grow; alerts must be precise.
# Usage: tools/soak.sh [HOURS]   (default: 24; LONGVIEW=path of the program, default build/app/longview)
set -euo pipefail
cd "$(dirname "$0")/.."
hours=${1:-24}
program=${LONGVIEW:-build/app/longview}
work=$(mktemp -d)
agent=
trap '[ -z "$agent" ] || kill "$agent" 2>/dev/null || true; rm -rf "$work"' EXIT
[ "$hours" -ge 2 ] || { echo "soak: found $hours hours, expected at least 2"; exit 2; }
[ -x "$program" ] || { echo "soak: no program at $program; build it, or set LONGVIEW"; exit 2; }

# Small pictures, one a second; a budget that is full within the first hour. Every answer is waited for.
"$program" agent "test:size=160x120,rate=1,duration=$((hours * 3600))" --speed max --budget 4MiB --json \
    --tell "a person appears" --tell "nothing is visible" --socket "$work/socket" --events "$work/events" \
    >"$work/out" 2>"$work/talk" &
agent=$!

state() {  # one number out of the agent's state
    python3 - "$work/socket" "$1" <<'PY'
import json, socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])
    s.sendall(b'{"state": true}\n')
    print(json.loads(s.makefile().readline())[sys.argv[2]])
PY
}
rss() { awk '/VmRSS/ { print $2 }' "/proc/$agent/status"; }

declare -A resident wall
next=1
while kill -0 "$agent" 2>/dev/null; do
    sleep 2
    watched=$(state watched 2>/dev/null || true)
    [ -n "$watched" ] || continue
    hour=$(awk -v s="$watched" 'BEGIN { print int(s / 3600) }')
    if [ "$hour" -ge "$next" ]; then
        resident[$hour]=$(rss) wall[$hour]=$(date +%s%N)
        echo "hour $hour: RSS ${resident[$hour]} KiB, memory $(state memory_bytes 2>/dev/null || echo '?') bytes"
        first=${first:-$hour} last=$hour
        next=$((hour + 1))
    fi
done
wait "$agent" || { echo "soak: the agent failed:"; tail -5 "$work/talk"; exit 1; }
agent=
tail -1 "$work/talk"
[ "${last:-0}" -gt "${first:-0}" ] || { echo "soak: too fast to be measured; ask for more hours"; exit 1; }

python3 - "${resident[$first]}" "${resident[$last]}" "$first" "$last" <<'PY'
import sys
early, late, first, last = map(int, sys.argv[1:])
change = late / early - 1
print(f"RSS at hour {first} {early} KiB, at hour {last} {late} KiB: {100 * change:+.2f} %")
sys.exit(change > 0.01)
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
    good = good and row["precision"] >= 0.95 and row["recall"] >= 0.95
for note in alerts["notes"]:
    print(note)
sys.exit(not good)
PY
echo "soak: well"
