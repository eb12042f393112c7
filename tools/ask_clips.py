#!/usr/bin/env python3
"""Asks `longview` hand-made questions about real clips and scores the answers; the blind score beside it.

    tools/ask_clips.py --longview build/app/longview --questions assets/clips/questions.json

An answer is right if it contains one of `accept` as whole words, case aside, and, for yes/no and counts, no
contradicting word. Blind: the same questions about a black video of the same length (made with ffmpeg).
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

NUMBERS = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
GROUPS = [{"yes"}, {"no", "never", "not"}]
COUNTS = [{str(n), word} for n, word in enumerate(NUMBERS)]


def has(text, words):
    return re.search(r"(?<![\w:])" + re.escape(words.lower()) + r"(?![\w:])", text.lower()) is not None


def right(answer, question, accept):
    if not any(has(answer, words) for words in accept):
        return False
    for groups, applies in ((GROUPS, accept[0].lower() in ("yes", "no")),
                            (COUNTS, re.search(r"how many|number of", question.lower()))):
        if not applies:
            continue
        good = [g for g in groups if any(a.lower() in g for a in accept)]
        if any(has(answer, word) for g in groups if g not in good for word in g):
            return False
    return True


def ask(longview, video, questions, extra):
    done = subprocess.run([longview, "ask", str(video), *questions, "--json", *extra], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"asking about {video}: longview exited {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def black(folder, seconds):
    path = Path(folder) / f"black{seconds:.1f}.mp4"
    if not path.exists():
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"color=black:s=320x240:r=5:d={seconds}", str(path)],
                       check=True)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--longview", default="build/app/longview")
    parser.add_argument("--questions", type=Path, default=Path("assets/clips/questions.json"))
    parser.add_argument("--clips", type=Path, help="folder of the clips (default: beside the questions)")
    parser.add_argument("--no-blind", action="store_true")
    parser.add_argument("extra", nargs="*", help="more options for `longview ask`, after --")
    args = parser.parse_args()
    by_clip = defaultdict(list)
    for q in json.loads(args.questions.read_text()):
        by_clip[q["clip"]].append(q)
    score = blind = asked = 0
    with tempfile.TemporaryDirectory() as folder:
        for clip, questions in by_clip.items():
            texts = [q["question"] for q in questions]
            seen = ask(args.longview, (args.clips or args.questions.parent) / clip, texts, args.extra)
            alone = None
            if not args.no_blind:
                alone = ask(args.longview, black(folder, seen["duration"]), texts, args.extra)
            for k, q in enumerate(questions):
                answer = seen["answers"][k]["answer"]
                good = right(answer, q["question"], q["accept"])
                score += good
                asked += 1
                note = ""
                if alone:
                    other = alone["answers"][k]["answer"]
                    good_blind = right(other, q["question"], q["accept"])
                    blind += good_blind
                    note = f"   (blind {'+' if good_blind else '-'} {other})"
                print(f"{'+' if good else '-'} {clip}: {q['question']} -> {answer}{note}")
    print(f"right {score} of {asked} = {score / asked:.2f}" + ("" if args.no_blind else f", blind {blind / asked:.2f}"))


if __name__ == "__main__":
    main()
