"""A problem reads like a compiler's: place, line, caret, what is allowed, what was meant."""

from collector.problem import Problem, ProblemsError, quoted, render


def test_a_problem_shows_its_place_its_line_and_what_is_allowed():
    problem = Problem(
        "pack.yaml",
        12,
        5,
        "unknown key `sevrity`",
        allowed=("severity", "summary"),
        found="sevrity",
        advice="Remove it.",
        source="    sevrity: critical",
    )

    assert problem.render().splitlines() == [
        "pack.yaml:12:5: unknown key `sevrity`",
        "    12 |     sevrity: critical",
        "       |     ^",
        "    allowed: severity, summary",
        "    did you mean severity?",
        "    Remove it.",
    ]


def test_nothing_is_suggested_when_nothing_is_near():
    problem = Problem("f", 1, 1, "m", allowed=("severity",), found="zzz")

    assert "did you mean" not in problem.render()


def test_case_does_not_hide_what_was_meant():
    assert Problem("f", allowed=("critical",), found="CRITICAL").suggestion == "critical"
    assert Problem("f", allowed=("GRPC_ADDRESS",), found="GRPC_ADRESS").suggestion == "GRPC_ADDRESS"


def test_a_problem_without_a_line_names_only_its_path():
    assert Problem("flag --grpc", message="is wrong").render() == "flag --grpc: is wrong"


def test_problems_are_sorted_by_place():
    error = ProblemsError([Problem("b", 1, 1), Problem("a", 9, 1), Problem("a", 2, 7)])

    assert [one.place for one in error.problems] == ["a:2:7", "a:9:1", "b:1:1"]
    assert str(error) == render(error.problems)


def test_a_file_cannot_steer_the_terminal():
    problem = Problem("f", 1, 1, "key `\x1b[2J`", source="\x1b[31mred\u202e")

    assert "\x1b" not in problem.render()
    assert "\u202e" not in problem.render()


def test_a_caret_stands_under_its_column_behind_tabs():
    _, source, caret = Problem("f", 3, 3, "m", source="\t\tx: 1").render().splitlines()

    assert source.index("x") == caret.index("^")


def test_a_long_line_and_a_long_list_are_cut():
    allowed = tuple(f"word-{i}" for i in range(41))
    text = Problem("f", 1, 1, "m", allowed=allowed, source="x" * 10_000).render()

    assert len(text) < 1000
    assert "word-39" in text
    assert "word-40" not in text
    assert "(41 in all)" in text


def test_values_are_quoted_as_yaml_has_them_and_never_long():
    assert [quoted(one) for one in (True, None, {}, [], 3, "a")] == [
        "true",
        "nothing",
        "a mapping",
        "a list",
        "`3`",
        "`a`",
    ]
    assert len(quoted("x" * 1000)) <= 62
