"""Every generator gives what the issuer's own checks would take."""

import base64
import json
import zlib
from random import Random

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key
from sensitive import azure, checksums, harmless, keys, personal
from sensitive.tokens import TOKENS

TIMES = 40


def made(make, count=TIMES, seed=3):
    rng = Random(seed)
    return [make(rng) for _ in range(count)]


# https://github.com/DataDog/dd-sensitive-data-scanner, github_token_checksum.rs.
@pytest.mark.parametrize(
    ("body", "check"),
    [
        ("M7H4jxUDDWHP4kZ6A4dxlQYsQIWJuq", "11T4V4"),
        ("HEEjXavM6wKtyhAUwDblMznMEhWyTt", "4XwY6f"),
        ("yk8LTIKF7M9SgRPBFzu7nkPQBBLcAa", "2aAbrx"),
        ("vKdQ4XtRZOBFd16YZEgyLKyQ8Cee4g", "2NJ0mT"),
    ],
)
def test_crc32_base62_gives_published_checksums_of_github(body, check):
    assert checksums.crc32_base62(body) == check


# https://github.com/DataDog/dd-sensitive-data-scanner, atlassian_token_checksum.rs.
def test_crc32_hex_gives_a_published_checksum_of_atlassian():
    body = (
        "ATATT3xFfGF0YZuf-EBmAHs1FyiNmk0cYQKtD9zx2LIv8d_zB-yk5Zp8nkug2Rp_ZnYJwq9ys-"
        "lS0PRAXLS4vL-crh5tbBbGQISteyOCpgUGgKjckD2MF9A6EZVGdTXikj52U2VDS8HeDlUq9Gmw8KYs5Kb0hS-"
        "LZo4Sb2PMpT1Zx0MmTXs_EyA="
    )
    assert checksums.crc32_hex(body) == "E2826606"


# https://github.com/dotnet/corefx, src/Common/tests/Tests/System/MarvinTests.cs.
@pytest.mark.parametrize(
    ("seed", "data", "expected"),
    [
        (0x4FB61A001BDBCC, "", 0x30ED35C100CD3C7D),
        (0x4FB61A001BDBCC, "af", 0x48E73FC77D75DDC1),
        (0x4FB61A001BDBCC, "e70f", 0xB5F6E1FC485DBFF8),
        (0x4FB61A001BDBCC, "37f495", 0xF0B07C789B8CF7E8),
        (0x4FB61A001BDBCC, "8642dc59", 0x7008F2E87E9CF556),
        (0x804FB61A001BDBCC, "153fb79826", 0xA06114B13464DBD),
        (0x804FB61A801BDBCC, "00FF00FF00FF00", 0x71876F2EFB1B0EE8),
    ],
)
def test_marvin_gives_published_hashes(seed, data, expected):
    assert checksums.marvin(bytes.fromhex(data), seed) == expected


# BIP 173, "Test vectors".
def test_bech32_gives_a_published_text():
    assert checksums.bech32("a", b"") == "a12uel5l"


@pytest.mark.parametrize(
    ("country", "account", "check"),
    [("DE", "370400440532013000", "89"), ("GB", "WEST12345698765432", "82")],
)
def test_iban_digits_are_those_of_published_accounts(country, account, check):
    assert checksums.iban_digits(country, account) == check


def test_luhn_digit_is_that_of_a_published_test_card():
    assert checksums.luhn_digit("411111111111111") == "1"


def test_tokens_of_github_and_npm_carry_their_checksum():
    for detector in ("github-token", "npm-token"):
        for make in TOKENS[detector]:
            for token in made(make):
                body = token.split("_", 1)[1]
                assert checksums.crc32_base62(body[:-6]) == body[-6:], detector


def test_a_grafana_token_ends_in_the_crc32_of_what_precedes():
    for token in made(TOKENS["grafana-token"][0]):
        assert zlib.crc32(token[:37].encode()).to_bytes(4, "little").hex() == token[38:]


# IdentifiableSecrets.ValidateBase64Key of microsoft/security-utilities.
@pytest.mark.parametrize(
    ("make", "size", "at", "kinds"),
    [
        (azure.account_key, 64, 76, azure.ACCOUNT_KEYS),
        (azure.shared_access_key, 32, 33, azure.SHARED_KEYS),
    ],
)
def test_azure_keys_hold_signature_and_checksum_in_their_places(make, size, at, kinds):
    for key in made(make):
        data = base64.b64decode(key)
        assert len(data) == size
        seeds = [azure.seed_of(name) for mark, name in kinds if key[at : at + 4] == mark]
        check = int.from_bytes(data[-4:], "little")
        assert check in {checksums.marvin32(data[:-4], seed) for seed in seeds}


def test_the_seed_of_a_name_is_that_of_the_published_table():
    assert azure.seed_of("Default0") == 0x44656661756C7430
    assert azure.seed_of("MastRW00") == 0x4D61737452573030


# IdentifiableSecrets.TryValidateCommonAnnotatedKey of microsoft/security-utilities.
def test_common_annotated_keys_hold_their_marks_and_checksum():
    for key in made(azure.cask_key):
        assert len(key) in (84, 88)
        assert key[52:58] == "JQQJ99"
        check = checksums.marvin32(base64.b64decode(key[:80]), azure.seed_of("Default0"))
        assert base64.b64decode(key)[60:63] == check.to_bytes(4, "little")[:3]


# IdentifiableMetadata.IsAzureAadClientAppIdentifiableSecret of microsoft/security-utilities.
def test_client_secrets_of_the_newer_kind_end_in_their_checksum():
    for secret in made(azure.client_secret):
        assert len(secret) == (40 if secret[3:6] == "8Q~" else 37)
        if len(secret) == 40:
            check = checksums.marvin32(secret[:-3].encode(), azure.seed_of("AadPwd00"))
            assert checksums.digits_of(check, azure.SECRET_LETTERS).startswith(secret[-3:])


def test_private_keys_load_where_their_text_is_a_real_key():
    for text in made(keys.pem, 24):
        if "OPENSSH" in text:
            assert load_ssh_private_key(text.encode(), None)
        elif "PGP" not in text and "ENCRYPTED" not in text:
            assert load_pem_private_key(text.encode(), None)


def test_a_service_account_holds_a_key_that_loads():
    account = json.loads(keys.service_account(Random(1)))
    assert load_pem_private_key(account["private_key"].encode(), None)


def test_a_json_web_token_is_json_in_both_parts():
    for token in made(keys.jwt):
        head, body, signature = token.split(".")
        assert json.loads(base64.urlsafe_b64decode(head + "=="))["alg"]
        assert json.loads(base64.urlsafe_b64decode(body + "=="))["exp"]
        assert len(signature) >= 43


def test_a_macaroon_of_pypi_names_its_host():
    for make in TOKENS["pypi-token"]:
        token = make(Random(2))
        data = base64.urlsafe_b64decode(token[5:] + "=" * (-len(token[5:]) % 4))
        assert data[:2] == b"\x02\x01"
        assert data[3 : 3 + data[2]].endswith(b"pypi.org")


def test_cards_and_accounts_pass_their_check():
    for number in made(personal.pan):
        assert checksums.luhn_digit(number[:-1]) == number[-1]
    for account in made(personal.iban):
        number = "".join(str(int(letter, 36)) for letter in account[4:] + account[:4])
        assert int(number) % 97 == 1


def test_broken_twins_differ_in_one_letter_and_fail_their_check():
    for number in made(harmless.wrong_pan):
        assert checksums.luhn_digit(number[:-1]) != number[-1]
    for token in made(harmless.HARMLESS["badgithub"]):
        body = token.split("_", 1)[1]
        assert checksums.crc32_base62(body[:-6]) != body[-6:]
    for key in made(harmless.HARMLESS["badaccount"]):
        data = base64.b64decode(key)
        seeds = [azure.seed_of(name) for _, name in azure.ACCOUNT_KEYS]
        assert all(
            checksums.marvin32(data[:-4], seed) != int.from_bytes(data[-4:], "little")
            for seed in seeds
        )


def test_generators_repeat_themselves_for_the_same_seed_only():
    for detector, makers in TOKENS.items():
        for make in makers:
            assert make(Random(8)) == make(Random(8)), detector
            assert make(Random(8)) != make(Random(9)), detector
