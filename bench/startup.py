"""How long `harness --help` takes beside a bare interpreter, and what it imports: python bench/startup.py"""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import sys
import time

ROUNDS = 15
COUNT = "import sys; import harness.cli; print(len(sys.modules))"


def seconds(*command: str) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def main() -> None:
    """Runs both in turn, so that a busy machine slows both."""
    pairs = [
        (seconds(sys.executable, "-m", "harness", "--help"), seconds(sys.executable, "-c", "pass"))
        for _ in range(ROUNDS)
    ]
    modules = subprocess.run([sys.executable, "-c", COUNT], check=True, capture_output=True, text=True).stdout
    result = {
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "help_s": round(statistics.median(a for a, _ in pairs), 3),
        "bare_interpreter_s": round(statistics.median(b for _, b in pairs), 3),
        "ratio": round(statistics.median(a / b for a, b in pairs), 1),
        "modules_imported": int(modules),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
