"""Do the newest versions that pyproject.toml allows work? Resolved by uv, tried in an environment that is thrown away.

    python -m scripts.upgrade_check                  everything as new as allowed
    python -m scripts.upgrade_check duckdb pandas    these packages, the rest as locked

Exit: that of the unit tests on the newer versions; 0 if nothing is newer. Nothing of this checkout changes.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import uv

PROJECT = Path(__file__).resolve().parents[1]
LOCK = PROJECT / "requirements.lock"
COMPILE = ["--universal", "--python-version", "3.12", "--generate-hashes", "--no-strip-extras", "--extra", "dev"]
TESTS = ["-q", "-m", "not slow", "--numprocesses", "auto", "tests/unit"]


def locked(lock: Path) -> dict[str, str]:
    """Package -> version."""
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock.read_text(encoding="utf-8"), re.MULTILINE))


def run_uv(*words: str | Path) -> None:
    subprocess.run([uv.find_uv_bin(), *words, "--quiet"], cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)


def main(packages: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="nqpf-upgrade-") as name:
        lock, environment = Path(name) / "requirements.lock", Path(name) / "venv"
        shutil.copyfile(LOCK, lock)
        upgrade = [word for package in packages for word in ("--upgrade-package", package)] or ["--upgrade"]
        run_uv("pip", "compile", *COMPILE, *upgrade, "pyproject.toml", "-o", lock)
        old, new = locked(LOCK), locked(lock)
        changes = [f"{package} {old.get(package, '-')} -> {v}" for package, v in new.items() if old.get(package) != v]
        print("newer:", ", ".join(changes) or "nothing", flush=True)
        if not changes:
            return 0
        python = environment / "bin" / "python"
        run_uv("venv", "--python", sys.executable, environment)
        run_uv("pip", "install", "--python", python, "--require-hashes", "-r", lock)
        run_uv("pip", "install", "--python", python, "--no-deps", "--no-build-isolation", "-e", PROJECT)
        os.environ["PATH"] = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run([python, "-m", "pytest", *TESTS], cwd=PROJECT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
