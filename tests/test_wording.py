"""Words around numbers in what people read."""

from collector.wording import counted


def test_numbers_agree_with_what_they_count():
    assert [counted(number, "send") for number in (0, 1, 2)] == ["0 sends", "1 send", "2 sends"]
