"""YAML keeps its places, and nothing in a file stalls or breaks its reader."""

from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from collector.problem import ProblemsError
from collector.yamlmap import MAX_BYTES, MAX_DEPTH, MAX_NODES, load, read

KEYS = st.text("abcdef", min_size=1, max_size=3)
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)


def problems(text):
    with pytest.raises(ProblemsError) as caught:
        load(text, "f.yaml")
    return caught.value.problems


@given(VALUES)
def test_what_was_written_is_what_is_read(value):
    assert load(yaml.safe_dump(value), "f").value == value


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_a_problem(text):
    with suppress(ProblemsError):
        load(text, "f")


def test_every_value_has_its_place():
    document = load("a: 1\npolicies:\n  - id: x\n    options: {deep: [1, 2]}\n", "f.yaml")

    assert document.place(("policies", 0, "id")) == (3, 9)
    assert document.place(("policies", 0, "id"), at_key=True) == (3, 5)
    assert document.place(("policies", 0, "options", "deep", 1)) == (4, 25)
    assert document.at(("policies", 0, "options", "deep", 1)) == 2


def test_what_is_missing_has_the_place_of_what_should_hold_it():
    document = load("policies:\n  - id: x\n", "f.yaml")

    assert document.place(("policies", 0, "kind")) == (2, 5)
    assert document.at(("policies", 0, "kind")) is None


def test_words_that_old_yaml_takes_for_truth_stay_words():
    value = load("a: off\nb: no\nc: true\nd: 'true'\n", "f").value

    assert value == {"a": "off", "b": "no", "c": True, "d": "true"}


def test_a_key_that_stands_twice_is_named_with_both_lines():
    (problem,) = problems("a: 1\nb: 2\na: 3\n")

    assert problem.line == 3
    assert "first in line 1" in problem.message


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: [1, 2\nc: 3\n", 3),
        ("a: 'x\n", 2),
        ("\tx: 1\n", 1),
        ("a: *nowhere\n", 1),
        ("a: 1\n---\nb: 2\n", 2),
        ("a: !!python/object:os.system x\n", 1),
        ("a: 1\nb: 2027-13-45\n", 2),
        ("a: &x {<<: *x}\n", 1),
        ("a: {k: 1}\nb: {<<: {k: 2}}\n", 2),
        ("? [a]\n: 1\n", 1),
    ],
)
def test_what_is_not_plain_yaml_is_a_problem_with_its_line(text, line):
    assert problems(text)[0].line in (line, line - 1)


def test_control_characters_are_refused_in_their_place():
    (problem,) = problems("a: 1\r\nb: \x0cx")

    assert problem.message == "not valid YAML: the character U+000C is not allowed"
    assert (problem.line, problem.column) == (2, 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"\\UFFFFFFFF"', "a number is too large"),
        ('"\\U00110000"', "a number is too large"),
        ('"\\ud800"', "half a character"),
        ("0x" + "f" * 5000, "the number is too large"),
        ("9" * 5000, "looks like a number"),
        ("!!bool x", "`x` is not of the tag tag:yaml.org,2002:bool"),
        ('!!int ""', "is not of the tag"),
        ("!!timestamp x", "`x` is not of the tag"),
        ("!!seq x", "the tag tag:yaml.org,2002:seq is not supported"),
        ("!!set {x}", "the tag tag:yaml.org,2002:set is not supported"),
        ("!include [x]", "the tag !include is not supported"),
    ],
)
def test_what_only_pyyaml_reads_or_stumbles_over_is_a_problem_with_its_line(text, message):
    (problem,) = problems(f"a: 1\nb: {text}\n")

    assert message in problem.message
    assert problem.line == 2


def test_a_key_that_is_a_list_by_its_tag_is_refused():
    assert "not supported" in problems("!!seq x: 1")[0].message


def test_a_version_with_too_many_digits_is_refused():
    assert "too large" in problems(f"%YAML {'1' * 5000}.1\n--- a")[0].message


def test_aliases_are_followed():
    assert load("a: &x [1]\nb: *x\n", "f").value == {"a": [1], "b": [1]}


def test_aliases_that_multiply_are_refused_at_the_bound():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]

    (problem,) = problems("\n".join(lines))

    assert str(MAX_NODES) in problem.message


def test_an_alias_within_itself_is_refused():
    assert "within" in problems("a: &x [*x]")[0].message


@pytest.mark.parametrize(("depth", "fine"), [(MAX_DEPTH, True), (MAX_DEPTH + 1, False)])
def test_depth_is_bounded(depth, fine):
    text = "[" * depth + "]" * depth
    if fine:
        load(text, "f")
    else:
        assert "deep" in problems(text)[0].message


def test_depth_that_aliases_build_is_bounded():
    nest = "[" * 40, "]" * 40
    text = f"a: &a {nest[0]}1{nest[1]}\nb: {nest[0]}*a{nest[1]}\n"

    assert "deep" in problems(text)[0].message


def test_many_brackets_do_not_exhaust_the_stack():
    assert problems("[" * 100_000)


@pytest.mark.parametrize(("size", "fine"), [(MAX_BYTES, True), (MAX_BYTES + 1, False)])
def test_the_size_of_a_file_is_bounded(tmp_path, size, fine):
    file = tmp_path / "f.yaml"
    file.write_bytes(b"#" * size)
    if fine:
        assert read(file).value is None
    else:
        with pytest.raises(ProblemsError, match="larger"):
            read(file)


def test_what_cannot_be_read_is_a_problem(tmp_path):
    with pytest.raises(ProblemsError, match="no such file"):
        read(tmp_path / "absent.yaml")
    with pytest.raises(ProblemsError, match="directory"):
        read(tmp_path)


def test_what_is_not_utf_8_is_named_with_its_line(tmp_path: Path):
    file = tmp_path / "f.yaml"
    file.write_bytes(b"a: 1\nb: \xff\n")

    with pytest.raises(ProblemsError) as caught:
        read(file)

    assert caught.value.problems[0].line == 2
