"""Who may send: bearer tokens and certificates, on both listeners."""

import http.client
import ssl
from contextlib import closing

import grpc
import pytest
import trustme

from collector.accept import guard
from collector.accept.admission import Admission
from collector.accept.grpc import GrpcListener
from collector.accept.guard import Guard, Tokens
from collector.accept.http import HttpListener
from collector.config import Auth, Tls
from collector.decode.messages import SERVICES
from collector.ledger import Ledger, Refusal
from collector.violation import Signal

TOKEN = "correct-horse-battery-staple"
OTHER = "a-second-one-for-the-rotation"
BEARER = f"Bearer {TOKEN}"

AUTHORIZATIONS = {
    "": False,
    TOKEN: False,
    BEARER: True,
    f"bearer   {TOKEN} ": True,
    f"Bearer {OTHER}": True,
    f"Bearer {TOKEN}x": False,
    f"Bearer {TOKEN[:-1]}": False,
    "Bearer ": False,
    "Bearer": False,
    f"Basic {TOKEN}": False,
    f"Bearer {TOKEN} {TOKEN}": False,
    "Bearer \udcff\udcfe": False,
}


@pytest.mark.parametrize(("said", "admitted"), AUTHORIZATIONS.items())
def test_only_a_known_bearer_token_is_admitted(said, admitted):
    assert Guard(tokens=Tokens([TOKEN, OTHER])).admit(said) is admitted


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def files(authority, tmp_path):
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    for blob in issued.cert_chain_pems:
        blob.write_to_path(tmp_path / "cert.pem", append=True)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    (tmp_path / "tokens").write_text(f"# of the gateway\n\n{TOKEN}\n{OTHER}\n")
    return tmp_path


@pytest.fixture
def serve():
    started = []

    def start(listener, watch):
        ledger = Ledger()
        made = listener("127.0.0.1:0", lambda *_: 1, ledger, Admission(), guard=watch)
        started.append(made)
        return made.start(), ledger

    yield start
    for listener in started:
        listener.stop(1)


def refusals(ledger):
    return {key[2]: count for key, count in ledger.snapshot().refused.items() if count}


def received(ledger):
    return sum(ledger.snapshot().received.values())


def post(address, context=None, **headers):
    make = http.client.HTTPSConnection if context else http.client.HTTPConnection
    options = {"context": context} if context else {}
    with closing(make(address, timeout=10, **options)) as connection:
        fields = {"Content-Type": "application/x-protobuf"} | headers
        connection.request("POST", "/v1/traces", b"", fields)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders())


def export(address, credentials=None, metadata=()):
    channel = (
        grpc.secure_channel(address, credentials) if credentials else grpc.insecure_channel(address)
    )
    with channel:
        run = channel.unary_unary(f"/{SERVICES[Signal.TRACES]}/Export")
        return run(b"", timeout=10, metadata=metadata)


def client_context(files, authority=None):
    context = ssl.create_default_context(cafile=str(files / "ca.pem"))
    if authority is not None:
        authority.issue_cert("client").configure_cert(context)
    return context


def client_credentials(files, authority=None):
    issued = authority.issue_cert("client") if authority else None
    return grpc.ssl_channel_credentials(
        (files / "ca.pem").read_bytes(),
        issued.private_key_pem.bytes() if issued else None,
        b"".join(blob.bytes() for blob in issued.cert_chain_pems) if issued else None,
    )


def test_http_answers_401_to_who_has_no_token_and_counts_it(serve, files):
    address, ledger = serve(HttpListener, guard.load(Tls(), Auth(tokens_file=files / "tokens")))

    status, headers = post(address)
    assert status == 401
    assert headers["WWW-Authenticate"] == "Bearer"
    assert post(address, Authorization=BEARER)[0] == 200
    assert refusals(ledger) == {Refusal.UNAUTHENTICATED: 1}
    assert received(ledger) == 2


def test_http_refuses_before_it_reads_the_body(serve, files):
    address, _ = serve(HttpListener, guard.load(Tls(), Auth(tokens_file=files / "tokens")))
    with closing(http.client.HTTPConnection(address, timeout=10)) as connection:
        connection.putrequest("POST", "/v1/traces")
        connection.putheader("Content-Type", "application/x-protobuf")
        connection.putheader("Content-Length", "1000000")
        connection.endheaders()  # and no body
        assert connection.getresponse().status == 401


def test_grpc_answers_unauthenticated_to_who_has_no_token_and_counts_it(serve, files):
    address, ledger = serve(GrpcListener, guard.load(Tls(), Auth(tokens_file=files / "tokens")))

    with pytest.raises(grpc.RpcError) as refused:
        export(address)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert export(address, metadata=(("authorization", BEARER),)) == b""
    assert refusals(ledger) == {Refusal.UNAUTHENTICATED: 1}


def test_tls_serves_who_trusts_the_certificate(serve, files):
    watch = guard.load(Tls(certificate_file=files / "cert.pem", key_file=files / "key.pem"), Auth())
    address, _ = serve(HttpListener, watch)
    assert post(address, client_context(files))[0] == 200
    with pytest.raises(ssl.SSLCertVerificationError):
        post(address, ssl.create_default_context())
    address, _ = serve(GrpcListener, watch)
    assert export(address, client_credentials(files)) == b""


def test_mtls_serves_only_who_has_a_certificate_from_the_authority(serve, files, authority):
    watch = guard.load(
        Tls(
            certificate_file=files / "cert.pem",
            key_file=files / "key.pem",
            client_ca_file=files / "ca.pem",
        ),
        Auth(),
    )
    assert not watch.is_open
    address, ledger = serve(HttpListener, watch)
    assert post(address, client_context(files, authority))[0] == 200
    for stranger in (None, trustme.CA()):
        with pytest.raises(OSError, match=r"certificate required|unknown ca|reset|closed"):
            post(address, client_context(files, stranger))
    assert received(ledger) == 1
    address, ledger = serve(GrpcListener, watch)
    assert export(address, client_credentials(files, authority)) == b""
    for stranger in (None, trustme.CA()):
        with pytest.raises(grpc.RpcError):
            export(address, client_credentials(files, stranger))
    assert received(ledger) == 1


def test_an_open_guard_is_known_as_open(files):
    assert guard.OPEN.is_open
    certified = guard.load(
        Tls(certificate_file=files / "cert.pem", key_file=files / "key.pem"), Auth()
    )
    assert certified.is_open
    assert not guard.load(Tls(), Auth(tokens_file=files / "tokens")).is_open


WRONG = {
    "no such certificate": (
        {"certificate_file": "nowhere.pem", "key_file": "key.pem"},
        "tls.certificate_file .*nowhere.pem cannot be read: No such file",
    ),
    "a key of another certificate": (
        {"certificate_file": "ca.pem", "key_file": "key.pem"},
        "tls.certificate_file .*ca.pem and tls.key_file .*key.pem are no certificate",
    ),
    "an authority that is none": (
        {"certificate_file": "cert.pem", "key_file": "key.pem", "client_ca_file": "tokens"},
        "tls.client_ca_file .*tokens holds no certificate",
    ),
    "no such file of tokens": ({"tokens_file": "nowhere"}, "auth.tokens_file .*cannot be read"),
    "a file without a token": ({"tokens_file": "empty"}, "auth.tokens_file .*holds no token"),
    "a token that is too short": ({"tokens_file": "short"}, "auth.tokens_file .*short:2: not a"),
}


@pytest.mark.parametrize(("keys", "text"), WRONG.values(), ids=WRONG)
def test_files_that_do_not_hold_what_they_should_are_named(files, keys, text):
    (files / "empty").write_text("# none yet\n")
    (files / "short").write_text(f"{TOKEN}\nhunter2-secret\n")
    paths = {key: files / name for key, name in keys.items()}
    tls = Tls(**{key: path for key, path in paths.items() if key != "tokens_file"})
    with pytest.raises(OSError, match=text) as raised:
        guard.load(tls, Auth(tokens_file=paths.get("tokens_file")))
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "keys", [{"certificate_file": "a"}, {"key_file": "a"}, {"client_ca_file": "a"}]
)
def test_half_a_certificate_is_refused(keys):
    with pytest.raises(ValueError, match="certificate_file"):
        Tls(**keys)
