"""Other tools on the same samples.

They know no keys, so they read `key=value`, as a log or a file would show it.
"""

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from sensitive.corpus import Sample
from sensitive.gitleaks import Gitleaks
from sensitive.scoring import Span

CHILD = Path(__file__).with_name("rival_child.py")
Finds = list[list[Span]]


def _line(sample: Sample) -> tuple[str, int]:
    head = f"{sample.key}=" if sample.key else ""
    return head + sample.value, len(head)


def _spans(found: Iterable, offset: int) -> list[Span]:
    spans = [Span(max(0, start - offset), end - offset, by) for start, end, by in found]
    return [span for span in spans if span.end > 0]


def gitleaks(path: Path, samples: Sequence[Sample], tell: Callable[[], None]) -> Finds:
    rules = Gitleaks(path)
    finds = []
    for sample in samples:
        text, offset = _line(sample)
        finds.append(_spans(rules.find(text), offset))
        tell()
    return finds


def foreign(python: Path, tool: str, samples: Sequence[Sample], tell: Callable[[], None]) -> Finds:
    """Finds of a tool that is installed beside another Python."""
    lines = [_line(sample) for sample in samples]
    text = "".join(json.dumps(line) + "\n" for line, _ in lines)
    finds = []
    for answer, (_, offset) in zip(_answers(python, tool, text), lines, strict=True):
        finds.append(_spans(json.loads(answer), offset))
        tell()
    return finds


def _answers(python: Path, tool: str, text: str) -> Iterator[str]:
    command = [str(python), str(CHILD), tool]
    with tempfile.TemporaryFile("w+") as asked, tempfile.TemporaryFile("w+") as said:
        asked.write(text)
        asked.seek(0)
        with subprocess.Popen(
            command, stdin=asked, stdout=subprocess.PIPE, stderr=said, text=True
        ) as child:
            yield from child.stdout
        if child.returncode:
            said.seek(0)
            raise RuntimeError(f"{tool} did not run: {said.read().strip()}")


def installed(python: Path, tool: str) -> bool:
    module = tool.replace("-", "_") if tool != "presidio" else "presidio_analyzer"
    command = [str(python), "-c", f"import {module}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
