"""What can be asked of the whole running system, however it was started."""

from typing import Any

import httpx

from tests.support.waiting import wait_until


class System:
    """Has a port for each of the variables that name one."""

    ports: dict[str, int]

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
        """Sends one photo to the REST API. Over plain HTTP no certificates are needed; to load them takes 40 ms."""
        return httpx.post(f"{self.web}/api/v1/classify", content=photo, timeout=30, verify=False)

    def answer(self, photo: bytes) -> dict[str, Any]:
        """The API's result for one photo that must be answered."""
        response = self.classify(photo)
        assert response.status_code == 200, response.text
        (result,) = response.json()["results"]
        return dict(result)

    def version(self) -> str:
        """The live version, as the API tells it."""
        return str(httpx.get(f"{self.web}/api/v1/model", timeout=30).json().get("version"))

    def wait_ready(self) -> None:
        """Returns when the whole chain answers."""

        def ready() -> bool:
            try:
                return httpx.get(f"{self.web}/readyz", timeout=5).status_code == 200
            except httpx.TransportError:
                return False

        wait_until(ready, 300, "readiness")
