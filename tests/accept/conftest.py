import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from accept.server import LIMIT, Server

from collector.accept.grpc import GrpcListener
from collector.accept.http import HttpListener


@pytest.fixture
def serve():
    running = []

    def start(listener, *arguments, **options):
        running.append(Server(listener, *arguments, **options))
        return running[-1]

    yield start
    for server in running:
        server.listener.stop(1)


@pytest.fixture
def web(serve):
    return serve(HttpListener, max_bytes=LIMIT)


@pytest.fixture
def rpc(serve):
    return serve(GrpcListener, max_bytes=LIMIT)
