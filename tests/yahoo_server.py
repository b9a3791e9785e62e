"""A server on this machine that answers like Yahoo's, met through HTTPS_PROXY: the program is not changed for it."""

import datetime
import json
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOSTS = ("*.yahoo.com", "*.finance.yahoo.com")
DAY = 86400


@dataclass
class Yahoo:
    """What the server answers, and what it was asked.

    Parameters
    ----------
    prices : dict of str to list
        For each ticker ``(day, close)``, days as ``2024-01-02``; other tickers are unknown.
    trouble : list of str
        How the next answers with prices go wrong, in order: ``busy``, ``empty``, ``truncated``, ``cut``, ``broken``;
        ``always busy`` and the like stay.
    asked : list of str
        Tickers of the requests for prices.
    environment : dict
        What a process needs in its environment to meet this server.
    """

    prices: dict[str, list[tuple[str, float]]] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)


def chart(ticker: str, prices: list[tuple[str, float]], start: float, end: float) -> dict:
    """Return prices in the shape of Yahoo's chart: opened in New York at half past nine; adjusted to a half."""
    rows = [(stamp_of(day), close) for day, close in prices if start <= stamp_of(day) < end]
    closes = [close for _, close in rows]
    meta = {
        "currency": "USD", "symbol": ticker, "instrumentType": "EQUITY", "exchangeTimezoneName": "America/New_York",
        "priceHint": 2, "validRanges": ["1d", "5d", "1mo", "max"], "dataGranularity": "1d",
        "regularMarketPrice": 1.0, "gmtoffset": -18000, "timezone": "EST",
    }  # fmt: skip
    quote = dict.fromkeys(("open", "high", "low", "close"), closes) | {"volume": [1000] * len(rows)}
    indicators = {"quote": [quote if rows else {}], "adjclose": [{"adjclose": [close / 2 for close in closes]}]}
    stamps = {"timestamp": [stamp for stamp, _ in rows]} if rows else {}
    return {"chart": {"result": [{"meta": meta, **stamps, "indicators": indicators}], "error": None}}


def stamp_of(day: str) -> int:
    """Return half past nine in a New York winter, in seconds since 1970."""
    midnight = datetime.datetime.fromisoformat(day).replace(tzinfo=datetime.UTC)
    return int(midnight.timestamp()) + 14 * 3600 + 1800


def start_yahoo(folder: Path) -> tuple[Yahoo, ThreadingHTTPServer]:
    """Return a running server, and what it will answer."""
    yahoo = Yahoo()
    certificate, key = write_certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"yahoo": yahoo, "context": context}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    proxy = f"http://127.0.0.1:{server.server_address[1]}"
    trusted = dict.fromkeys(("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"), str(certificate))
    yahoo.environment = {"HTTPS_PROXY": proxy, "https_proxy": proxy, "NO_PROXY": "", "no_proxy": "", **trusted}
    return yahoo, server


class Handler(BaseHTTPRequestHandler):
    """A proxy that opens the tunnel to itself, and speaks for every host of Yahoo's."""

    protocol_version = "HTTP/1.1"
    yahoo: Yahoo
    context: ssl.SSLContext

    def finish(self) -> None:
        """Close the tunnel too."""
        with suppress(OSError):
            super().finish()
        self.connection.close()

    def do_CONNECT(self) -> None:
        """Become the host that was asked for."""
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        try:
            self.connection = self.context.wrap_socket(self.connection, server_side=True)
        except (ssl.SSLError, OSError):
            self.close_connection = True
            return
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
        self.close_connection = False

    def do_GET(self) -> None:
        """Answer as Yahoo does."""
        url = urlsplit(self.path)
        if url.path == "/v1/test/getcrumb":
            self.answer(200, b"crumb")
        elif url.path.startswith("/v8/finance/chart/"):
            self.answer_chart(url.path.rpartition("/")[2].replace("%5E", "^"), parse_qs(url.query))
        else:
            self.answer(404, b"{}")

    def answer_chart(self, ticker: str, query: dict[str, list[str]]) -> None:
        """Answer with prices, or with the trouble that is next."""
        if "period1" not in query:  # only the ticker's time zone is wanted
            start, end = 0.0, 0.0
        else:
            self.yahoo.asked.append(ticker)
            start, end = float(query["period1"][0]), float(query["period2"][0])
            trouble = self.yahoo.trouble
            always = bool(trouble) and trouble[0].startswith("always ")
            name = trouble[0] if always else trouble.pop(0) if trouble else ""
            if name:
                return self.answer_trouble(name.removeprefix("always "), ticker)
        if ticker not in self.yahoo.prices:
            reason = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
            return self.answer(404, json.dumps({"chart": {"result": None, "error": reason}}).encode())
        self.answer(200, json.dumps(chart(ticker, self.yahoo.prices[ticker], start, end)).encode())

    def answer_trouble(self, name: str, ticker: str) -> None:
        """Answer wrongly, as servers do."""
        body = json.dumps(chart(ticker, self.yahoo.prices.get(ticker, []), 0, 1e12)).encode()
        if name == "busy":
            self.answer(429, b"Edge: Too Many Requests")
        elif name == "empty":
            self.answer(200, json.dumps(chart(ticker, [], 0, 0)).encode())
        elif name == "truncated":  # a proxy that lost the end and counted what was left
            self.answer(200, body[: len(body) // 2])
        elif name == "cut":  # the line goes dead
            self.answer(200, body[: len(body) // 2], length=len(body))
            self.close_connection = True
        else:
            self.answer(502, b"<html>Bad gateway</html>")

    def answer(self, status: int, body: bytes, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length or len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for Yahoo's hosts that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests of forecastr")])
    names = [x509.DNSName(host) for host in (*HOSTS, "yahoo.com")]
    began = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(began)
        .not_valid_after(began + datetime.timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "yahoo.pem", folder / "yahoo.key"
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, secret
