"""How long a part is trained, and how the whole pipeline is tried out."""

import subprocess
import sys
from pathlib import Path

from engines.generate.training.train import RECIPES
from tests.bus_process import ROOT


def test_a_recipe_is_shortened_stage_by_stage_and_stays_as_it_is_otherwise() -> None:
    whole = RECIPES["bass"]
    short = whole.shortened(20)
    assert [stage.steps for stage in short.stages] == [20] * len(whole.stages)
    assert [stage.learning_rate for stage in short.stages] == [s.learning_rate for s in whole.stages]
    assert whole.shortened(10**9) == whole


def test_a_trial_never_replaces_the_shipped_models(tmp_path: Path) -> None:
    words = [
        "-m",
        "engines.generate.training",
        "bass",
        "--data",
        str(tmp_path),
        "--work",
        str(tmp_path / "w"),
    ]
    ran = subprocess.run(
        [sys.executable, *words, "--steps", "20"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert "--out another folder" in ran.stderr
    assert not (tmp_path / "w").exists()
