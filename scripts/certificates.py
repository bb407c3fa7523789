"""Makes the certificates of Verger, and renews them before they expire.

usage: python certificates.py FOLDER AUTHORITY [--watch]

FOLDER gets grpc.pem and grpc.key for the services, page.pem and page.key for the page, and ca.pem, the certificate that
both are signed by. AUTHORITY gets its key, which no service needs. A certificate that this authority has not signed is
somebody's own, and is left alone. VERGER_TLS_NAMES are further host names and addresses for which the certificates are
valid, with commas between them. With --watch, it goes on for ever and looks once an hour. It makes nothing without
VERGER_TLS=on.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS = 3650
DAYS = 90
"""How long a certificate is valid."""

RENEWED_DAYS = 30
"""It is renewed when it has fewer days left."""

LOOK_SECONDS = 3600
CLOCK_DAYS = 1
"""Certificates are valid from so long ago, for machines whose clock is slow."""

HOSTS = ("localhost", "127.0.0.1", "::1", "preprocess", "inference", "collection")
"""By which services call each other, and people on this machine the page."""

NAMES = ("grpc", "page")


class Authority:
    """Signs certificates. Its key is made when it is first used."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        certificate, key = folder / "ca.pem", folder / "ca.key"
        if not certificate.exists():
            made = ec.generate_private_key(ec.SECP256R1())
            _write(key, _key_pem(made))
            _write(certificate, _authority_of(made).public_bytes(serialization.Encoding.PEM))
        self.pem = certificate.read_bytes()
        self._certificate = x509.load_pem_x509_certificate(self.pem)
        self._key = cast(ec.EllipticCurvePrivateKey, serialization.load_pem_private_key(key.read_bytes(), None))

    def has_signed(self, certificate: x509.Certificate) -> bool:
        """Whether this authority has signed a certificate."""
        try:
            certificate.verify_directly_issued_by(self._certificate)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def issue(self, hosts: Iterable[str], now: datetime) -> tuple[bytes, bytes]:
        """Returns a certificate for hosts and its key, in PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        certificate = (
            _builder("Verger", self._certificate.subject, key.public_key(), now, DAYS)
            .add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM), _key_pem(key)


def renew(folder: Path, authority: Path, hosts: Iterable[str], now: datetime) -> list[str]:
    """Makes what is missing, and what will soon expire or lacks a host. Returns the names of what it made."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    hosts, signer, made = list(hosts), Authority(authority), []
    if not (folder / "ca.pem").exists():
        _write(folder / "ca.pem", signer.pem)
    for name in NAMES:
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        if certificate.exists() and not _is_due(certificate, signer, hosts, now):
            continue
        chain, secret = signer.issue(hosts, now)
        _write(key, secret)
        _write(certificate, chain)
        made.append(name)
    return made


def _is_due(file: Path, signer: Authority, hosts: Iterable[str], now: datetime) -> bool:
    """Whether a certificate must be made anew. One that somebody else has signed is their own affair."""
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    if not signer.has_signed(certificate):
        return False
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    lacks_host = not {_general_name(host) for host in hosts} <= set(names)
    return lacks_host or certificate.not_valid_after_utc - now < timedelta(days=RENEWED_DAYS)


def _authority_of(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Verger's own authority")])
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _builder("Verger's own authority", name, key.public_key(), datetime.now(UTC), AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _builder(
    subject: str, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=CLOCK_DAYS))
        .not_valid_after(now + timedelta(days=days))
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(*form, serialization.NoEncryption())


def _write(path: Path, content: bytes) -> None:
    """Writes a file, which is there whole or not at all, and which its owner alone may read."""
    new = path.with_suffix(f"{path.suffix}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    new.replace(path)


def main(folder: Path, authority: Path, *, watches: bool) -> None:
    """Makes certificates once or for ever."""
    further = filter(None, map(str.strip, os.environ.get("VERGER_TLS_NAMES", "").split(",")))
    hosts = dict.fromkeys([*HOSTS, *further])
    while True:
        if os.environ.get("VERGER_TLS") == "on":
            for name in renew(folder, authority, hosts, datetime.now(UTC)):
                sys.stderr.write(f"verger: a new certificate is in {folder / name}.pem\n")
        if not watches:
            return
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    main(Path(sys.argv[1]), Path(sys.argv[2]), watches="--watch" in sys.argv)
