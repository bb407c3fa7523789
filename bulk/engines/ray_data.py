"""Classifies shards with Ray Data: one actor a core, on this machine or on a cluster.

What travels through Ray are names and rows. Each actor reads, decodes and classifies its photos in a process of a crew
(bulk.engines.crew), so that a photo that kills it is found out as on one machine; Ray replaces actors and nodes.
"""

import logging
import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.compute as pc
import ray
import ray.data
from ray.exceptions import RayTaskError

from bulk.engines.crew import Crew
from bulk.engines.worker import Setup
from bulk.photos.rows import SCHEMA
from engine.contract import CONTRACT_FILE, read_contract, serving_file
from engine.errors import VergerError

_ROOT = Path(__file__).resolve().parents[2]
_NUMBER, _ROW = "shard", "row"


class RayEngine:
    """Ray Data with one actor a core. Use it as a context manager. Implements bulk.run.Engine."""

    def __init__(self, setup: Setup, workers: int, photo_seconds: float, address: str | None) -> None:
        """Does not start anything yet.

        Args:
            setup: what each process needs to know; nodes get copies of the version's files.
            workers: actors where Ray is started here. A cluster gets one for each of its cores.
            photo_seconds: see Crew.
            address: of a cluster, as ray.init takes it; None starts Ray on this machine.
        """
        self._setup, self._workers = setup, workers
        self._photo_seconds, self._address = photo_seconds, address

    def __enter__(self) -> "RayEngine":
        logging.getLogger("ray").setLevel(logging.ERROR)
        if self._address:
            ray.init(address=self._address, log_to_driver=False, logging_level=logging.ERROR)
            self._workers = max(1, int(ray.cluster_resources().get("CPU", 1)))
        else:
            # Workers import this code; on a cluster it is in the image that all nodes run.
            variables = {"PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))}
            ray.init(
                num_cpus=self._workers,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                runtime_env={"env_vars": variables},
            )
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        return self

    def __exit__(self, *_: object) -> None:
        ray.shutdown()

    def run(
        self, shards: Iterable[tuple[int, list[bytes]]], progress: Callable[[int, int], None]
    ) -> Iterator[tuple[int, pa.Table]]:
        """Yields the number and the rows of each shard as soon as it is done; see Crew.run."""
        blocks = {number: _block(number, names) for number, names in shards}
        lengths = {number: len(block) for number, block in blocks.items()}
        files = ray.put(_files_of(Path(self._setup.folder)))  # held here, so that actors can be replaced
        rows = ray.data.from_arrow(list(blocks.values())).map_batches(
            Classifying,
            batch_size=None,  # a shard is a block
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=min(self._workers, len(blocks))),
            num_cpus=1,
            fn_constructor_args=([files], self._setup, self._photo_seconds),
        )
        del blocks
        done = failed = 0
        try:
            for number, table in _whole_shards(rows.iter_batches(batch_size=None, batch_format="pyarrow"), lengths):
                done, failed = done + len(table), failed + len(table) - table["error"].null_count
                progress(done, failed)
                yield number, table
        except RayTaskError as error:
            if isinstance(error.cause, VergerError):
                raise error.cause from error
            raise


class Classifying:
    """An actor: it classifies one shard after another in a process that it watches."""

    def __init__(self, files: "list[ray.ObjectRef[dict[str, bytes]]]", setup: Setup, photo_seconds: float) -> None:
        """Puts the version's files where its process can read them."""
        self._folder = tempfile.TemporaryDirectory(prefix="verger-")
        for name, content in ray.get(files[0]).items():
            path = Path(self._folder.name, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self._crew = Crew(replace(setup, folder=self._folder.name), 1, photo_seconds)

    def __call__(self, block: pa.Table) -> pa.Table:
        """Returns the rows of a shard, with its number and their own."""
        names = block["name"].to_pylist()
        ((_, table),) = self._crew.run([(0, names)], lambda _done, _failed: None)
        for column in (_NUMBER, _ROW):
            table = table.append_column(column, block[column])
        return table


def _block(number: int, names: list[bytes]) -> pa.Table:
    count = len(names)
    return pa.table(
        {
            "name": pa.array(names, pa.binary()),
            _NUMBER: pa.array([number] * count, pa.int32()),
            _ROW: pa.array(range(count), pa.int32()),
        }
    )


def _whole_shards(tables: Iterable[pa.Table], lengths: dict[int, int]) -> Iterator[tuple[int, pa.Table]]:
    """Puts shards together again, since Ray may split and join blocks."""
    pieces: dict[int, list[pa.Table]] = defaultdict(list)
    for table in tables:
        for number in table[_NUMBER].unique().to_pylist():
            pieces[number].append(table.filter(pc.field(_NUMBER) == number))
            if sum(map(len, pieces[number])) == lengths[number]:
                whole = pa.concat_tables(pieces.pop(number)).sort_by(_ROW)
                yield number, whole.select(SCHEMA.names).cast(SCHEMA)


def _files_of(folder: Path) -> dict[str, Any]:
    """Returns the files that serving needs of a version, by their names."""
    serving = serving_file(read_contract(folder / CONTRACT_FILE)).path
    return {name: (folder / name).read_bytes() for name in (CONTRACT_FILE, serving)}
