"""Secrets that are published as examples: findings of them would only be noise.

Each is put together here, so that no scanner takes this file for a leak.
"""

from sensitive.alphabets import words

AWS_KEY_ID = "AKIA" + "IOSFODNN7" + "EXAMPLE"
AWS_OTHER_KEY_ID = "AKIA" + "I44QH8DHB" + "EXAMPLE"
AWS_SECRET = "wJalrXUtnFEMI/" + "K7MDENG/" + "bPxRfiCY" + "EXAMPLEKEY"
RFC7519 = (
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6"
    "Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)
STORAGE_EMULATOR = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw" + "=="
)
COSMOS_EMULATOR = (
    "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw" + "=="
)
# https://docs.stripe.com/testing, https://developer.paypal.com/api/rest/sandbox/card-testing.
TEST_CARDS = words(
    "4242424242424242 4000056655665556 5555555555554444 2223003122003222 5105105105105100 "
    "378282246310005 371449635398431 6011111111111117 3056930009020004 3566002020360505 "
    "4111111111111111 4012888888881881"
)
ALL = (
    AWS_KEY_ID,
    AWS_OTHER_KEY_ID,
    AWS_SECRET,
    RFC7519,
    STORAGE_EMULATOR,
    COSMOS_EMULATOR,
    *TEST_CARDS,
)
