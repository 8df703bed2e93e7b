"""Coverage-guided fuzzing: `python tests/fuzz/fuzz.py canvas tests/fuzz/corpus/canvas -max_total_time=600`.

Needs `pip install atheris`, which exists for Linux. The rest is libFuzzer's: folders of inputs, of
which the first takes in what is found, and its options. Anything slow, growing or raised ends it, with the
input in a file.
"""

import sys
from pathlib import Path

import atheris

sys.path[0] = str(Path(__file__).parents[2])

with atheris.instrument_imports(include=["canvas", "storage.scene_file", "storage.scene"]):
    from tests.fuzz.targets import read_file, read_model_text

TARGETS = {"canvas": read_model_text, "scene_file": read_file}
LIMITS = ["-timeout=10", "-rss_limit_mb=2048", "-max_len=20000"]

if __name__ == "__main__":
    target, *options = sys.argv[1:]
    atheris.Setup([sys.argv[0], *LIMITS, *options], TARGETS[target])
    atheris.Fuzz()
