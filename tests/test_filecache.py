"""A cache gives back what was put, or nothing; and never breaks what works without it."""

import pytest

from collector.evaluate.detectors import gates
from collector.evaluate.detectors.scan import Detectors
from collector.filecache import FileCache

pytest.importorskip("hyperscan")
TOKEN = "password=" + "".join(f"{n:x}Q" for n in range(40, 56))


@pytest.fixture
def cache(tmp_path):
    return FileCache(tmp_path / "cache")


def test_what_was_put_is_there_for_another_process_too(cache, tmp_path):
    assert cache.get("a") is None

    cache.put("a", b"one")
    cache.put("a", b"two")

    assert FileCache(tmp_path / "cache").get("a") == b"two"
    assert [one.name for one in (tmp_path / "cache").iterdir()] == ["a"]


@pytest.mark.parametrize("change", [lambda d: d[:-1], lambda d: d + b"x", lambda _: b""])
def test_what_was_damaged_is_not_given_back(cache, tmp_path, change):
    cache.put("a", b"one")
    file = tmp_path / "cache" / "a"
    file.write_bytes(change(file.read_bytes()))

    assert cache.get("a") is None


def test_a_folder_that_cannot_be_used_is_told_of_once_and_does_no_harm(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    cache = FileCache(tmp_path / "file")

    cache.put("a", b"one")
    cache.put("b", b"two")

    assert cache.get("a") is None
    assert len([one for one in caplog.records if "is not used" in one.message]) == 1


def test_detectors_from_the_cache_are_not_compiled_and_find_the_same(cache, monkeypatch):
    Detectors(b"k", cache=cache)
    monkeypatch.setattr(gates, "_compiled", lambda *_: pytest.fail("compiled again"))

    (find,) = Detectors(b"k", cache=cache).find(TOKEN)

    assert find.detector.name == "password-assignment"


def test_an_automaton_that_does_not_fit_is_compiled_anew(cache):
    Detectors(b"k", cache=cache)
    for file in cache._folder.iterdir():
        cache.put(file.name, b"of another machine")

    assert len(Detectors(b"k", cache=cache).find(TOKEN)) == 1


def test_other_detectors_have_automata_of_their_own(cache):
    Detectors(b"k", cache=cache)
    Detectors(b"k", disabled=frozenset({"email"}), cache=cache)
    Detectors(b"k", opted=frozenset({"uuid"}), cache=cache)

    assert len(list(cache._folder.iterdir())) == 6
