"""Who may send: TLS, client certificates and bearer tokens for the OTLP listeners."""

from __future__ import annotations

import hmac
import re
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import grpc

from collector.config import Auth, Tls

#: What RFC 6750, section 2.1, allows in a bearer token.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_SCHEME = re.compile(r"bearer +", re.IGNORECASE)
#: A hash compares in a time that says nothing about the token; so does its fixed length.
_SHORTEST = 16


class Tokens:
    """Bearer tokens that open the listeners.

    Args:
        tokens: any number; each opens.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        self._digests = tuple(sha256(token.encode()).digest() for token in tokens)

    def admit(self, authorization: str) -> bool:
        """Whether an Authorization header holds one of the tokens, in constant time.

        Args:
            authorization: the header as sent, or empty.
        """
        scheme = _SCHEME.match(authorization)
        said = authorization[scheme.end() :].strip() if scheme else ""
        digest = sha256(said.encode("utf-8", "surrogateescape")).digest()
        found = False
        for one in self._digests:
            found |= hmac.compare_digest(one, digest)
        return found and bool(said)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the listeners show, and whom they ask to show theirs.

    Attributes:
        certificate: PEM, the chain included.
        key: PEM, unencrypted.
        client_ca: PEM; when given, only clients with a certificate from it are served.
        context: the same for Python's own TLS.
    """

    certificate: bytes
    key: bytes
    client_ca: bytes | None
    context: ssl.SSLContext

    def for_grpc(self) -> grpc.ServerCertificateConfiguration:
        """The same for gRPC."""
        return grpc.ssl_server_certificate_configuration(
            [(self.key, self.certificate)], self.client_ca
        )


class Guard:
    """What a client must bring. Files that are replaced take effect without a restart.

    Args:
        certificate: None is plain text.
        tokens: None lets everybody in.
    """

    def __init__(
        self, certificate: Certificate | None = None, tokens: Tokens | None = None
    ) -> None:
        self._certificate = certificate
        self._tokens = tokens

    @property
    def certificate(self) -> Certificate | None:
        """What the listeners show at present."""
        return self._certificate

    @property
    def is_open(self) -> bool:
        """Whether whoever reaches the port may send."""
        return self._tokens is None and (
            self._certificate is None or self._certificate.client_ca is None
        )

    def admit(self, authorization: str) -> bool:
        """Whether a request with this Authorization header may send."""
        return self._tokens is None or self._tokens.admit(authorization)

    def replace(self, other: Guard) -> None:
        """From the next connection or request on, ask for what another guard asks for.

        Whether there is TLS, and whether clients must show a certificate, stays as it is: a
        listener decides it when it opens.
        """
        if self._certificate is not None and other.certificate is not None:
            self._certificate = other.certificate
        if self._tokens is not None and other._tokens is not None:
            self._tokens = other._tokens

    def http_context(self) -> ssl.SSLContext | None:
        """For a listener of Python's own TLS; each handshake takes the certificate of its time."""
        first = self._certificate
        if first is None:
            return None

        def choose(handshake: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
            if self._certificate is not None:
                handshake.context = self._certificate.context

        first.context.sni_callback = choose  # called for clients that give no name as well
        return first.context

    def grpc_credentials(self) -> grpc.ServerCredentials | None:
        """The same for gRPC."""
        first = self._certificate
        if first is None:
            return None
        last = [first]

        def fetch() -> grpc.ServerCertificateConfiguration | None:
            now = self._certificate
            if now is None or now is last[0]:
                return None
            last[0] = now
            return now.for_grpc()

        return grpc.dynamic_ssl_server_credentials(
            first.for_grpc(), fetch, require_client_authentication=first.client_ca is not None
        )


#: Lets everybody in, in plain text.
OPEN = Guard()


def load(tls: Tls, auth: Auth) -> Guard:
    """Read the files that the configuration names.

    Args:
        tls: section of the configuration.
        auth: section of the configuration.

    Raises:
        OSError: if a file cannot be read or does not hold what it should; the text names the
            key of the configuration, and never shows what a file holds.
    """
    return Guard(_certificate(tls), _tokens(auth.tokens_file) if auth.tokens_file else None)


def _certificate(tls: Tls) -> Certificate | None:
    if tls.certificate_file is None or tls.key_file is None:
        return None
    certificate = _read("tls.certificate_file", tls.certificate_file)
    key = _read("tls.key_file", tls.key_file)
    client_ca = _read("tls.client_ca_file", tls.client_ca_file) if tls.client_ca_file else None
    return Certificate(certificate, key, client_ca, _context(tls))


def _context(tls: Tls) -> ssl.SSLContext:
    assert tls.certificate_file is not None  # noqa: S101 (asked for by the only caller)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # A callback, because OpenSSL would else ask the terminal for the key's passphrase.
        context.load_cert_chain(tls.certificate_file, tls.key_file, password=lambda: b"")
    except ssl.SSLError as error:
        raise OSError(
            f"tls.certificate_file {tls.certificate_file} and tls.key_file {tls.key_file} are no "
            f"certificate and unencrypted key, in PEM, that belong together ({error.reason})"
        ) from None
    if tls.client_ca_file is not None:
        try:
            context.load_verify_locations(tls.client_ca_file)
        except ssl.SSLError as error:
            raise OSError(
                f"tls.client_ca_file {tls.client_ca_file} holds no certificate in PEM "
                f"({error.reason})"
            ) from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class Watch:
    """Loads the files again when they have changed.

    Args:
        guard: that takes what was loaded.
        tls: section of the configuration.
        auth: section of the configuration.
    """

    def __init__(self, guard: Guard, tls: Tls, auth: Auth) -> None:
        self._guard = guard
        self._tls = tls
        self._auth = auth
        self._seen = self._state()

    def changed(self) -> bool:
        """Whether a file is another than when it was looked at last."""
        return self._state() != self._seen

    def reload(self) -> None:
        """Load the files.

        Raises:
            OSError: as `load`; what was in force stays in force.
        """
        self._seen = self._state()
        self._guard.replace(load(self._tls, self._auth))

    def _state(self) -> tuple[object, ...]:
        named = (*self._tls_files(), self._auth.tokens_file)
        return tuple(_stamp(path) for path in named if path is not None)

    def _tls_files(self) -> tuple[Path | None, ...]:
        return self._tls.certificate_file, self._tls.key_file, self._tls.client_ca_file


def _stamp(path: Path) -> object:
    """Equal while a file is the same; a Secret of Kubernetes changes by way of a link."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _tokens(path: Path) -> Tokens:
    tokens = []
    text = _read("auth.tokens_file", path).decode("utf-8", "replace")
    for number, line in enumerate(text.splitlines(), 1):
        token = line.strip()
        if not token or token.startswith("#"):
            continue
        if not _TOKEN.fullmatch(token) or len(token) < _SHORTEST:
            raise OSError(
                f"auth.tokens_file {path}:{number}: not a bearer token of at least {_SHORTEST} "
                "characters out of A-Z a-z 0-9 . _ ~ + / - ="
            )
        tokens.append(token)
    if not tokens:
        raise OSError(f"auth.tokens_file {path} holds no token: nobody could send")
    return Tokens(tokens)


def _read(key: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise OSError(f"{key} {path} cannot be read: {error.strerror}") from None
