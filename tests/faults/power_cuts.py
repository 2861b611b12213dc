"""What a disk may hold after a power cut, for every moment of a recorded sequence of calls.

What POSIX promises, and no more: the content of a file is there once the file was flushed, its name once the
folder was.  Of anything else each piece may be there or not, in any order: a name without its content, with a
part of it or with zeros, a later rename without an earlier one.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from faults.system_calls import SystemCalls

ROOT = 0
FOLDER = None
"""Content of a node that is a folder."""


class Name(NamedTuple):
    """A name in a folder: taken by a node, or free (`node` is None); a rename has two of them at once."""

    folder: int
    name: str
    node: int | None


class Recording(SystemCalls):
    """Record what happens below a folder."""

    def __enter__(self):
        self.steps, self._numbers, self.at_first = [], {}, ({}, {})
        self._take_in(self.folder, ROOT)
        return super().__enter__()

    def meet(self, name, paths, do, data=None):
        existed = os.path.lexists(paths[0])
        old = self._node(paths[0]) if name in ("rename", "replace", "unlink", "link") else None
        result = do() if data is None else do(data)
        getattr(self, f"_{name}_done", lambda *_: None)(paths, existed, old)
        return result

    def _take_in(self, path, node):
        """Everything that is there before is on the disk for good."""
        names, contents = self.at_first
        self._numbers[Path(path).stat().st_ino], names[node] = node, {}
        for entry in os.scandir(path):
            child = len(self._numbers) + 1
            names[node][entry.name] = child
            if entry.is_dir():
                self._take_in(entry.path, child)
            else:
                self._numbers[entry.inode()] = child
                with self._opened(entry.path) as file:
                    contents[child] = file.read()

    def _opened(self, path):
        return getattr(self, "_real_open", open)(path, "rb")

    def _node(self, path):
        return self._numbers[os.lstat(path).st_ino]

    def _new(self, path):
        # Numbers of our own: the system gives those of removed files to new ones.
        number = self._numbers[os.lstat(path).st_ino] = 1 + max(self._numbers.values())
        return number

    def _name(self, path, node):
        return Name(self._node(path.parent), path.name, node)

    def _mkdir_done(self, paths, existed, old):
        self.steps.append(("names", [self._name(paths[0], self._new(paths[0]))]))

    def _open_done(self, paths, existed, old):
        number = self._node(paths[0]) if existed else self._new(paths[0])
        self._close_done(paths, existed, old)
        if not existed:
            self.steps.append(("names", [self._name(paths[0], number)]))

    def _close_done(self, paths, existed, old):
        with self._opened(paths[0]) as file:
            self.steps.append(("content", self._node(paths[0]), file.read()))

    _write_done = _ftruncate_done = _close_done

    def _rename_done(self, paths, existed, old):
        self.steps.append(("names", [self._name(paths[1], old), self._name(paths[0], None)]))

    _replace_done = _rename_done

    def _link_done(self, paths, existed, old):
        self.steps.append(("names", [self._name(paths[1], old)]))

    def _unlink_done(self, paths, existed, old):
        self.steps.append(("names", [self._name(paths[0], None)]))

    def _fsync_done(self, paths, existed, old):
        self.steps.append(("flush", self._node(paths[0])))


def _empty(content):
    return b""


def _half(content):
    return content[: len(content) // 2]


def _zeros(content):
    return bytes(len(content))


def _whole(content):
    return content


CONTENTS = (_empty, _half, _zeros, _whole)


def disks(recording, rng, n_random=2) -> Iterator[tuple[int, dict]]:
    """Yield for each moment what the disk may hold: (number of calls, tree of names, folders as dicts).

    Nothing that was not flushed; all names with empty, half, zero or whole contents; only the last name of
    all that were not flushed; and choices at random.
    """
    for cut in range(len(recording.steps) + 1):
        steps = recording.steps[:cut]
        names = [i for i, step in enumerate(steps) if step[0] == "names"]
        yield cut, _disk(recording, steps, lambda i: False, lambda node: _empty)
        for content in CONTENTS:
            yield cut, _disk(recording, steps, lambda i: True, lambda node, content=content: content)
        yield cut, _disk(recording, steps, lambda i, names=names: i == names[-1], lambda node: _empty)
        for _ in range(n_random):
            kept = {i: rng.random() < 0.5 for i in names}
            yield (
                cut,
                _disk(recording, steps, kept.__getitem__, lambda node: CONTENTS[rng.integers(len(CONTENTS))]),
            )


def _disk(recording, steps, survives, content_of):
    folders = {node: dict(names) for node, names in recording.at_first[0].items()}
    contents = dict(recording.at_first[1])
    flushes = {}
    for i, step in enumerate(steps):
        if step[0] == "flush":
            flushes[step[1]] = i
    for i, step in enumerate(steps):
        if step[0] == "names":
            durable = any(flushes.get(name.folder, -1) > i for name in step[1])
            if durable or survives(i):
                for folder, name, node in step[1]:
                    _set(folders.setdefault(folder, {}), name, node)
        elif step[0] == "content":
            node, content = step[1:]
            contents[node] = content if flushes.get(node, -1) > i else content_of(node)(content)
    return _tree(ROOT, folders, contents)


def _set(folder, name, node):
    if node is None:
        folder.pop(name, None)
    else:
        folder[name] = node


def _tree(node, folders, contents):
    if node in contents:
        return contents[node]
    return {name: _tree(child, folders, contents) for name, child in folders.get(node, {}).items()}


def write_tree(tree, folder):
    """Make files of a tree."""
    folder.mkdir()
    for name, content in tree.items():
        if isinstance(content, dict):
            write_tree(content, folder / name)
        else:
            (folder / name).write_bytes(content)
