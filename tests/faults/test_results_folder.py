"""A folder of results in the hands of a user with bad luck: configured, run, killed, damaged, repaired, run.

The stages are those of a configuration, with its recipes, its stores and its page; only their numbers are
stand-ins, so that each result says of what it was made, and hundreds of runs take seconds.
"""

import json
import os
import re
import shutil
import tempfile
from contextlib import chdir, contextmanager, suppress
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import xarray as xr
import yaml
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from eelsunmix.configuration.nodes import node_of
from eelsunmix.configuration.reading import read_tree
from eelsunmix.errors import InputError, StoreError
from eelsunmix.plain import digest_of
from eelsunmix.recipes import Product, Recipes
from eelsunmix.recipes.present import Present
from eelsunmix.recipes.repairing import repair
from eelsunmix.recipes.table import recipe_of
from eelsunmix.recipes.verification import CONFIGURATION, Verification
from eelsunmix.sources import checksum
from eelsunmix.storage import (
    check_inputs,
    check_sources,
    drafts,
    is_a_page,
    manifest_at,
    open_store,
    publish,
    read_manifest,
    read_page_manifest,
    read_record,
    sealed_page,
    sealed_record,
    verify,
    verify_page,
)
from eelsunmix.storage.kept import keep, settle
from eelsunmix.storage.manifest import REMEDY
from eelsunmix.storage.whole_files import write_page
from faults.system_calls import SystemCalls

AXES = {"dims": ["y", "x", "energy_loss"], "energy": {"offset_eV": 400, "dispersion_eV": 1.0}}
SOURCE = Path("data/a.npy")
RESULTS = Path("results")
RAW = Path("results/A/raw.zarr")
KEPT = Path("results/A/.raw.zarr.kept")


class Killed(BaseException):
    """The process is no more."""


class Kill(SystemCalls):
    """End a process at its n-th call: nothing that it does afterwards has an effect."""

    def __init__(self, folder, number):
        super().__init__(folder)
        self.left = number

    def meet(self, name, paths, do, data=None):
        self.left -= 1
        if self.left < 0:
            raise Killed
        return super().meet(name, paths, do, data)

    def __enter__(self):
        remove = drafts._remove
        self._patches.enter_context(
            mock.patch.object(drafts, "_remove", lambda draft: remove(draft) if self.left >= 0 else None)
        )
        return super().__enter__()


def value(product, settings, inputs, content):
    """What a stand-in of a stage finds: another number for other settings, inputs, or counts."""
    return int(digest_of([product, settings, inputs, content * (product.store == "raw")])[:12], 16)


def content_to_be_used():
    """SHA-256 of the source; where it cannot be read, of what the store that is there was made of."""
    if SOURCE.exists():
        return checksum(SOURCE)[0]
    for place in (RAW, KEPT):
        with suppress(StoreError):
            return read_manifest(place).sources[str(SOURCE)]["sha256"]
    return "nobody knows"


def right_values(recipes):
    """Value of every product, from the configuration and the source alone."""
    values, content = {}, content_to_be_used()
    for product in recipes.products():
        inputs = [values[one] for one in recipes.inputs(product)]
        values[product] = value(product, recipes.settings(product), inputs, content)
    return values


def imported():
    """Read the source as an import does; return its SHA-256."""
    try:
        np.load(SOURCE)
    except (OSError, ValueError) as error:
        raise InputError(f"{SOURCE}: cannot be read; copy it again") from error
    return checksum(SOURCE)[0]


def job(product, recipes, meanwhile):
    """What a script of the workflow does; `meanwhile` happens while it reads the source."""
    asked, inputs = recipes.settings(product), recipes.inputs(product)
    check_inputs(asked.get("made_of", {}))
    opened = [read_value(one) for one in inputs]
    files = {}
    if product.store == "raw":
        files = {SOURCE: imported()}
        meanwhile()
    found, path = value(product, asked, opened, files.get(SOURCE, "")), Path(product.path)
    if product.store in ("page", "verdict"):
        made_from = {one.path: manifest_at(one.path).seal for one in inputs}
        sealed = {"seals": made_from, "settings": asked}
        page = sealed_page(f"<title>A · eelsunmix</title><p>{found}</p>", path, **sealed)
        write_page(path, page if product.store == "page" else sealed_record({"value": found}, path, **sealed))
    else:
        dataset = xr.Dataset({"value": ((), np.int64(found))})
        publish(dataset, path, inputs=[one.path for one in inputs], files=files, settings=asked)


def planned(recipes):
    """What Snakemake makes that has no records: what is absent, not as asked for, or made of that."""
    present, remade = Present(recipes), {}
    for product in recipes.products():
        found = present.fault(product)
        if found or not Path(product.path).exists() or set(remade) & set(recipes.inputs(product)):
            remade[product] = None
            present.keep(product)
    return list(remade)


def run(recipes, *, meanwhile=lambda: None, at_the_end=lambda: None):
    """What a run does, with `--keep-going`; the first mistake is raised at the end."""
    list(settle(RESULTS))
    plan, failed = planned(recipes), {}
    for product in plan:
        if recipe_of(product, recipes.samples.get(product.sample)).reads_files:
            keep(Path(product.path))
    for product in plan:
        if set(failed) & set(recipes.inputs(product)):
            failed[product] = None  # is not begun, so what is there stays
            continue
        if Path(product.path).is_dir():  # Snakemake removes the output of a job before it starts
            shutil.rmtree(product.path)
        try:
            job(product, recipes, meanwhile)
        except InputError as error:
            failed[product] = error
    at_the_end()
    list(settle(RESULTS))
    if failed:
        raise next(iter(failed.values()))


def whole_raw_stores(*places):
    """Seals of the stores of the counts that are whole."""
    found = set()
    for place in places:
        with suppress(StoreError):
            found.add(verify(place).seal)
    return found


def value_in(product):
    """Value of a product that is there, every byte verified.

    Raises
    ------
    StoreError
        It is damaged, or absent.
    """
    if product.store == "page":
        verify_page(product.path)
        return int(re.search(r"<p>(\d+)", Path(product.path).read_text()).group(1))
    if product.store != "verdict":
        check_sources(Path(product.path), verify(product.path))
    return read_value(product)


def read_value(product):
    """Value of a store or a verdict."""
    if product.store == "verdict":
        return read_record(product.path)[0]["value"]
    return int(open_store(product.path)["value"])


def _flip(file, where):
    content = bytearray(file.read_bytes())
    content[where % len(content)] ^= 1 << where % 8
    file.write_bytes(content)


def _cut(file, where):
    content = file.read_bytes()
    file.write_bytes(content[: where % len(content)])


def _zero(file, where):
    file.write_bytes(bytes(file.stat().st_size))


def _delete(file, where):
    file.unlink()


class ResultsFolder(RuleBasedStateMachine):
    """Whatever happens: never a mix, never a silent old result, never a lost source or file of the user."""

    def __init__(self):
        super().__init__()
        self.place = Path(tempfile.mkdtemp())
        self.patches = [
            chdir(self.place),
            mock.patch.object(os, "fsync", return_value=None),
            mock.patch.object(drafts, "_runs", return_value=False),
            mock.patch.object(drafts, "_remove", lambda draft: shutil.rmtree(draft, ignore_errors=True)),
            mock.patch("eelsunmix.recipes.repairing.take_lock", return_value=True),  # there is nobody else
        ]
        for patch in self.patches:
            patch.__enter__()
        self.tree = {
            "samples": {"A": {"file": str(SOURCE), "axes": AXES}},
            "components": {"n": 3},
            "denoise": {"n_components": 8},
            "methods": {"vca": {"n_draws": 5}},
        }
        self.known, self.damaged, self.theses, self.n_aside = {}, set(), [], 0
        SOURCE.parent.mkdir()
        self.exchange_source(0)

    def teardown(self):
        for patch in reversed(self.patches):
            patch.__exit__(None, None, None)
        shutil.rmtree(self.place)

    @contextmanager
    def counts_are_not_lost(self):
        """What a run, a repair, or the end of one, must never do, wherever it is killed.

        A whole store of the counts, perhaps the last copy, goes only where its successor is whole.
        """
        before = whole_raw_stores(RAW, KEPT)
        yield
        aside = whole_raw_stores(KEPT, *RAW.parent.glob("raw.zarr.aside*"))
        assert not before or whole_raw_stores(RAW) or before & aside

    def recipes(self):
        """What is asked for now; and what is right for it is remembered."""
        recipes = Recipes(read_tree(node_of(self.tree, "c.yaml"), must_exist=False).samples)
        self.right = right_values(recipes)
        self.known |= {(one, recipes.digest(one)): found for one, found in self.right.items()}
        return recipes

    @rule(n=st.integers(2, 4))
    def change_the_number_of_components(self, n):
        self.tree["components"] = {"n": n}

    @rule(n=st.integers(5, 6))
    def change_the_denoising(self, n):
        self.tree["denoise"] = {"n_components": n}

    @rule(method=st.sampled_from(["vca", "nmf"]))
    def change_the_method(self, method):
        self.tree["methods"] = {method: {}}

    @rule(title=st.sampled_from(["One", "Two"]))
    def change_the_title(self, title):
        self.tree["report"] = {"title": title}

    @rule(seed=st.integers(0, 3))
    def exchange_source(self, seed):
        np.save(SOURCE, np.random.default_rng(seed).poisson(40, (3, 2, 7)).astype("u2"))
        os.utime(SOURCE, (1e9, 1e9))  # of the same size, with the same time
        self.source = SOURCE.read_bytes()

    @rule()
    def cut_the_source_off(self):
        if self.source:
            SOURCE.write_bytes(self.source[:-9])
            self.source = SOURCE.read_bytes()

    @rule()
    def run_without_the_source(self):
        """It is taken away, or the right to read it."""
        SOURCE.unlink(missing_ok=True)
        self.source = None
        self.run_to_the_end()

    @rule(number=st.integers(0, 400))
    def run_and_be_killed(self, number):
        recipes = self.recipes()
        with self.counts_are_not_lost(), suppress(Killed, InputError), Kill(self.place, number):
            run(recipes)

    @rule(seed=st.integers(0, 3))
    def run_while_the_source_is_exchanged(self, seed):
        recipes, before = self.recipes(), self.source
        with self.counts_are_not_lost(), suppress(InputError):
            run(recipes, meanwhile=lambda: self.exchange_source(seed))
            assert self.source == before, "the counts of one file with the hash of the other"

    @rule(
        seed=st.integers(0, 3),
        damage=st.sampled_from([_flip, _cut, _zero, _delete]),
        number=st.integers(0, 99),
    )
    def run_be_killed_at_the_end_and_have_bad_luck(self, seed, damage, number):
        """What a run has made of other counts is damaged before the next one begins."""

        def kill():
            raise Killed

        self.run_to_the_end()
        self.exchange_source(seed)
        with self.counts_are_not_lost(), suppress(Killed, InputError):
            run(self.recipes(), at_the_end=kill)
        files = sorted(file for file in RAW.rglob("*") if file.is_file())
        if files:
            damage(files[number % len(files)], number)
            self.damaged.add(str(RAW))

    @rule()
    def keep_the_counts(self):
        """As a run does that is killed before its first job."""
        keep(RAW)

    @rule()
    def settle_what_is_kept(self):
        with self.counts_are_not_lost():
            list(settle(RESULTS))

    @rule(number=st.one_of(st.none(), st.integers(0, 12)))
    def repair_the_results(self, number):
        """Whole, or killed; afterwards a run finds nothing damaged."""
        recipes = self.recipes()
        CONFIGURATION.parent.mkdir(exist_ok=True)
        CONFIGURATION.write_text(yaml.safe_dump(self.tree))
        RESULTS.mkdir(exist_ok=True)
        repairing = repair(RESULTS, Verification([CONFIGURATION]), locks=Path(".snakemake/locks"))
        if number is not None:
            with self.counts_are_not_lost(), suppress(Killed), Kill(self.place, number):
                list(repairing)
            return
        with self.counts_are_not_lost():
            list(repairing)
        there = [one for one in self.right if Path(one.path).exists()]
        assert [value_in(one) for one in there] == [self.right[one] for one in there]
        assert not any(map(Present(recipes).fault, there))

    @rule()
    def run_to_the_end(self):
        for _ in range(20):
            recipes = self.recipes()
            try:
                with self.counts_are_not_lost():
                    run(recipes)
                break
            except InputError as error:
                if str(error).startswith(f"{SOURCE}: "):
                    self.the_source_has_to_come_back()
                    return
                self.do_what_is_said(str(error))
        else:
            raise AssertionError("the advice leads nowhere")
        self.everything_is_right(recipes)

    def the_source_has_to_come_back(self):
        """It was said, so nothing old is silent; and it is true."""
        if SOURCE.exists():
            with pytest.raises(InputError):
                imported()
        else:
            assert not whole_raw_stores(RAW)

    def do_what_is_said(self, message):
        """Follow the advice, which is in the message."""
        said = re.fullmatch(f"(results/.*zarr): .*; {re.escape(REMEDY)}", message)
        assert said, message
        self.n_aside += 1
        Path(said.group(1)).rename(f"aside{self.n_aside}")

    def everything_is_right(self, recipes):
        for product, right in self.right.items():
            try:
                assert value_in(product) == right, f"{product} is of another configuration or source"
            except StoreError as error:
                self.nobody_has_read_it_yet(str(error))
        assert not any(Present(recipes).fault(one) for one in self.right if one.path not in self.damaged)
        assert value_in(Product("A", "page")) == self.right[Product("A", "page")]
        self.damaged = {path for path in self.damaged if not self.is_whole(path)}

    def nobody_has_read_it_yet(self, said):
        """But the checker names it, or what it is made of."""
        assert any(path in said for path in self.damaged), said

    def is_whole(self, path):
        with suppress(StoreError):
            read = {".html": verify_page, ".json": read_record}.get(Path(path).suffix, verify)
            return bool(read(path))
        return not Path(path).exists()

    @precondition(lambda self: any(Path("results").rglob("manifest.json")) or Path("reports").is_dir())
    @rule(data=st.data(), damage=st.sampled_from([_flip, _cut, _zero, _delete]), where=st.integers(0, 10**6))
    def damage_a_file(self, data, damage, where):
        found = RESULTS.rglob("manifest.json")
        stores = [path.parent for path in found if not re.search(r"\.tmp-|\.aside", str(path))]
        files = [file for store in stores for file in store.rglob("*") if file.is_file()]
        files = sorted(files) + [page for page in sorted(Path("reports").glob("*.html")) if is_a_page(page)]
        files += RESULTS.glob("A/verdict.json")
        if files:
            file = data.draw(st.sampled_from(files))
            damage(file, where)
            path = re.match(r"results/.*?\.(?:zarr|json)|reports/.*", str(file)).group()
            self.damaged.add(path.replace("/.", "/"))  # what is kept may come back

    @rule(data=st.data())
    def delete_a_result(self, data):
        stores = sorted({path.parent for path in Path("results").rglob("manifest.json")})
        if stores:
            shutil.rmtree(data.draw(st.sampled_from(stores)))

    @rule()
    def put_a_thesis_in_the_place_of_the_page(self):
        page = Path("reports/A.html")
        page.parent.mkdir(exist_ok=True)
        if not page.exists() or is_a_page(page):
            self.theses.append(f"my thesis {len(self.theses)}")
            page.write_text(self.theses[-1])

    @invariant()
    def the_source_is_as_the_user_left_it(self):
        assert (SOURCE.read_bytes() if SOURCE.exists() else None) == self.source

    @invariant()
    def no_file_of_the_user_is_lost(self):
        kept = [file.read_bytes() for file in Path("reports").glob("*")]
        assert all(thesis.encode() in kept for thesis in self.theses)

    @invariant()
    def nothing_that_verifies_is_a_mix(self):
        for product in getattr(self, "right", {}):
            try:
                found = value_in(product)
            except StoreError:
                continue
            read = read_page_manifest if product.store == "page" else manifest_at
            assert found == self.known[product, digest_of(read(product.path).settings)], product


ResultsFolder.TestCase.settings = settings(
    max_examples=int(os.environ.get("HISTORIES", "12")),
    stateful_step_count=12,
    derandomize="HISTORIES" not in os.environ,
    phases=(Phase.generate,),  # to make a history shorter takes minutes
    suppress_health_check=list(HealthCheck),
    deadline=None,
)
TestResultsFolder = ResultsFolder.TestCase


def test_the_stand_ins_tell_every_difference_apart(tmp_path):
    tree = {"samples": {"A": {"file": str(SOURCE), "axes": AXES}}, "methods": {"vca": {}}}
    with chdir(tmp_path):
        SOURCE.parent.mkdir()
        np.save(SOURCE, np.arange(42).reshape(3, 2, 7))
        found = []
        for change in ({}, {"components": {"n": 2}}, {"report": {"title": "T"}}):
            recipes = Recipes(read_tree(node_of(json.loads(json.dumps(tree | change)), "c.yaml")).samples)
            found.append(right_values(recipes)[Product("A", "page")])
        assert len(set(found)) == 3
