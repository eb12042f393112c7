"""tools/bench/compare_retention.py where no GPU is: its arguments, its reasons, and that its rows are longview-bench's.

Run by ctest: python3 compare_retention_test.py LONGVIEW_BENCH
"""

import io
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout

BENCH = sys.argv.pop()
SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "tools" / "bench" / "compare_retention.py"
sys.path.insert(0, str(SCRIPT.parent))
import compare_retention  # noqa: E402


def run(*arguments, **modules):
    """Exit status and stderr, with modules of these sources found before any other."""
    with tempfile.TemporaryDirectory() as folder:
        for name, source in modules.items():
            pathlib.Path(folder, name + ".py").write_text(source, encoding="utf-8")
        done = subprocess.run([sys.executable, "-B", str(SCRIPT), *arguments], env={"PYTHONPATH": folder},
                              capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def figures(**changed):
    one = {"rows": 4096, "heads": 24, "head_dim": 2, "seconds": 0.002, "last_row": [3.0, 4.0]}
    return compare_retention.compare([one | changed], lambda rows, heads, head_dim: (0.003, [3.0, 4.0]))


class CompareRetention(unittest.TestCase):
    def test_wrong_arguments_are_told_with_status_2(self):
        for arguments in (["--rows", "many"], ["--rows", "63"], ["--rows", "4096,,1"], ["--config", "7b"], ["--row"]):
            status, said = run(*arguments)
            self.assertEqual(status, 2, arguments)
            self.assertIn(arguments[0], said)

    def test_without_torch_or_a_gpu_or_the_package_it_is_skipped_with_the_reason(self):
        gpu = "class cuda:\n    is_available = staticmethod(lambda: {})\n"
        for source, reason in (("raise ImportError('none here')", "torch cannot be imported (none here)"),
                               (gpu.format(False), "torch sees no GPU here"),
                               (gpu.format(True), "pip install fla-core==0.5.0")):
            status, said = run(torch=source)
            self.assertEqual(status, 77, said)
            self.assertIn("skipped: ", said)
            self.assertIn(reason, said)

    def test_the_ratio_is_theirs_over_ours(self):
        out = io.StringIO()
        with redirect_stdout(out):
            compare_retention.tell(figures())
        self.assertEqual(out.getvalue(),
                         "4096 rows, 24 heads of 2: ours 2.000 ms, fla 3.000 ms, fla / ours 1.50\n")

    def test_times_of_different_results_are_refused(self):
        for last_row in ([3.0, 4.2], [3.0, math.nan]):
            with redirect_stdout(io.StringIO()), self.assertRaisesRegex(compare_retention.Failed, "disagree at 4096"):
                compare_retention.tell(figures(last_row=last_row))

    def test_its_rows_are_those_of_longview_bench(self):
        with redirect_stderr(io.StringIO()):
            done = subprocess.run([BENCH, "--prefill", "none", "--decode", "none", "--retention", "65"],
                                  capture_output=True, text=True, check=True)
        report = json.loads(done.stdout)
        self.assertEqual(report["models"], [])
        (found,) = report["retention"]
        rows, heads, dim = found["rows"], found["heads"], found["head_dim"]
        value = compare_retention.value
        state = [[0.0] * dim for _ in range(dim)]
        for row in range(rows):
            first = row * heads * dim
            k = [value(2, first + i) / math.sqrt(dim) for i in range(dim)]
            v = [value(3, first + i) for i in range(dim)]
            decay = math.exp((value(4, row * heads) - 1) / 64)
            for key, line in zip(k, state, strict=True):
                line[:] = [decay * s + key * x for s, x in zip(line, v, strict=True)]
        q = [value(1, (rows - 1) * heads * dim + i) for i in range(dim)]
        last = [sum(q[i] * state[i][j] for i in range(dim)) for j in range(dim)]
        self.assertLess(compare_retention.difference(found["last_row"], last), 1e-5)
        self.assertGreater(math.sqrt(sum(x * x for x in last)), 1)


if __name__ == "__main__":
    unittest.main()
