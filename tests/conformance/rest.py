"""What the specification asks of a server over HTTP with JSON."""

from typing import Any

import httpx

from tests.conformance.target import DATATYPES, Target, check, fits, flat, size_of

UNKNOWN = "no-such-model"


def is_refused(response: httpx.Response, what: str) -> None:
    """An error has a status of its own, and an object with the text `error`."""
    assert response.status_code >= 400, f"{what}: the status is {response.status_code}"
    try:
        body: Any = response.json()
    except ValueError:
        raise AssertionError(f"{what}: the error's body is no JSON: {response.text[:80]!r}") from None
    is_object = isinstance(body, dict) and isinstance(body.get("error"), str) and body["error"]
    assert is_object, f"{what}: the error has no text “error”: {response.text[:80]!r}"


def is_answered(target: Target, response: httpx.Response) -> dict[str, Any]:
    """An answer names the model, and its outputs are those of the model's metadata."""
    assert response.status_code == 200, f"the status is {response.status_code}: {response.text[:120]}"
    answer: dict[str, Any] = response.json()
    assert answer["model_name"] == target.model, f"model_name is {answer.get('model_name')!r}"
    described = {tensor["name"]: tensor for tensor in target.described()["outputs"]}
    for output in answer["outputs"]:
        spec = described.get(output["name"])
        assert spec, f"the output {output['name']} is not in the model's metadata"
        assert output["datatype"] == spec["datatype"], f"{output['name']} is {output['datatype']}"
        assert fits(output["shape"], spec["shape"]), f"the shape of {output['name']} is {output['shape']}"
        assert len(flat(output["data"])) == size_of(output["shape"]), (
            f"{output['name']} has too much or too little data"
        )
    return answer


@check
def rest_server_is_live(target: Target) -> None:
    assert target.get("/v2/health/live").status_code == 200


@check
def rest_server_is_ready(target: Target) -> None:
    assert target.get("/v2/health/ready").status_code == 200


@check
def rest_server_is_described(target: Target) -> None:
    response = target.get("/v2")
    assert response.status_code == 200, f"the status is {response.status_code}"
    body = response.json()
    assert isinstance(body["name"], str), "name is no text"
    assert isinstance(body["version"], str), "version is no text"
    assert all(isinstance(each, str) for each in body["extensions"]), "extensions is no list of texts"


@check
def rest_model_is_ready(target: Target) -> None:
    assert target.get(f"/v2/models/{target.model}/ready").status_code == 200


@check
def rest_model_is_described(target: Target) -> None:
    body = target.described()
    assert body["name"] == target.model, f"name is {body['name']!r}"
    assert isinstance(body["platform"], str), "platform is no text"
    assert body["inputs"], "there are no inputs"
    assert body["outputs"], "there are no outputs"
    for tensor in [*body["inputs"], *body["outputs"]]:
        assert tensor["datatype"] in DATATYPES, f"{tensor['datatype']} is no datatype of the protocol"
        assert all(isinstance(size, int) and size >= -1 for size in tensor["shape"]), f"the shape is {tensor['shape']}"


@check
def rest_described_inputs_are_those_of_the_sample(target: Target) -> None:
    described = {tensor["name"]: tensor for tensor in target.described()["inputs"]}
    assert described.keys() == {tensor.name for tensor in target.inputs}, f"the inputs are {list(described)}"
    for tensor in target.inputs:
        spec = described[tensor.name]
        assert spec["datatype"] == tensor.datatype, f"{tensor.name} is {spec['datatype']}"
        assert fits(tensor.shape, spec["shape"]), f"the shape of {tensor.name} is {spec['shape']}"


@check
def rest_each_version_that_is_listed_can_be_asked_for(target: Target) -> None:
    for version in target.described().get("versions", []):
        path = f"/v2/models/{target.model}/versions/{version}"
        assert target.get(path).status_code == 200, f"version {version} is not described"
        assert target.get(f"{path}/ready").status_code == 200, f"version {version} is not ready"
        is_answered(target, target.infer(target.body(), f"{path}/infer"))


@check
def rest_unknown_models_and_versions_are_refused(target: Target) -> None:
    is_refused(target.get(f"/v2/models/{UNKNOWN}"), "metadata of an unknown model")
    is_refused(target.infer(target.body(), f"/v2/models/{UNKNOWN}/infer"), "a request to an unknown model")
    path = f"/v2/models/{target.model}/versions/987654321"
    is_refused(target.get(path), "metadata of an unknown version")
    is_refused(target.infer(target.body(), f"{path}/infer"), "a request to an unknown version")
    assert target.get(f"/v2/models/{UNKNOWN}/ready").status_code != 200, "an unknown model is ready"


@check
def rest_names_are_case_sensitive(target: Target) -> None:
    if target.model.swapcase() != target.model:
        is_refused(target.get(f"/v2/models/{target.model.swapcase()}"), "the model's name in the other case")


@check
def rest_request_is_answered_with_all_outputs(target: Target) -> None:
    answer = is_answered(target, target.infer(target.body()))
    described = [tensor["name"] for tensor in target.described()["outputs"]]
    assert sorted(output["name"] for output in answer["outputs"]) == sorted(described)


@check
def rest_same_request_gets_the_same_answer(target: Target) -> None:
    first, second = (is_answered(target, target.infer(target.body()))["outputs"] for _ in range(2))
    assert first == second


@check
def rest_id_is_returned(target: Target) -> None:
    assert is_answered(target, target.infer(target.body(id="conformance-7")))["id"] == "conformance-7"


@check
def rest_only_outputs_that_are_asked_for_are_returned(target: Target) -> None:
    last = target.described()["outputs"][-1]["name"]
    answer = is_answered(target, target.infer(target.body(outputs=[{"name": last}])))
    assert [output["name"] for output in answer["outputs"]] == [last]


@check
def rest_unknown_parameters_do_no_harm(target: Target) -> None:
    is_answered(target, target.infer(target.body(parameters={"conformance": "yes", "number": 3, "truth": True})))


@check
def rest_batch_is_answered_as_its_items_are(target: Target) -> None:
    alone = is_answered(target, target.infer(target.body()))["outputs"]
    double = [tensor.repeated() for tensor in target.inputs]
    together = is_answered(target, target.infer(target.body(double)))["outputs"]
    for one, two in zip(alone, together, strict=True):
        assert two["shape"] == [2 * one["shape"][0], *one["shape"][1:]], f"the shape of {two['name']} is {two['shape']}"
        assert flat(two["data"]) == [*flat(one["data"]), *flat(one["data"])], f"{two['name']} differs"


@check
def rest_wrong_inputs_are_refused(target: Target) -> None:
    first = target.inputs[0].json
    wrong = {
        "an unknown input": [first | {"name": "no-such-input"}],
        "an input with another datatype": [first | {"datatype": "INT64", "data": [1]}],
        "an input with an unknown datatype": [first | {"datatype": "FLOAT"}],
        "an input with a further dimension": [first | {"shape": [*first["shape"], 7]}],
        "an input with less data than its shape": [first | {"shape": [first["shape"][0] + 1, *first["shape"][1:]]}],
        "an input with a negative shape": [first | {"shape": [-1, *first["shape"][1:]]}],
        "no input": [],
    }
    for what, inputs in wrong.items():
        is_refused(target.infer({"inputs": inputs}), what)


@check
def rest_unknown_outputs_are_refused(target: Target) -> None:
    is_refused(target.infer(target.body(outputs=[{"name": "no-such-output"}])), "an unknown output")


@check
def rest_bodies_that_are_no_request_are_refused(target: Target) -> None:
    path = f"/v2/models/{target.model}/infer"
    for body in (b"", b"{", b"[]", b"null", b"\xff\xfe\x00", b'{"inputs": 3}', b'{"inputs": [{}]}', b"[" * 5000):
        is_refused(target.post(path, body), f"the body {body[:16]!r}")
    assert target.get("/v2/health/live").status_code == 200, "the server has died of it"
