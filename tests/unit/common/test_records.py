"""Messages that would take far more memory than bytes are refused before they are parsed."""

import pytest
from verger.oip import open_inference_pb2 as oip
from verger.v1 import classifier_pb2, collection_pb2, inference_pb2

from services.common.errors import RequestMalformed
from services.common.rpc.records import MAX_NUMBER_BYTES, MAX_RECORDS, check_of

check = check_of(oip.ModelInferRequest.DESCRIPTOR)
assert check is not None


def refusal_of(raw: bytes) -> str:
    with pytest.raises(RequestMalformed) as refused:
        check(raw)
    return str(refused.value)


def test_messages_without_lists_of_messages_are_not_read_twice() -> None:
    assert check_of(classifier_pb2.ClassifyRequest.DESCRIPTOR) is None
    assert check_of(inference_pb2.InferRequest.DESCRIPTOR) is None
    assert check_of(collection_pb2.LabelPhotosRequest.DESCRIPTOR) is not None


def test_a_batch_of_large_photos_passes() -> None:
    request = oip.ModelInferRequest(model_name="fruits", raw_input_contents=[b"x" * 10_000_000])
    request.inputs.add(name="image", datatype="BYTES", shape=[32]).parameters["a"].string_param = "b"
    request.inputs[0].contents.bytes_contents.extend([b"x" * 1000] * 32)
    check(request.SerializeToString())


def test_an_answer_with_ten_thousand_classes_passes() -> None:
    predictions = [classifier_pb2.Prediction(label=str(i), probability=0.5) for i in range(10_000)]
    photo = collection_pb2.AddPhotoRequest(classification=classifier_pb2.Classification(predictions=predictions))
    of_photo = check_of(collection_pb2.AddPhotoRequest.DESCRIPTOR)
    assert of_photo
    of_photo(photo.SerializeToString())


@pytest.mark.parametrize("one", [b"\x2a\x00", b"\x3a\x00", b"\x22\x00", b"\x2a\x02\x2a\x00"], ids=bytes.hex)
def test_very_many_small_fields_are_refused(one: bytes) -> None:
    assert f"more than {MAX_RECORDS:,} fields" in refusal_of(one * (MAX_RECORDS + 1))


def test_long_lists_of_numbers_are_refused() -> None:
    request = oip.ModelInferRequest()
    request.inputs.add().contents.int64_contents.extend([1] * (MAX_NUMBER_BYTES // 2))
    check(request.SerializeToString())
    request.inputs.add().contents.bool_contents.extend([True] * (MAX_NUMBER_BYTES // 2 + 1))
    assert "bytes of numbers" in refusal_of(request.SerializeToString())


@pytest.mark.parametrize("raw", [b"\x2a", b"\x2a\x05abc", b"\x2a\xff\xff", b"\x2e\x00", b"\x80" * 20], ids=bytes.hex)
def test_bytes_that_are_no_message_are_refused(raw: bytes) -> None:
    assert "not a message of this method" in refusal_of(raw)


def test_groups_which_nobody_uses_any_more_are_passed_over() -> None:
    group = b"\xfb\x7f\x08\x01\xfc\x7f"  # field 2047
    check(group)
    assert oip.ModelInferRequest.FromString(group) is not None
