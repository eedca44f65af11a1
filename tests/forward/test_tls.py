"""TLS to the next hop, with certificates and without."""

import ssl

import grpc
import pytest
import trustme
from forward.senders import WAYS, send

from collector.config import Forward
from collector.forward.hops import forwarder_of


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def server_context(authority, *, mutual):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    if mutual:
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def server_credentials(authority, *, mutual):
    made = authority.issue_cert("localhost")
    pair = (made.private_key_pem.bytes(), made.cert_chain_pems[0].bytes())
    ca = authority.cert_pem.bytes() if mutual else None
    return grpc.ssl_server_credentials([pair], ca, mutual)


def hop_of(place, protocol, authority, *, mutual=False):
    if protocol == "grpc":
        return place.rpc(server_credentials(authority, mutual=mutual))
    return place.web(server_context(authority, mutual=mutual))


@pytest.fixture
def files(tmp_path, authority):
    ca, certificate, key = (tmp_path / name for name in ("ca.pem", "cert.pem", "key.pem"))
    authority.cert_pem.write_to_path(ca)
    made = authority.issue_cert("client")
    made.private_key_pem.write_to_path(key)
    for one in made.cert_chain_pems:
        one.write_to_path(certificate, append=True)
    return {"ca_file": ca, "certificate_file": certificate, "key_file": key}


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
@pytest.mark.parametrize("mutual", [False, True])
def test_a_hop_that_is_trusted_is_sent_to(place, authority, files, protocol, mutual):
    hop = hop_of(place, protocol, authority, mutual=mutual)
    auditor = place.auditor(hop, **(files if mutual else {"ca_file": files["ca_file"]}))

    for way in WAYS:
        assert send(auditor, way, "traces").accepted
    assert len(hop.got) == len(WAYS)


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
@pytest.mark.parametrize("fault", ["not trusted", "no certificate", "another name"])
def test_a_hop_that_is_not_is_not(place, authority, files, protocol, fault):
    hop = hop_of(place, protocol, authority, mutual=fault == "no certificate")
    options = {} if fault == "not trusted" else {"ca_file": files["ca_file"]}
    if fault == "another name":
        options["endpoint"] = hop.endpoint.replace("localhost", "127.0.0.1")
    auditor = place.auditor(hop, **options)

    told = send(auditor, "protobuf", "traces")

    assert told.code == 503
    assert told.retries == (2.0, 2.0)
    assert hop.got == []
    assert auditor.outcomes() == {"unreachable": 1}


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
@pytest.mark.parametrize("broken", ["ca_file", "certificate_file", "key_file"])
@pytest.mark.parametrize("how", ["missing", "no PEM"])
def test_files_that_are_wrong_are_named_at_start(tmp_path, files, protocol, broken, how):
    path = tmp_path / "broken.pem"
    if how == "no PEM":
        path.write_text("-----BEGIN A SECRET-----")
    forward = Forward(endpoint="https://hop:1", protocol=protocol, **(files | {broken: path}))

    with pytest.raises(OSError, match=r"forward\.") as failed:
        forwarder_of(forward)
    assert "SECRET" not in str(failed.value)
