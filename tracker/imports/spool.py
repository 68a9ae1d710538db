"""Sequences on disk: what a long file comes to, without holding it in memory."""

import os
import pickle
import weakref
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from tempfile import TemporaryFile
from typing import Any, TypeVar, overload

T = TypeVar("T")

_WRITTEN_AT_ONCE = 256 * 1024
_READ_AT_ONCE = 500


class Spool(Sequence[T]):
    """Grows at its end and is read in any order; the same item each time, as a copy.

    It lies in a temporary file without a name, which ends with the spool or with the
    process. In memory stays where each item begins: eight bytes.
    """

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._file = TemporaryFile(buffering=_WRITTEN_AT_ONCE)  # noqa: SIM115 - below
        # Closed with the spool, which many hold and none of them ends.
        weakref.finalize(self, self._file.close)
        self._bounds = array("Q", [0])
        self.extend(items)

    def append(self, item: T) -> None:
        data = pickle.dumps(item, pickle.HIGHEST_PROTOCOL)
        self._file.write(data)
        self._bounds.append(self._bounds[-1] + len(data))

    def extend(self, items: Iterable[T]) -> None:
        for item in items:
            self.append(item)

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def __iter__(self) -> Iterator[T]:
        for start in range(0, len(self), _READ_AT_ONCE):
            yield from self._between(start, min(start + _READ_AT_ONCE, len(self)))

    @overload
    def __getitem__(self, place: int) -> T: ...

    @overload
    def __getitem__(self, place: slice) -> list[T]: ...

    def __getitem__(self, place: int | slice) -> T | list[T]:
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self))
            if step == 1:
                return list(self._between(start, max(start, stop)))
            return [self[each] for each in range(start, stop, step)]
        position = range(len(self))[place]
        item: T = _unpickled(self._read(*self._bounds[position : position + 2]))
        return item

    def _between(self, start: int, stop: int) -> Iterator[T]:
        bounds = self._bounds[start : stop + 1]
        data = memoryview(self._read(bounds[0], bounds[-1]))
        for begin, end in pairwise(bounds):
            yield _unpickled(data[begin - bounds[0] : end - bounds[0]])

    def _read(self, begin: int, end: int) -> bytes:
        self._file.flush()
        return os.pread(self._file.fileno(), end - begin, begin)


def _unpickled(data: bytes | memoryview) -> Any:
    # Nobody else reaches the file: it holds what was pickled here.
    return pickle.loads(data)  # noqa: S301
