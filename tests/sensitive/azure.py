"""Keys of Azure, with the checksums of https://github.com/microsoft/security-utilities."""

import base64
from random import Random
from urllib.parse import quote

from sensitive.alphabets import ALNUM, LOWER_ALNUM, base64_of, random_base64, text
from sensitive.checksums import digits_of, marvin32

# A signature, and the name of the kind of key, which is the seed.
ACCOUNT_KEYS = (
    ("+ASt", "Default0"),
    ("ACDb", "MastRW00"),
    ("ACDb", "MastRO00"),
    ("+ABa", "AbAcct00"),
    ("+AMC", "Classic0"),
    ("APIM", "Gatewy00"),
)
SHARED_KEYS = (
    ("+ASb", "Send0000"),
    ("+ASb", "Manage00"),
    ("+AEh", "Listen00"),
    ("+AEh", "Manage00"),
    ("+ARm", "Send0000"),
    ("AIoT", "IoTHub00"),
    ("AIoT", "Device00"),
    ("AzCa", "Access00"),
)
CASK_SIGNATURES = ("AZDO", "AZEG")
SECRET_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890.-_~"


def seed_of(name: str) -> int:
    """The eight letters of a name, the first the highest."""
    return int.from_bytes(name.encode(), "big")


def identifiable(size: int, signature: str, seed: int, rng: Random) -> str:
    """A key of random bytes that ends in a signature and a checksum of four bytes.

    The signature takes four whole letters of the base64 text, so where the random part ends
    inside a letter, the signature is moved by the two or four bits that are left.
    """
    spare = (size - 7) * 8 % 6
    body = bytearray(rng.randbytes(size - 4))
    mark = int.from_bytes(base64.b64decode(signature), "big") << spare
    body[-4:] = ((body[-4] & ~((1 << spare) - 1)) << 24 | mark).to_bytes(4, "big")
    return base64_of(bytes(body) + marvin32(bytes(body), seed).to_bytes(4, "little"))


def account_key(rng: Random) -> str:
    signature, name = rng.choice(ACCOUNT_KEYS)
    return identifiable(64, signature, seed_of(name), rng)


def shared_access_key(rng: Random) -> str:
    signature, name = rng.choice(SHARED_KEYS)
    return identifiable(32, signature, seed_of(name), rng)


def cask_key(rng: Random) -> str:
    """A common annotated key: 52 letters, JQQJ99, a month, reserved room, a provider."""
    while True:
        month = rng.choice("ABC") + rng.choice("ABCDEFGHIJKL")
        provider = rng.choice(CASK_SIGNATURES)
        letters = text(rng, ALNUM, 52) + "JQQJ99" + month + "ACAAAAAAAAAAAAAS" + provider
        body = base64.b64decode(letters)
        check = marvin32(body, seed_of("Default0")).to_bytes(4, "little")
        key = base64_of(body + (check if rng.random() < 0.2 else check[:3]))
        if "+" not in key and "/" not in key:
            return key


def client_secret(rng: Random) -> str:
    """A secret of an Entra application; the newer kind is longer by three letters of checksum."""
    mark = rng.choice(("8Q~", "8Q~", "7Q~"))
    body = text(rng, ALNUM, 3) + mark + text(rng, ALNUM + "_~.-", 31)
    check = digits_of(marvin32(body.encode(), seed_of("AadPwd00")), SECRET_LETTERS)[:3]
    return body + (check if mark == "8Q~" else "")


def sas_signature(rng: Random) -> str:
    return random_base64(rng, 32)


def sas_query(rng: Random) -> tuple[str, str]:
    """A shared access signature, and the secret part of it as it stands there."""
    signature = quote(sas_signature(rng), safe="")
    day = f"2027-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}T08%3A00%3A00Z"
    head = rng.choice(
        (
            f"sv=2022-11-02&ss=bfqt&srt=sco&sp=rwdlacupx&se={day}&spr=https",
            f"sp=r&st=2026-01-04T10:11:12Z&se={day}&spr=https&sv=2022-11-02&sr=b",
            f"sv=2021-12-02&sr=c&si=reader-{text(rng, LOWER_ALNUM, 4)}&se={day}",
        )
    )
    return f"{head}&sig={signature}", signature


def service_bus_token(rng: Random) -> tuple[str, str]:
    """A token as messaging clients send it in a header."""
    signature = quote(sas_signature(rng), safe="")
    where = quote(f"https://{text(rng, LOWER_ALNUM, 8)}.servicebus.windows.net/orders", safe="")
    until = rng.randrange(1_790_000_000, 1_890_000_000)
    return f"SharedAccessSignature sr={where}&sig={signature}&se={until}&skn=send", signature


AZURE = {
    "azure-account-key": (account_key,),
    "azure-cask-key": (cask_key,),
    "azure-client-secret": (client_secret,),
    "azure-shared-access-key": (shared_access_key,),
}
