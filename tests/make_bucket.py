"""A real S3 API on this machine, with a bucket of files; nothing leaves the machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec

import pytest

BUCKET = "evidence"
NEEDED = ("moto", "s3fs", "flask")


def missing() -> str:
    """Why there can be no bucket; "" when there can."""
    gone = [name for name in NEEDED if find_spec(name) is None]
    return f"{', '.join(gone)} not installed" if gone else ""


@contextmanager
def bucket(files: Mapping[str, bytes], patch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve files from a bucket, and let every client of this process find it. Yields its URL."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        for name, data in files.items():
            client.put_object(Bucket=BUCKET, Key=name, Body=data)
        yield f"s3://{BUCKET}"
    finally:
        server.stop()
