"""Calls over REST, blocking and for asyncio. They need httpx."""

from typing import TYPE_CHECKING, Any

from verger_client.address import Address
from verger_client.answers import Answer, Description
from verger_client.errors import RequestError, Timeout, Unavailable, VergerError
from verger_client.messages import Options
from verger_client.problems import answer_of, description_of, error_of

if TYPE_CHECKING:
    import httpx

CLASSIFY, MODEL = "/api/v1/classify", "/api/v1/model"


def _httpx() -> Any:
    try:
        import httpx
    except ImportError as error:
        raise ImportError("Addresses of http:// and https:// need httpx: pip install httpx.") from error
    return httpx


def _settings(address: Address, key: str | None) -> dict[str, Any]:
    settings: dict[str, Any] = {"base_url": address.target, "headers": {"accept": "application/json"}}
    if key:
        settings["headers"]["authorization"] = f"Bearer {key}"
    if address.ca_file:
        import ssl

        settings["verify"] = ssl.create_default_context(cafile=str(address.ca_file))
    return settings


def _request(image: bytes, options: Options, request_id: str, timeout: float) -> dict[str, Any]:
    """Returns the arguments of httpx for one photo."""
    parameters = {"timings": "true", "evidence": str(options.evidence).lower()}
    if options.top_k:
        parameters["top_k"] = str(options.top_k)
    headers = {"content-type": "application/octet-stream", **({"x-request-id": request_id} if request_id else {})}
    return {"url": CLASSIFY, "content": image, "params": parameters, "headers": headers, "timeout": timeout}


def _failure(error: Exception) -> VergerError:
    """Returns the error of an exception of httpx."""
    if isinstance(error, _httpx().TimeoutException):
        return Timeout("There was no answer in time.")
    if isinstance(error, _httpx().TransportError):
        return Unavailable(f"There is no connection: {error}.")
    return RequestError(str(error))


def _checked(response: "httpx.Response") -> Any:
    """Returns the parsed body of a good answer, and raises the error of another."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if response.is_success and isinstance(body, dict):
        return body
    if response.is_success:
        raise RequestError(f"{response.url.host} does not answer as Verger does. Check the address.")
    raise error_of(response.status_code, body, response.headers.get("retry-after", ""))


class RestWire:
    """Connections for any number of threads."""

    def __init__(self, address: Address, key: str | None) -> None:
        self._client = _httpx().Client(**_settings(address, key))

    def classify(self, image: bytes, options: Options, request_id: str, timeout: float) -> Answer:
        """Makes one attempt to classify a photo."""
        try:
            response = self._client.post(**_request(image, options, request_id, timeout))
        except _httpx().HTTPError as error:
            raise _failure(error) from error
        return answer_of(_checked(response), response.headers.get("x-request-id", ""))

    def describe(self, timeout: float) -> Description:
        """Makes one attempt to describe the live version."""
        try:
            response = self._client.get(MODEL, timeout=timeout)
        except _httpx().HTTPError as error:
            raise _failure(error) from error
        return description_of(_checked(response))

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


class AsyncRestWire:
    """Connections for an event loop."""

    def __init__(self, address: Address, key: str | None) -> None:
        self._client = _httpx().AsyncClient(**_settings(address, key))

    async def classify(self, image: bytes, options: Options, request_id: str, timeout: float) -> Answer:
        """Makes one attempt to classify a photo."""
        try:
            response = await self._client.post(**_request(image, options, request_id, timeout))
        except _httpx().HTTPError as error:
            raise _failure(error) from error
        return answer_of(_checked(response), response.headers.get("x-request-id", ""))

    async def describe(self, timeout: float) -> Description:
        """Makes one attempt to describe the live version."""
        try:
            response = await self._client.get(MODEL, timeout=timeout)
        except _httpx().HTTPError as error:
            raise _failure(error) from error
        return description_of(_checked(response))

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()
