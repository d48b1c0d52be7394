"""Which published architectures survive the way through a pt2 file?

For each architecture: build it with random weights, export it as ``zooscope pack`` does, read the
file with our reader, and compare answer and input gradient with the module itself. Each runs in a
process of its own with a time limit. ``python benchmarks/formats_sweep.py`` prints the table and
writes it into ``docs/formats.md``; ``--only vit`` runs the names that contain a word.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "formats.md"
BEGIN, END = "<!-- sweep begin -->", "<!-- sweep end -->"
TOLERANCE = 1e-5
TIME_LIMIT_SECONDS = 240

TIMM = """
resnet18 resnet26d resnet50 resnext26ts seresnet18 resnetv2_18 wide_resnet50_2 res2net50_14w_8s
ecaresnet26t skresnet18 resnest14d regnetx_002 regnety_002 regnetz_005 vgg11 vgg11_bn
densenet121 mobilenetv1_100 mobilenetv2_050 mobilenetv3_small_050 mobilenetv3_large_075
mobilenetv4_conv_small_050 efficientnet_b0 efficientnet_lite0 efficientnetv2_rw_t
tf_efficientnet_b0 mixnet_s mnasnet_small fbnetc_100 spnasnet_100 ghostnet_050 ghostnetv2_100
hardcorenas_a lcnet_050 tinynet_e rexnet_100 semnasnet_075 dla34 hrnet_w18_small inception_v3
xception41 inception_resnet_v2 dpn48b selecsls42b cspresnet50 cspdarknet53 darknet53 repvgg_a0
mobileone_s0 nfnet_f0 nf_regnet_b0 gernet_s convnext_atto convnextv2_atto inception_next_atto
edgenext_xx_small focalnet_tiny_srf vit_tiny_patch16_224 vit_small_patch32_224
deit_tiny_patch16_224 deit3_small_patch16_224 deit_tiny_distilled_patch16_224
beit_base_patch16_224 cait_xxs24_224 crossvit_tiny_240 xcit_nano_12_p16_224 volo_d1_224
pit_ti_224 tnt_s_legacy_patch16_224 twins_svt_small swin_tiny_patch4_window7_224
swinv2_cr_tiny_ns_224 swinv2_tiny_window8_256 mixer_s32_224 gmixer_24_224 resmlp_12_224
gmlp_ti16_224 maxvit_rmlp_pico_rw_256 maxvit_tiny_tf_224 coatnet_pico_rw_224 coat_tiny
convit_tiny convmixer_1024_20_ks9_p14 levit_128s efficientformer_l1 efficientformerv2_s0
efficientvit_b0 efficientvit_m0 mobilevit_xxs mobilevitv2_050 poolformer_s12 caformer_s18
convformer_s18 pvt_v2_b0 repvit_m0_9 fastvit_t8 mvitv2_tiny davit_tiny nest_tiny visformer_tiny
starnet_s1 tiny_vit_5m_224 hiera_tiny_224 eva02_tiny_patch14_224 sequencer2d_s
vit_base_resnet26d_224 bat_resnext26ts botnet26t_256 halonet26t lambda_resnet26t
"""
TORCHVISION = """
alexnet squeezenet1_0 squeezenet1_1 shufflenet_v2_x0_5 shufflenet_v2_x1_0 googlenet mnasnet0_5
fcn_resnet50 deeplabv3_mobilenet_v3_large deeplabv3_resnet50 lraspp_mobilenet_v3_large
"""


def main() -> None:
    """Sweep, or run the one architecture that the sweep asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", help=argparse.SUPPRESS)
    parser.add_argument("--only", default="", help="only names that contain this")
    parser.add_argument("--json", type=Path, help="also write the rows as JSON")
    options = parser.parse_args()
    if options.architecture:
        print(json.dumps(_architecture_row(options.architecture)))
        return
    names = [f"timm:{name}" for name in TIMM.split()] + [
        f"torchvision:{name}" for name in TORCHVISION.split()
    ]
    rows = [_apart(name) for name in names if options.only in name]
    table = _table(rows)
    print(table)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    if not options.only:
        _publish(table)


def _apart(name: str) -> dict[str, Any]:
    """One architecture in its own process."""
    started = time.monotonic()
    command = [
        sys.executable,
        "-W",
        "ignore",
        str(Path(__file__).resolve()),
        "--architecture",
        name,
    ]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT_SECONDS,
            cwd=ROOT,
            check=False,
        )
        lines = done.stdout.strip().splitlines()
        row: dict[str, Any] = (
            json.loads(lines[-1])
            if done.returncode == 0
            else {"code": "crashed", "detail": done.stderr[-200:]}
        )
    except subprocess.TimeoutExpired:
        row = {"code": "time_limit", "detail": f"more than {TIME_LIMIT_SECONDS} s"}
    row |= {"name": name, "seconds": round(time.monotonic() - started, 1)}
    print(f"{name:48} {row.get('code') or 'ok'} {row['seconds']} s", file=sys.stderr, flush=True)
    return row


def _architecture_row(name: str) -> dict[str, Any]:
    """Build, export, read, compare."""
    sys.path.insert(0, str(ROOT))
    import torch

    from workers.programs import ProgramFailedError, ProgramRefusedError
    from workers.programs.exporting import export_network

    torch.set_num_threads(1)
    torch.manual_seed(0)
    try:
        network, shape = network_of(name)
    except (RuntimeError, ValueError, TypeError, AttributeError) as error:
        return {"code": "not_in_this_release", "detail": str(error)[:150]}
    with tempfile.TemporaryDirectory() as folder:
        try:
            program = export_network(network, shape, Path(folder) / "program.pt2")
            return _compared(network, program, shape)
        except (ProgramRefusedError, ProgramFailedError) as error:
            return {"code": error.code, "detail": error.detail[:150], "shape": shape}


def network_of(name: str) -> tuple[Any, tuple[int, int, int]]:
    """A module with random weights everywhere (zero-initialized heads would hide mistakes)."""
    import timm
    import torch
    from torchvision import models

    library, _, short = name.partition(":")
    if library == "timm":
        network = timm.create_model(short, pretrained=False)
        config = network.default_cfg
        fixed = (
            config.get("fixed_input_size", False)
            or "pool_size" not in config
            or not config["pool_size"]
        )
        whole, least = config["input_size"][-1], config.get("min_input_size", (3, 128, 128))[-1]
        side = whole if fixed else min(max(128, least), whole)
    else:
        extra = {"weights_backbone": None} if "resnet" in short or "mobilenet_v3" in short else {}
        extra |= {"init_weights": True} if short == "googlenet" else {}
        network, side = models.get_model(short, weights=None, **extra), 128
    with torch.no_grad():
        for tensor in network.parameters():
            if tensor.numel() > 1 and not tensor.any():
                tensor.normal_(std=0.02)
    return network.eval(), (3, side, side)


def _compared(network: Any, program: Any, shape: tuple[int, int, int]) -> dict[str, Any]:
    """Deviations of answer and input gradient on three images, and what the program is."""
    import torch

    from workers.programs.exporting import example_images
    from zooscope.packing.packing import tensors_in

    answers, gradients = [], []
    weighting = None
    for run in (network, program):
        images = example_images(3, shape).requires_grad_()
        answer = tensors_in(run(images))[0]
        weighting = torch.randn_like(answer) if weighting is None else weighting
        (gradient,) = torch.autograd.grad((answer * weighting).sum(), images)
        answers.append(answer.detach())
        gradients.append(gradient)
    deviation, slope = (float((a - b).norm() / a.norm()) for a, b in (answers, gradients))
    good = deviation <= TOLERANCE and slope <= TOLERANCE
    return {
        "code": None if good else "deviates", "detail": "" if good else f"{deviation:.1e}, {slope:.1e}",
        "shape": shape, "parameters": program.parameter_count, "flops": program.flops,
        "layers": len(program.layers), "batch": program.batch, "feature_layer": program.feature_layer,
        "answer": deviation, "gradient": slope,
    }  # fmt: skip


def _table(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown with a line of totals."""
    passed = sum(row.get("code") is None for row in rows)
    lines = [
        f"{passed} of {len(rows)} architectures pass ({100 * passed / max(len(rows), 1):.1f} %): the file is "
        f"read, and answer and input gradient equal the module's to {TOLERANCE:g} relative.",
        "",
        "| architecture | input | parameters | GFLOP | batch | layers | answer | gradient | result |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join(lines + [_line(row) for row in rows])


def _line(row: dict[str, Any]) -> str:
    name = row["name"].replace("timm:", "").replace("torchvision:", "torchvision ")
    side = row["shape"][-1] if row.get("shape") else "–"
    if row.get("answer") is None:
        detail = " ".join(str(row["detail"]).split()).replace("|", "/")
        return f"| {name} | {side} | – | – | – | – | – | – | `{row['code']}`: {detail} |"
    verdict = "passes" if row["code"] is None else f"`{row['code']}`"
    return (
        f"| {name} | {side} | {row['parameters'] / 1e6:.1f} M | {row['flops'] / 1e9:.2f} | "
        f"{row['batch'] or 'any'} | {row['layers']} | {row['answer']:.0e} | {row['gradient']:.0e} | {verdict} |"
    )


def _publish(table: str) -> None:
    """Put the table between its marks on the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
