"""Photos that are not on this machine: in object storage and on web servers."""

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3

from tests.support.aws.moto_server import REGION, running_moto
from tests.support.bulk.command import bulk, rows_of
from tests.support.bulk.photos import colour_folder


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files; /busy answers once that it is busy."""

    busy = True

    def do_GET(self) -> None:
        if self.path == "/busy" and Handler.busy:
            Handler.busy = False
            self.send_error(503)
        else:
            super().do_GET()

    def translate_path(self, path: str) -> str:
        return super().translate_path("/a/red.jpg" if path == "/busy" else path)

    def log_message(self, format: str, *args: object) -> None:
        return


@contextmanager
def web_server(folder: Path) -> Iterator[str]:
    handler = functools.partial(Handler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_photos_in_object_storage_are_listed_and_classified(tiny: Path, tmp_path: Path) -> None:
    photos = colour_folder(tmp_path / "photos")
    (photos / "large.jpg").write_bytes(bytes(3000))
    (photos / "list.csv").write_text("path\nb/blue.jpg\nmissing.jpg\n")
    with running_moto(tmp_path / "moto.log") as moto:
        client = boto3.client(
            "s3",
            endpoint_url=moto.url,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        client.create_bucket(Bucket="orchard", CreateBucketConfiguration={"LocationConstraint": REGION})
        for path in photos.rglob("*.*"):
            client.put_object(Bucket="orchard", Key=f"in/{path.relative_to(photos)}", Body=path.read_bytes())
        settings = moto.environment | {"VERGER_MAX_IMAGE_BYTES": "2000"}
        results = {}
        for source in ("s3://orchard/in", "s3://orchard/in/*/*.jpg", "s3://orchard/in/list.csv", "s3://orchard/none"):
            output = tmp_path / source.replace("/", "_")
            status, _, notes = bulk(source, "--output", output, "--model", tiny, cwd=tmp_path, **settings)
            found = rows_of(output) if status == 0 else []
            results[source] = {row["path"]: row["label"] or row["error"] for row in found} or notes.split(" ")[0]
    home = "s3://orchard/in/"
    assert results == {
        "s3://orchard/in": {
            f"{home}a/red.jpg": "red",
            f"{home}b/blue.jpg": "blue",
            f"{home}b/green.png": "green",
            f"{home}large.jpg": "IMAGE_TOO_LARGE",
            f"{home}list.csv": "IMAGE_FORMAT_UNSUPPORTED",
        },
        "s3://orchard/in/*/*.jpg": {f"{home}a/red.jpg": "red", f"{home}b/blue.jpg": "blue"},
        "s3://orchard/in/list.csv": {f"{home}b/blue.jpg": "blue", f"{home}missing.jpg": "FILE_NOT_FOUND"},
        "s3://orchard/none": "SOURCE_EMPTY",
    }


def test_photos_on_a_web_server_are_classified_and_a_busy_server_is_asked_again(tiny: Path, tmp_path: Path) -> None:
    photos = colour_folder(tmp_path / "photos")
    (photos / "large.jpg").write_bytes(bytes(3000))
    with web_server(photos) as address:
        names = ("a/red.jpg", "busy", "missing.jpg", "large.jpg")
        (tmp_path / "list.txt").write_text("".join(f"{address}/{name}\n" for name in names))
        options = ("list.txt", "--output", "out", "--model", tiny, "--sort-into", "sorted")
        status, said, notes = bulk(*options, cwd=tmp_path, VERGER_MAX_IMAGE_BYTES="2000")
    assert status == 0, notes
    rows = rows_of(tmp_path / "out")
    assert [row["label"] or row["error"] for row in rows] == ["red", "red", "FILE_NOT_FOUND", "IMAGE_TOO_LARGE"]
    assert [row["size"] for row in rows[2:]] == [None, 3000]
    assert not Handler.busy
    assert "2 photos are sorted into folders." in said
    assert (tmp_path / "sorted/red/red.jpg").read_bytes() == (photos / "a/red.jpg").read_bytes()
