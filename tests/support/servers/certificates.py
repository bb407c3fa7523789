"""Certificates of an authority that only the tests know, as files in PEM."""

from pathlib import Path

import trustme


class Certificates:
    """An authority in a folder: ca.pem, and pairs NAME.pem and NAME.key that it has signed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = folder / "ca.pem"
        self._authority = trustme.CA()
        self._authority.cert_pem.write_to_path(self.ca)

    def issue(self, name: str, *hosts: str) -> tuple[Path, Path]:
        """Writes a certificate for these hosts and its key; returns both files."""
        issued = self._authority.issue_cert(*hosts)
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(key)
        return certificate, key
