"""What is costly to make and cheap to load: bytes by name, in a folder, guarded by a hash."""

from __future__ import annotations

import logging
import os
import tempfile
from hashlib import blake2b
from pathlib import Path

_LOG = logging.getLogger("telemetry_auditor")
_DIGEST = 32


class FileCache:
    """Files in a folder. Whatever goes wrong with it, the program works as it does without.

    Args:
        folder: made when it is missing; what is in it is trusted as the program itself is.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._told = False

    def get(self, name: str) -> bytes | None:
        """What was put under a name; None when nothing was, or it was damaged since.

        Args:
            name: a file's name.
        """
        try:
            data = (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._tell(error)
            return None
        digest, content = data[:_DIGEST], data[_DIGEST:]
        return content if blake2b(content, digest_size=_DIGEST).digest() == digest else None

    def put(self, name: str, content: bytes) -> None:
        """Keep bytes, in the place of what was there.

        Args:
            name: a file's name.
            content: any bytes.
        """
        digest = blake2b(content, digest_size=_DIGEST).digest()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, made = tempfile.mkstemp(dir=self._folder, prefix=".new-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(digest + content)
                Path(made).replace(self._folder / name)
            except OSError:
                Path(made).unlink(missing_ok=True)
                raise
        except OSError as error:
            self._tell(error)

    def _tell(self, error: OSError) -> None:
        if not self._told:
            self._told = True
            _LOG.warning("the cache in %s is not used: %s", self._folder, error.strerror)
