"""An identity provider for tests: OpenID Connect Core 1.0 by authorization code, on this computer only.

It keeps to what a client must be held to: one registered address to return to, a client secret, PKCE (RFC 7636), codes
that are good once, and ID tokens signed by a key that it publishes.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

CLIENT, SECRET = "unforged", "known to the dashboard and the provider"

KEY_ID = "1"


@dataclass
class Provider:
    """One that runs.

    Attributes:
        people: name on its page -> claims about them.
        url: its issuer.
        returns: the one address that codes are sent to.
        signs_truly: whether ID tokens are signed by the key that it publishes.
        is_down: whether it answers with errors only.
    """

    people: Mapping[str, Mapping[str, object]]
    url: str = ""
    returns: str = ""
    signs_truly: bool = True
    is_down: bool = False
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    codes: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)

    def secrets_file(self, path: Path, more: str = "") -> Path:
        """Write what `unforged dashboard --secrets` needs to know of it, and more sections as they stand."""
        told = {
            "redirect_uri": "http://127.0.0.1:{port}/oauth2callback",
            "cookie_secret": secrets.token_urlsafe(32),
            "client_id": CLIENT,
            "client_secret": SECRET,
            "server_metadata_url": f"{self.url}/.well-known/openid-configuration",
        }
        path.write_text("[auth]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in told.items()) + more)
        return path

    def metadata(self) -> dict[str, object]:
        """OpenID Connect Discovery 1.0."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "end_session_endpoint": f"{self.url}/end",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def keys(self) -> dict[str, object]:
        """RFC 7517."""
        public = self.key.public_key().public_numbers()
        number = {"n": _number(public.n), "e": _number(public.e)}
        return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID, **number}]}

    def choice(self, asked: dict[str, str]) -> str:
        """The page on which somebody chooses an account.

        Raises:
            ValueError: the dashboard asks for what it may not have.
        """
        wanted = {"client_id": CLIENT, "redirect_uri": self.returns, "response_type": "code"}
        wrong = [name for name, value in wanted.items() if asked.get(name) != value]
        if wrong or asked.get("code_challenge_method") != "S256" or "openid" not in asked.get("scope", ""):
            raise ValueError(f"not a request of the registered client: {', '.join(wrong) or 'PKCE or scope'}")
        links = []
        for name in self.people:
            code = secrets.token_urlsafe(16)
            self.codes[code] = (name, asked)
            back = f"{self.returns}?{urlencode({'code': code, 'state': asked['state']})}"
            links.append(f'<p><a href="{html.escape(back)}">{html.escape(name)}</a></p>')
        back = f"{self.returns}?{urlencode({'error': 'access_denied', 'state': asked['state']})}"
        return f'<h1>Who are you?</h1>{"".join(links)}<p><a href="{html.escape(back)}">Nobody</a></p>'

    def token(self, sent: dict[str, str], authorization: str) -> dict[str, object]:
        """What a code is worth.

        Raises:
            ValueError: wrong client, code or verifier.
        """
        name, asked = self.codes.pop(sent.get("code", ""), ("", {}))
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        is_client = authorization == "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if not (name and is_client and _text(digest) == asked["code_challenge"]):
            raise ValueError("invalid_grant")
        now_s = int(time.time())
        about = {"iss": self.url, "aud": CLIENT, "sub": name, "nonce": asked["nonce"], "iat": now_s, "exp": now_s + 300}
        return {"access_token": "-", "token_type": "Bearer", "id_token": self._signed(about | dict(self.people[name]))}

    def _signed(self, claims: dict[str, object]) -> str:
        head = {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}
        message = ".".join(_text(json.dumps(part).encode()) for part in (head, claims))
        key = self.key if self.signs_truly else rsa.generate_private_key(65537, 2048)
        return f"{message}.{_text(key.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


@contextmanager
def provide(people: Mapping[str, Mapping[str, object]]) -> Iterator[Provider]:
    """Let one run until the end of the block."""
    provider = Provider(people)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Answers", (_Answers,), {"provider": provider}))
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Answers(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        address, provider = urlsplit(self.path), self.provider
        asked = dict(parse_qsl(address.query))
        if provider.is_down:
            self._say(503, "text/plain", "out of order")
        elif address.path == "/.well-known/openid-configuration":
            self._say(200, "application/json", json.dumps(provider.metadata()))
        elif address.path == "/keys":
            self._say(200, "application/json", json.dumps(provider.keys()))
        elif address.path == "/authorize":
            self._try(lambda: provider.choice(asked), "text/html")
        elif address.path == "/end":
            self._say(302, "text/plain", "", asked["post_logout_redirect_uri"])
        else:
            self._say(404, "text/plain", "")

    def do_POST(self) -> None:
        sent = dict(parse_qsl(self.rfile.read(int(self.headers["content-length"])).decode()))
        told = self.headers.get("authorization", "")
        self._try(lambda: json.dumps(self.provider.token(sent, told)), "application/json")

    def _try(self, answer: Callable[[], str], kind: str) -> None:
        try:
            self._say(200, kind, answer())
        except ValueError as error:
            self._say(400, "application/json", json.dumps({"error": str(error)}))

    def _say(self, status: int, kind: str, text: str, location: str = "") -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(text.encode())))
        if location:
            self.send_header("location", location)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Nothing: tests read what they print."""


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int) -> str:
    return _text(value.to_bytes((value.bit_length() + 7) // 8, "big"))
