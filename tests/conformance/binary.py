"""What the binary tensor extension asks of a server over HTTP.

See https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol/binary-tensor-data-extension.
"""

import json
from typing import Any

import httpx

from tests.conformance.rest import is_answered, is_refused
from tests.conformance.target import Skipped, Target, check, flat, packed, unpacked

EXTENSION = "binary_tensor_data"
LENGTH = "Inference-Header-Content-Length"


def offered(target: Target) -> None:
    if EXTENSION not in target.get("/v2").json()["extensions"]:
        raise Skipped(f"the server does not list {EXTENSION}")


def sent(target: Target, *, more: bytes = b"", size_error: int = 0, **fields: Any) -> httpx.Response:
    """Sends the sample with all tensors behind the JSON."""
    inputs = []
    for tensor in target.inputs:
        size = len(tensor.raw) + size_error
        inputs.append(
            {
                "name": tensor.name,
                "datatype": tensor.datatype,
                "shape": list(tensor.shape),
                "parameters": {"binary_data_size": size},
            }
        )
    head = json.dumps({"inputs": inputs, **fields}).encode()
    body = head + b"".join(tensor.raw for tensor in target.inputs) + more
    path = f"/v2/models/{target.model}/infer"
    return target.post(path, body, **{LENGTH: str(len(head)), "Content-Type": "application/octet-stream"})


def outputs_of(response: httpx.Response) -> dict[str, list[Any]]:
    """Returns the elements of the outputs of an answer, those in binary as those in JSON."""
    assert response.status_code == 200, f"the status is {response.status_code}: {response.text[:120]}"
    length = int(response.headers.get(LENGTH, len(response.content)))
    rest, found = response.content[length:], {}
    for output in json.loads(response.content[:length])["outputs"]:
        size = output.get("parameters", {}).get("binary_data_size")
        assert (size is None) == ("data" in output), f"{output['name']} has both forms, or none"
        if size is None:
            found[output["name"]] = flat(output["data"])
            continue
        elements = unpacked(output["datatype"], rest[:size])
        found[output["name"]] = [each.decode() for each in elements] if output["datatype"] == "BYTES" else elements
        rest = rest[size:]
    assert not rest, f"{len(rest)} bytes follow the last output"
    return found


@check
def binary_inputs_are_answered_as_those_in_json(target: Target) -> None:
    offered(target)
    expected = {o["name"]: flat(o["data"]) for o in is_answered(target, target.infer(target.body()))["outputs"]}
    assert outputs_of(sent(target)) == expected


@check
def binary_outputs_are_those_in_json(target: Target) -> None:
    offered(target)
    described = target.described()["outputs"]
    answer = sent(target, parameters={"binary_data_output": True})
    assert LENGTH in answer.headers, f"the answer has no {LENGTH}"
    in_json = outputs_of(sent(target))
    for spec in described:
        if spec["datatype"] != "BYTES":
            name, datatype = spec["name"], spec["datatype"]
            assert packed(datatype, outputs_of(answer)[name]) == packed(datatype, in_json[name]), f"{name} differs"
        else:
            assert outputs_of(answer)[spec["name"]] == in_json[spec["name"]], f"{spec['name']} differs"


@check
def binary_form_is_chosen_for_each_output(target: Target) -> None:
    offered(target)
    names = [tensor["name"] for tensor in target.described()["outputs"]]
    wanted = [{"name": name, "parameters": {"binary_data": place == 0}} for place, name in enumerate(names)]
    answer = sent(target, outputs=wanted)
    length = int(answer.headers[LENGTH])
    forms = ["data" in output for output in json.loads(answer.content[:length])["outputs"]]
    assert forms == [False, *[True] * (len(names) - 1)], "an output has the other form"
    outputs_of(answer)


@check
def binary_sizes_that_are_wrong_are_refused(target: Target) -> None:
    offered(target)
    is_refused(sent(target, size_error=1), "a size that is too large")
    is_refused(sent(target, size_error=-1), "a size that is too small")
    is_refused(sent(target, more=b"more"), "bytes that belong to no input")


@check
def binary_length_that_is_wrong_is_refused(target: Target) -> None:
    offered(target)
    body = json.dumps(target.body()).encode()
    for length in ("-1", "many", str(len(body) + 1), str(len(body) - 1)):
        is_refused(target.post(f"/v2/models/{target.model}/infer", body, **{LENGTH: length}), f"the length {length}")
