"""Progress bars of the libraries: they show downloads on a terminal, and nothing elsewhere."""

import sys


def on_terminal() -> bool:
    """Whether downloads are shown; afterwards the hub's library and timm follow that."""
    from huggingface_hub.utils.tqdm import disable_progress_bars
    from timm.models import set_pretrained_download_progress

    shown = sys.stderr.isatty()
    set_pretrained_download_progress(shown)
    if not shown:
        disable_progress_bars()
    return shown


def silence_transformers() -> None:
    """From now on transformers prints errors alone; loading from a disk needs no bar."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
