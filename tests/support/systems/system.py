"""Requests to the whole running system, whether launch.sh or docker compose started it."""

from typing import Any

import httpx

from tests.support.waiting import wait_until


class System:
    """A running system. `ports` maps the port settings (VERGER_..._PORT) to their values."""

    ports: dict[str, int]

    key: str = ""
    """Key that is sent with photos, if the system asks for one."""

    @property
    def authorization(self) -> dict[str, str]:
        """The header, or the metadata, that sends the key."""
        return {"authorization": f"Bearer {self.key}"} if self.key else {}

    def _address(self, variable: str) -> str:
        return f"127.0.0.1:{self.ports[variable]}"

    @property
    def web(self) -> str:
        return f"http://{self._address('VERGER_WEB_PORT')}"

    @property
    def mlflow(self) -> str:
        return f"http://{self._address('VERGER_MLFLOW_PORT')}"

    @property
    def preprocess(self) -> str:
        return self._address("VERGER_PREPROCESS_PORT")

    def classify(self, photo: bytes) -> httpx.Response:
        """Sends one photo to the REST API. It skips loading certificates, which takes 40 ms and is useless for HTTP."""
        address = f"{self.web}/api/v1/classify"
        return httpx.post(address, content=photo, headers=self.authorization, timeout=30, verify=False)

    def answer(self, photo: bytes) -> dict[str, Any]:
        """Returns the result of the REST API for one photo. Fails the test if the status is not 200."""
        response = self.classify(photo)
        assert response.status_code == 200, response.text
        (result,) = response.json()["results"]
        return dict(result)

    def version(self) -> str:
        """Returns the live version according to the REST API."""
        return str(httpx.get(f"{self.web}/api/v1/model", timeout=30).json().get("version"))

    def wait_ready(self) -> None:
        """Waits until the whole system is ready."""

        def ready() -> bool:
            try:
                return httpx.get(f"{self.web}/readyz", timeout=5).status_code == 200
            except httpx.TransportError:
                return False

        wait_until(ready, 300, "readiness")
