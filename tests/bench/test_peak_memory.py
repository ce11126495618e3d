"""The most memory that a process has held."""

import json
import subprocess
import sys

CODE = """
import json
from bench.peak_memory import peak_mb
before = peak_mb()
held = b"x" * 200_000_000
del held
print(json.dumps([before, peak_mb()]))
"""


def test_what_was_let_go_counts() -> None:
    run = subprocess.run([sys.executable, "-c", CODE], check=True, capture_output=True, text=True)
    before, after = json.loads(run.stdout)
    assert before < 100
    assert 190 < after - before < 220
