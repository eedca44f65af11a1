"""Whatever a sender puts into a name, it stays text on one line."""

import json

import pytest

from collector.report.printable import as_json, one_line

#: Clear the screen, set the title, a new line, C1's CSI, an end of line of Unicode, a reversal of
#: direction, a private use character beyond the first plane, half a pair.
COMMANDS = "\x1b[2J\x1b]0;t\x07\n\r\x7f\x9b31m\x85\u2028\u202e\U000f0000\ud800"


@pytest.mark.parametrize("character", COMMANDS + "[")
def test_a_text_becomes_one_line_that_can_be_seen(character):
    assert one_line(f"a{character}ü").isprintable()
    assert one_line("[a]ü…") == "[a]ü…"


def test_json_says_the_same_and_shows_nothing_but_text():
    value = {"service": f"müd {COMMANDS}", "evidence": ["…", 1, {"\x9b": "\x1b"}]}
    line = as_json(value)
    assert line.isprintable()
    assert json.loads(line) == value
    assert "müd" in line
    line.encode()
