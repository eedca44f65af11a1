"""What all tests share: auditors that they start need not compile the detectors each anew."""

import os


def pytest_configure(config):
    """Let processes keep compiled detectors where pytest keeps its own."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # they would compile every module anew
    if getattr(config, "cache", None) is not None:
        folder = config.cache.mkdir("detectors")
        os.environ.setdefault("TELEMETRY_AUDITOR_SECRETS_CACHE_DIRECTORY", str(folder))
