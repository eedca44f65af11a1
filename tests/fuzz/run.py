"""`make fuzz`: builds the compiled decoder with sanitizers, and feeds it until time is up.

Everything is made under ``build/fuzz`` from the sources of the checkout. What is found is made
smaller and kept under ``tests/fuzz/found``, where `test_found.py` replays it ever after.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import seeds

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
BUILD = ROOT / "build" / "fuzz"
PACKAGE = BUILD / "package"
FOUND = HERE / "found"
INTERRUPTED = 72

#: Pointer arithmetic on NULL stays: Cython's own code does it, and no compiler minds.
UNDEFINED = (
    "alignment,bounds,shift,signed-integer-overflow,integer-divide-by-zero,float-cast-overflow"
)
FLAGS = [
    "-g",
    "-O1",
    "-fno-omit-frame-pointer",
    f"-fsanitize=address,{UNDEFINED}",
    f"-fno-sanitize-recover={UNDEFINED}",
    f"-I{sysconfig.get_path('include')}",
]
ENVIRONMENT = {
    # CPython's own allocator hands out pieces of large blocks: reads beyond one go unseen.
    "PYTHONMALLOC": "malloc",
    # CPython never frees its modules and interned strings; -rss_limit_mb sees what grows.
    "ASAN_OPTIONS": "detect_leaks=0:malloc_context_size=6:quarantine_size_mb=32",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


def main() -> None:
    """Build, make seeds, run, and keep what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--clang", default=os.environ.get("CLANG", ""))
    arguments = parser.parse_args()
    fuzzer = build(_clang(arguments.clang))
    corpus = BUILD / "corpus"
    seeds.write(BUILD / "seeds")
    seeds.words(BUILD / "words")
    corpus.mkdir(exist_ok=True)
    artifact = BUILD / "crash"
    artifact.unlink(missing_ok=True)
    code = _start(
        fuzzer,
        f"-max_total_time={arguments.seconds}",
        "-max_len=12000",
        "-timeout=30",
        "-report_slow_units=60",  # by itself a slow input is no finding
        "-detect_leaks=0",
        f"-dict={BUILD / 'words'}",
        "-print_final_stats=1",
        f"-exact_artifact_path={artifact}",
        str(corpus),
        str(BUILD / "seeds"),
        str(FOUND),
    )
    if code not in (0, INTERRUPTED) and artifact.exists():
        print(f"found: {_keep(fuzzer, artifact)}")
    sys.exit(code)


def _clang(wanted: str) -> str:
    for name in [wanted] if wanted else ["clang", *(f"clang-{n}" for n in range(22, 12, -1))]:
        found = shutil.which(name)
        if found:
            return found
    sys.exit(
        "make fuzz needs clang with its sanitizers, as GCC has no libFuzzer. On Debian:\n"
        "  apt-get install clang-14 libclang-rt-14-dev\n"
        "or name one that is there: make fuzz CLANG=/path/to/clang"
    )


def build(clang: str) -> Path:
    """The fuzzer, made anew where a source is newer.

    Args:
        clang: a compiler that has the runtimes of the sanitizers.
    """
    sources = ROOT / "collector"
    unmade = shutil.ignore_patterns("*.c", "*.so", "__pycache__")
    shutil.copytree(sources, PACKAGE / "collector", ignore=unmade, dirs_exist_ok=True)
    native = PACKAGE / "collector" / "decode" / "native"
    newest = max(path.stat().st_mtime for path in native.glob("*.p[yx]*"))
    flags, known = " ".join((clang, *FLAGS)), BUILD / "flags"
    if not known.exists() or known.read_text() != flags:
        for made in native.glob("*.so"):
            made.unlink()
        known.write_text(flags)
    for source in sorted(native.glob("*.pyx")):
        made = native / f"{source.stem}{sysconfig.get_config_var('EXT_SUFFIX')}"
        if made.exists() and made.stat().st_mtime > newest:
            continue
        print(f"building {source.name}", flush=True)
        code = source.with_suffix(".c")
        _call(sys.executable, "-m", "cython", "-3", str(source.relative_to(PACKAGE)), cwd=PACKAGE)
        coverage = ("-fsanitize=fuzzer-no-link", "-fPIC", "-shared")
        _call(clang, *FLAGS, *coverage, "-o", str(made), str(code))
    fuzzer = BUILD / "fuzzer"
    _call(
        clang,
        *FLAGS,
        "-fsanitize=fuzzer",
        f'-DFUZZ_PYTHON="{sys.executable}"',
        f'-DFUZZ_TESTS="{HERE}"',
        f'-DFUZZ_PACKAGE="{PACKAGE}"',
        str(HERE / "driver.c"),
        "-rdynamic",
        f"-L{sysconfig.get_config_var('LIBDIR')}",
        f"-Wl,-rpath,{sysconfig.get_config_var('LIBDIR')}",
        f"-lpython{sysconfig.get_config_var('LDVERSION')}",
        "-o",
        str(fuzzer),
    )
    return fuzzer


def _keep(fuzzer: Path, artifact: Path) -> Path:
    """Make an input smaller as long as that takes no more than a minute, and keep it."""
    smaller = BUILD / "smaller"
    smaller.unlink(missing_ok=True)
    _start(
        fuzzer,
        "-minimize_crash=1",
        "-max_total_time=60",
        f"-exact_artifact_path={smaller}",
        str(artifact),
    )
    data = (smaller if smaller.exists() else artifact).read_bytes()
    kept = FOUND / hashlib.sha256(data).hexdigest()[:16]
    kept.write_bytes(data)
    return kept


def _start(fuzzer: Path, *arguments: str) -> int:
    return subprocess.run(
        [str(fuzzer), *arguments], env=os.environ | ENVIRONMENT, check=False
    ).returncode


def _call(*command: str, cwd: Path = ROOT) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(
            f"{done.stderr}\n{command[0]} failed; clang needs its own runtimes of the sanitizers, "
            "and the headers and the shared library of Python"
        )


if __name__ == "__main__":
    main()
