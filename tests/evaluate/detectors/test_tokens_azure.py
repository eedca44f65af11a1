"""Keys of Azure are known by a signature in them, and their checksum decides."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import pytest

from collector.evaluate.detectors.scan import Detectors

sys.path.insert(0, str(Path(__file__).parent))
import making
from making import ALNUM, URLSAFE, chars

DETECTORS = Detectors(b"key of the tests")

ACCOUNT = [
    (76, signature, seed, 64)
    for signature, seed in [
        ("+ASt", "Default0"),
        ("ACDb", "MastRW00"),
        ("ACDb", "MastRO00"),
        ("+ABa", "AbAcct00"),
        ("+AMC", "Classic0"),
        ("APIM", "IoTHub00"),
        ("APIM", "Gatewy00"),
    ]
]
SHARED = [
    *(
        (33, signature, seed, 32)
        for signature, seed in [
            ("+ASb", "Send0000"),
            ("+ASb", "Manage00"),
            ("+AEh", "Listen00"),
            ("+ARm", "Send0000"),
            ("AIoT", "IoTHub00"),
            ("AIoT", "Device00"),
            ("AzCa", "Access00"),
            ("AZEG", "Default0"),
        ]
    ),
    (42, "AzSe", "Query000", 39),
    (42, "AzSe", "PAdmin00", 39),
    (42, "+ACR", "ACRDflt0", 39),
    (44, "AzFu", "Functi00", 40, "-_"),
    (44, "AzFu", "Master00", 40, "-_"),
]
KEYS = [
    *(("azure-account-key", making.azure(*one)) for one in ACCOUNT),
    *(("azure-shared-access-key", making.azure(*one)) for one in SHARED),
    ("azure-cask-key", making.cask()),
    ("azure-cask-key", making.cask(base62=True)),
    ("azure-cask-key", making.cask("ACOG", "D")),
    ("azure-cask-key", making.cask("APIM", long=True)),
    # ApiKeyV5Facts.cs of NuGet/NuGetGallery
    ("azure-cask-key", "a" * 52 + "JQQJ99ALN5Z0000LZENeS003NUGT3OrW"),
]
SECRETS = [
    f"{chars(ALNUM, 3)}8Q~{chars(ALNUM + '_~', 34)}",
    f"{chars(ALNUM, 3)}7Q~{chars(ALNUM + '_~', 31)}",
]


def names(text: str, key: str = "note") -> list[str]:
    return [find.detector.name for find in DETECTORS.find(text, key)]


@pytest.mark.parametrize(("name", "key"), KEYS)
@pytest.mark.parametrize("around", ["{}", "AccountKey={};Suffix=a", '"{}"', "key {} of"])
def test_a_key_is_found(name: str, key: str, around: str) -> None:
    assert names(around.format(key)) == [name]


@pytest.mark.parametrize(("name", "key"), KEYS)
def test_a_key_whose_checksum_is_off_by_one_is_not_reported(name: str, key: str) -> None:
    for at in (3, 20, len(key.rstrip("=")) - 2):
        other = "b" if key[at] != "b" else "c"
        assert name not in names(key[:at] + other + key[at + 1 :])


@pytest.mark.parametrize(("name", "key"), KEYS)
def test_a_key_that_is_cut_or_part_of_more_is_not_reported(name: str, key: str) -> None:
    assert name not in names(key[1:])
    assert name not in names(key[:-6])
    assert name not in names(f"a{key}")
    assert name not in names(f"{key.rstrip('=')}aa")


def test_a_key_of_functions_is_found_in_a_query() -> None:
    key = making.azure(44, "AzFu", "Functi00", 40, "-_").replace("=", "%3D")
    assert "azure-shared-access-key" in names(f"https://a.azurewebsites.net/api/f?code={key}")


def test_a_key_of_redis_is_found_without_its_plus_and_slash() -> None:
    found = 0
    for number in range(200):
        body = base64.b64decode(chars(ALNUM, 33, number) + "AzCaAA==")[:28]
        key = base64.b64encode(body + making.marvin_checksum(body, "Access00")).decode()
        plain = key[:37] + key[37:].replace("+", "P").replace("/", "F")
        found += names(plain) == ["azure-shared-access-key"]
    assert found == 200


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("around", ["{}", "client_secret={}", "the secret {}.", '"{}"'])
def test_a_client_secret_is_found(secret: str, around: str) -> None:
    assert "azure-client-secret" in names(around.format(secret))


@pytest.mark.parametrize(
    "text",
    [
        f"{chars(ALNUM, 3)}8Q~{chars(ALNUM, 33)}",
        f"{chars(ALNUM, 3)}7Q~{chars(ALNUM, 34)}",
        f"{chars(ALNUM, 3)}9Q~{chars(ALNUM, 34)}",
        f"{chars(ALNUM, 3)}8Q~{'x' * 34}",
        f"{chars(ALNUM, 3)}8Q~{'*' * 34}",
        f"a{chars(ALNUM, 3)}8Q~{chars(ALNUM, 34)}",
        "zzz8Q~" + "z" * 34,
        f"Signature: {chars(URLSAFE, 60)}8Q~{chars(ALNUM, 34)}",
        chars(ALNUM, 43) + "=",
        chars(ALNUM, 86) + "==",
        "JQQJ99",
        chars(ALNUM, 52) + "JQQJ99" + chars(ALNUM, 26),
    ],
)
def test_what_only_resembles_a_key_of_azure_is_left_alone(text: str) -> None:
    assert names(text) == []
