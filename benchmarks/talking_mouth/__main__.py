"""Does a lip reader gain from speech, and from pinyin and tones on the way to characters?

Arms of ``lip_by_speech``: a lip reader alone, with each level of its teacher alone, with all three,
and with other filters and alignments. Arms of ``cascade_seq2seq``: one stage; pinyin and characters;
pinyin, tones and characters; the same with a share of tones hidden, and with a longer joint phase.
All but one stage share a trained first stage. All arms of a seed have the same corpus, first weights,
order of clips and steps; later stages have steps of their own.

    pip install espeakng-loader
    python -m benchmarks.talking_mouth [--steps 940] [--seeds 0 1 2] [--arms alone context ...]

Writes docs/results/talking_mouth.json after every arm and continues where it stopped, then writes the
tables of the three pages and their curves again (``--page-only`` does nothing else).
"""

import argparse
import time

import torch

from benchmarks.talking_mouth import page, pictures, results
from benchmarks.talking_mouth.arms import ARMS, SeedRun
from benchmarks.talking_mouth.corpus import TONE_VISIBILITY


def settings_of(options: argparse.Namespace) -> str:
    """Under which name the results of these options stand."""
    name = f"{options.clips} clips, {options.steps} steps"
    if options.tone_visibility != TONE_VISIBILITY:
        name += f", tone visibility {options.tone_visibility:g}"
    return name


def measure(options: argparse.Namespace) -> None:
    """Runs the arms that the file lacks, seed by seed."""
    settings = settings_of(options)
    for seed in options.seeds:
        run = SeedRun(seed, options)
        for name in options.arms:
            if name in results.stored().get(settings, {}).get(str(seed), {}):
                continue
            print(f"seed {seed}, {name}", flush=True)
            start = time.process_time()
            entry = results.entry(run.arm(name), time.process_time() - start)
            everything = results.stored()
            rows = everything.setdefault(settings, {}).setdefault(str(seed), {})
            rows |= {name: entry, "floors": results.floors(run.corpus)}
            results.keep(everything)


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="talking_mouth")
    parser.add_argument("--clips", type=int, default=1500)
    parser.add_argument("--steps", type=int, default=940, help="of a lip reader")
    parser.add_argument("--teacher-steps", type=int, default=1128)
    parser.add_argument("--later-steps", type=int, default=564, help="of all later stages")
    parser.add_argument("--tone-visibility", type=float, default=TONE_VISIBILITY)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS)
    parser.add_argument("--page-only", action="store_true", help="only write the pages again")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if not options.page_only:
        measure(options)
    page.write(results.stored())
    pictures.write(results.stored())


if __name__ == "__main__":
    main()
