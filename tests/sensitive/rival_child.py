"""Runs in the Python of another tool: texts in as JSON lines, places of finds out.

    python rival_child.py detect-secrets|presidio < texts > finds

It stands alone: that Python has neither this project nor what it needs.
"""

import json
import sys


def detect_secrets():
    from detect_secrets.core.scan import scan_line  # noqa: PLC0415 (one of two is there)
    from detect_secrets.settings import default_settings  # noqa: PLC0415

    def find(text):
        for line in text.split("\n"):
            for secret in scan_line(line):
                at = text.find(secret.secret_value)
                if secret.secret_value and at >= 0:
                    yield at, at + len(secret.secret_value), secret.type

    return default_settings(), find


def presidio():
    from contextlib import nullcontext  # noqa: PLC0415

    from presidio_analyzer import predefined_recognizers as known  # noqa: PLC0415

    kinds = (
        known.CreditCardRecognizer,
        known.EmailRecognizer,
        known.IbanRecognizer,
        known.UsSsnRecognizer,
    )
    recognisers = [kind() for kind in kinds]

    def find(text):
        for one in recognisers:
            for got in one.analyze(text, one.supported_entities, None):
                if got.score >= 0.5:
                    yield got.start, got.end, got.entity_type

    return nullcontext(), find


def main():
    around, find = {"detect-secrets": detect_secrets, "presidio": presidio}[sys.argv[1]]()
    with around:
        for line in sys.stdin:
            sys.stdout.write(json.dumps(list(find(json.loads(line)))) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
