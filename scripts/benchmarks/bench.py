"""The work of `bench.py`: what it measures, by its options."""

import argparse

from gpunet.backend.threads import usable_cores

from . import commands, populations, record, steps
from .choices import devices, engines
from .options.bench import GRIDS, RIVALS
from .population import net_steps
from .predictors import PREDICTORS
from .report import machine, publish


def run(args: argparse.Namespace) -> int:
    """Run the benchmark that the arguments ask for; return the exit code."""
    n_seeds = args.repeats or record.SEEDS
    args.repeats = args.repeats or GRIDS[args.grid][2]
    args.threads = threads = args.threads or usable_cores()
    rivals = ["gpunet"]
    if args.devices:
        result, tables = devices.benchmark(args.devices)
    elif args.engines:
        result, tables = engines.benchmark(args)
    elif args.record:
        result, tables = record.benchmark(n_seeds)
        threads = usable_cores()
    elif args.busy:
        result, tables = commands.benchmark_busy(args.repeats)
    elif args.startup:
        result, tables = commands.benchmark_startup(max(args.repeats, 7))
    elif args.population and args.rivals:
        rivals = list(dict.fromkeys(["gpunet", "loop", *args.rivals]))
        result, tables = net_steps.benchmark(args, rivals)
        threads = None
    elif args.population:
        result, tables = populations.benchmark(args)
        threads = 1
    else:
        rivals = list(PREDICTORS) if args.predict else list(args.rivals or RIVALS)
        result, tables = steps.benchmark(args, rivals)
    packages = dict.fromkeys(p for r in rivals for p in steps.PACKAGES[r])
    publish(result | machine(packages, threads), tables, args)
    return int(bool(result.get("missed")))
