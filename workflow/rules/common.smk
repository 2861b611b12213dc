"""The settings of this run, and how rules take parameters and resources from them."""

import atexit
import functools
import inspect
import re
import signal
import sys
import threading
from operator import attrgetter
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from eelsunmix.configuration import (
    Configuration,
    as_params,
    available_samples,
    check_folders,
    check_results,
    read_configuration,
    read_values,
    refuse_storage,
    unwritable_folder,
    window_warnings,
)
from eelsunmix.errors import InputError
from eelsunmix.execution.log_ends import now_on_disk
from eelsunmix.recipes import INDEX, RECIPES, Product, Recipes
from eelsunmix.recipes.code import code_of
from eelsunmix.recipes.needs import STEP_MINUTES, group_name, needs_of
from eelsunmix.words import RECOMMENDED

if workflow.is_main_process:  # jobs need not load what reads stores
    from eelsunmix.recipes.present import Present
    from eelsunmix.recipes.table import rule_of
    from eelsunmix.recipes.unfinished import write_unfinished_index
    from eelsunmix.storage.kept import keep, settle
    from eelsunmix.storage.locks import remove_dead_locks, take_lock

command_line = workflow.config_settings
module_name = workflow.modifier.namespace  # None unless another workflow uses this one

try:
    refuse_storage(workflow.storage_settings.default_storage_provider)
    check_folders()
    if isinstance(config.get("settings"), Configuration):
        settings = config["settings"]  # handed over by a workflow that has read them
    elif module_name is None:
        files = command_line.configfiles or ["config/config.yaml"]
        settings = read_configuration(files, command_line.config)
    else:
        last = command_line.configfiles  # laid over those of the other workflow
        first = [file for file in workflow.configfiles if file not in last]
        settings = read_values(
            config,
            f"config of module {module_name}",
            files=[*first, *last],
            overrides=command_line.config,
        )
    samples, skipped = available_samples(settings.samples)
    if workflow.is_main_process:  # beside jobs, results are being replaced
        check_results([*samples, "benchmark", "index"])
        if remove_dead_locks(Path("results"), Path(".snakemake/locks")):
            logger.warning("the last run was killed; its lock is removed")
except InputError as error:
    raise WorkflowError(str(error)) from None

recipes = Recipes(samples, skipped)
present = Present(recipes) if workflow.is_main_process else None

# Who runs the blocks, and where, is not a parameter: it changes no result, so it must rerun nothing.
# A new mapping, because that of a module belongs to the workflow that uses it; all that scripts may see.
config = {"dask": as_params(settings.dask), "device": settings.device}


def one_of(names):
    """Constraint of a wildcard; no sample is called none."""
    return "|".join(map(re.escape, names)) or "none"


def looked_at(function):
    """Keep the signature of a function: Snakemake asks for it whenever it calls one, a hundred times a job."""
    function.__signature__ = inspect.signature(function)
    return function


def of_sample(name):
    """Input of a rule: a setting of the job's sample."""
    return looked_at(lambda wildcards: attrgetter(name)(samples[wildcards.sample]))


def product_of(rule, wildcards, label=""):
    recipe = RECIPES[rule]
    if recipe is RECIPES["index"]:
        return INDEX
    return Product(wildcards.sample, recipe.store, label)


def tell(pages):
    """Say where the page is, of several samples that of all; not all are there where another target was asked for."""
    several = {"all samples": Path(INDEX.path)} if len(samples) > 1 else pages
    for name, page in several.items():
        if page.is_file():
            logger.info(f"report of {name}: {page.absolute()}")


def products_of(rule, wildcards, label=""):
    """All that a job makes."""
    product = product_of(rule, wildcards, label)
    return [product, *(product._replace(store=one) for one in RECIPES[rule].beside)]


def asked(rule, label=""):
    """Parameters of a rule: its whole recipe, which the manifest of its store keeps."""

    def parameter(name):
        return looked_at(
            lambda wildcards: recipes.value(product_of(rule, wildcards, label), name)
        )

    return {name: parameter(name) for name in RECIPES[rule].names}


def is_run():
    """Whether jobs will run, and this is the process that starts them."""
    return (
        workflow.is_main_process
        and workflow.executor_plugin
        and not (workflow.dryrun or workflow.touch)
    )


def stop(line):
    """End before any job with one line; of an exception here, Snakemake would make a page."""
    logger.error(line)
    sys.exit(1)


@functools.cache
def begin_run():
    """Take the lock and end what a killed run left, before the first look at the results; return when.

    Not in `onstart`: of a workflow that is used as a module, and with --no-hooks, Snakemake leaves that out.
    """
    try:
        if take_lock(Path("results")):  # not yet by a module of this workflow
            atexit.register(end_run)
            for line in settle(Path("results")):
                logger.warning(line)
    except InputError as error:
        stop(str(error))
    return now_on_disk(Path("results"))


def end_run():
    """Put back what could not be made again; Snakemake's own log is closed by now."""
    try:
        for line in settle(Path("results")):
            print(line, file=sys.stderr)
    except InputError as error:
        print(error, file=sys.stderr)


def keep_until_made(rule, path):
    """Spare a store that is about to be deleted, if it was made of files that may be gone."""
    recipe = RECIPES.get(rule)
    try:
        if recipe and recipe.reads_files:
            keep(Path(path))
    except InputError as error:
        stop(str(error))


def make_again(path, found, *, silent=False):
    """Force the job of a store or page that is not as asked for, and say why."""
    if found:
        if not hasattr(workflow.dag, "forcefiles"):  # no public interface
            stop(
                "this version of Snakemake cannot be told what to make again; install snakemake 9"
            )
        workflow.dag.forcefiles.add(path)
        if not silent and (line := present.line(path, found)):
            logger.warning(line)


def check_place(path, found):
    """Refuse before any job what could not be written at its end."""
    if found or not Path(path).exists():
        if line := unwritable_folder(Path(path)):
            stop(line)


def forced(product):
    """Whether a product is made again though nothing is wrong with it, or because its source is."""
    name = rule_of(product, samples[product.sample])
    return (
        not {getattr(rules, name).rule}.isdisjoint(workflow.dag.forcerules)
        or not {product.path}.isdisjoint(workflow.dag.forcefiles)
        or any(map(forced, recipes.inputs(product)))
    )


@functools.cache
def keep_once(rule, path):
    """Before any job: what is there later may be its successor."""
    keep_until_made(rule, path)


def give_way(rule, product, found):
    """Move aside what is not to be lost when a product is made again."""
    if found and (line := present.keep(product)):
        logger.warning(line)
    has_hooks = module_name is None and not workflow.execution_settings.no_hooks
    if not has_hooks and RECIPES[rule].reads_files and (found or forced(product)):
        keep_once(rule, product.path)  # there is no `onstart` that does it


def remade(rule, label=""):
    """Input of a rule: no file. But what was made otherwise than is asked for now is made again.

    Snakemake goes by records of its own, which may be lost, empty or those of another folder.
    """

    def no_file(wildcards):
        if present:
            if is_run():
                begin_run()
            said = False
            for product in products_of(rule, wildcards, label):
                found = present.fault(product)
                make_again(product.path, found, silent=said)
                said = said or found is not None
                check_place(product.path, found)
                if is_run():
                    give_way(rule, product, found)
            for line in recipes.unread():
                logger.warning(line)
        return []

    return looked_at(no_file)


def remade_as(rule, path):
    """As `remade`, where a store has no recipe; from the parameters as they stand in the Snakefile."""

    def no_file(wildcards):
        if present:
            if is_run():
                begin_run()
            place = path.format(**dict(wildcards.items()))
            params = getattr(rules, rule).params
            asked = {
                name: value(wildcards) if callable(value) else value
                for name, value in params.items()
            }
            make_again(place, present.fault_of(place, as_params(asked)))
        return []

    return no_file


def of_benchmarked(name):
    """Parameter of a rule: a setting of the method that the job of the benchmark tries."""
    return lambda wildcards: as_params(
        getattr(settings.benchmark.methods[wildcards.label], name)
    )


def fitted_model(label):
    """Input of a rule: the model that is applied to the job's sample."""
    return looked_at(
        lambda wildcards: f"results/{samples[wildcards.sample].model_source}/fit/{label}.zarr"
    )


def threads_of(rule, label=""):
    """Threads of a rule: one for an image of one block."""
    return looked_at(lambda wildcards: job_needs(rule, wildcards, label).threads)


def needs(rule, label=""):
    """Resources of a rule: as the size of its image asks for; no parameters, so nothing is ever rerun for them."""

    def mem_mb(wildcards, threads, attempt):
        return job_needs(rule, wildcards, label).mem_mb(
            threads, attempt, elsewhere=not workflow.local_exec
        )

    def runtime(wildcards, attempt):
        step = 1 if together(wildcards) else STEP_MINUTES
        return job_needs(rule, wildcards, label).minutes(attempt, step=step)

    return {"mem_mb": looked_at(mem_mb), "runtime": looked_at(runtime)}


@looked_at
def together(wildcards):
    """Group of a rule: on a cluster, all jobs of a small sample are one submission."""
    name = wildcards.get("sample")  # none of the index
    return None if workflow.local_exec or not name else group_of(name)


@functools.cache
def group_of(name):
    """Asked once, though sizes of images become known later: all jobs of a sample are to agree."""
    return group_name(samples[name])


def job_needs(rule, wildcards, label=""):
    sample = samples.get(wildcards.get("sample", ""))  # none of the index
    return needs_of(rule, sample, label)


def per_attempt(amount):
    """Resource of a rule: so much at first, and so much more at every further attempt."""
    return lambda wildcards, attempt: amount * attempt


def heed_sigterm():
    """Stop in a thread: Snakemake's handler takes a lock, which its main thread may hold just then.

    What that handler sets is set at once, too: the main thread would look before the lock is free, and
    begin the next jobs.
    """
    stop = signal.getsignal(signal.SIGTERM)

    def stopping(*given):
        workflow.scheduler._user_kill = "graceful"
        threading.Thread(target=stop, args=given).start()

    if callable(stop):
        signal.signal(signal.SIGTERM, stopping)


wildcard_constraints:
    sample=one_of(samples),


onstart:
    if is_run():  # --touch comes here too
        heed_sigterm()
        for job in workflow.dag.needrun_jobs():
            for path in job.output:
                keep_until_made(job.rule.name, path)
