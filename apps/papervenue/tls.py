"""Encryption of the venue's port: a given certificate, or one that it signs itself."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from apps.papervenue.config import VenueConfig

_YEAR = dt.timedelta(days=365)


def server_context(config: VenueConfig) -> ssl.SSLContext:
    """Context of the configured certificate; without one, a certificate of the venue's own."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    if config.tls_cert is not None:
        context.load_cert_chain(config.tls_cert, config.tls_key)
    elif config.data is not None:
        context.load_cert_chain(*own_certificate(config.data, config.host))
    else:
        with tempfile.TemporaryDirectory() as folder:
            context.load_cert_chain(*own_certificate(Path(folder), config.host))
    return context


def own_certificate(folder: Path, host: str) -> tuple[Path, Path]:
    """Files of certificate and key in ``folder``, made where there are none."""
    certificate, key = folder / "venue.crt", folder / "venue.key"
    if not (certificate.exists() and key.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        private, signed = _self_signed(host)
        key.touch(mode=0o600)
        key.write_bytes(private)
        certificate.write_bytes(signed)
    return certificate, key


def _self_signed(host: str) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Bellwether paper venue")])
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    try:
        names.append(x509.IPAddress(ipaddress.ip_address(host)))
    except ValueError:
        names.append(x509.DNSName(host))
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + 10 * _YEAR)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)
